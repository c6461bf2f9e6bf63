import { existsSync } from 'node:fs';
import { join } from 'node:path';
import semver from 'semver';
import { readArtifact } from '../artifact/index.ts';
import { asSluiceError } from '../foundation/index.ts';
import type { LedgerState } from '../ledger/types.ts';
import type { Stage } from '../pipeline/types.ts';
import type { StageStore } from '../registry/types.ts';
import { runRows } from '../steps/index.ts';
import { lookUp, runBudget } from './carry.ts';
import type { Context } from './context.ts';
import { provenanceFindings } from './verify-provenance.ts';

export interface Finding {
  /**
   * `different`: other bytes than recorded. `missing`: recorded, but not there. `unrecorded`: there, but nothing in the
   * ledger brought it. `tag`: a dist-tag points elsewhere than the ledger says. `artifact`: the build folder differs.
   * `running`: a host runs something else. `history`: the ledger itself. `provenance`: does not prove where it comes from.
   * `unproved`: could not be asked.
   */
  kind:
    | 'different'
    | 'missing'
    | 'unrecorded'
    | 'tag'
    | 'running'
    | 'artifact'
    | 'history'
    | 'provenance'
    | 'unproved';
  stage?: string;
  name?: string;
  version?: string;
  what: string;
}

/** What the stages' bytes say. */
export interface StagesReport {
  /** Versions whose bytes were downloaded and equal the ledger's. */
  proved: number;
  /** Bytes downloaded. */
  bytes: number;
  /** Digests, tags and running releases of services that are as the ledger says. */
  agreed?: number;
  findings: Finding[];
}

/**
 * Downloads every recorded version from every stage (or one) and compares it with the ledger and with the artifact in
 * the build folder; flags what nobody recorded. The ledger's own history is judged by `gate/audit.ts`; `prove.ts` joins both.
 */
export async function verifyStages(
  context: Context,
  options: { stages?: string[]; signal?: AbortSignal },
): Promise<StagesReport> {
  const state = await (await context.ledger()).refresh();
  const report: StagesReport = { proved: 0, bytes: 0, findings: [] };
  const stages = (await context.stages()).filter(
    (stage) => !options.stages || options.stages.includes(stage.name),
  );
  await Promise.all(
    stages.map(async (stage) =>
      verifyStage(report, state, stage, await context.store(stage), options.signal),
    ),
  );
  report.findings.push(...(await compareArtifacts(context, state)));
  report.findings.push(...(await provenanceFindings(context, state, state.packages(), options.signal)));
  const key = (finding: Finding) => [finding.kind, finding.stage, finding.name, finding.version].join(' ');
  report.findings.sort((a, b) => key(a).localeCompare(key(b)));
  return report;
}

async function verifyStage(
  report: StagesReport,
  state: LedgerState,
  stage: Stage,
  store: StageStore,
  signal: AbortSignal | undefined,
): Promise<void> {
  const names = state.packages();
  const { presence, unknown } = await lookUp(store, names, signal ? { signal } : {});
  for (const [name, error] of unknown) {
    report.findings.push({
      kind: 'unproved',
      stage: stage.name,
      name,
      what: `${error.code}: ${error.message}`,
    });
  }
  const downloads: {
    id: string;
    name: string;
    version: string;
    tarball: string;
    expected: string;
    size: number;
  }[] = [];
  for (const [name, found] of presence) {
    const recorded = new Map(
      state.history(stage.name, name).map((entry) => [entry.record.version, entry.record]),
    );
    for (const [version, { tarball }] of found.versions) {
      const record = recorded.get(version);
      if (!record) {
        const what = `${name}@${version} is in ${stage.name}, but no record brought it there`;
        report.findings.push({ kind: 'unrecorded', stage: stage.name, name, version, what });
        continue;
      }
      const expected = (record.type === 'published' ? record.serves : undefined) ?? record.integrity;
      const size = state.published(name, version)?.record.size ?? 0;
      downloads.push({ id: `${name}@${version}`, name, version, tarball, expected, size });
    }
    for (const version of recorded.keys()) {
      if (found.versions.has(version)) continue;
      const what = `${name}@${version} was recorded in ${stage.name}, but its registry does not have it`;
      report.findings.push({ kind: 'missing', stage: stage.name, name, version, what });
    }
    report.findings.push(...tagFindings(state, stage, name, found.tags));
  }
  const hold = runBudget();
  const outcomes = await runRows({
    rows: [
      {
        title: `download from ${stage.name}`,
        run: async (one: (typeof downloads)[number], attempt) => {
          const release = await hold(one.size);
          try {
            const bytes = await store.fetch(one.name, one.version, one.tarball, attempt);
            report.bytes += bytes.size;
            await bytes.dispose();
            if (bytes.integrity === one.expected) report.proved += 1;
            else {
              const what = `${one.id} in ${stage.name} is not what was recorded: expected ${one.expected}, found ${bytes.integrity}`;
              report.findings.push({
                kind: 'different',
                stage: stage.name,
                name: one.name,
                version: one.version,
                what,
              });
            }
          } finally {
            release();
          }
        },
        timeout: 600_000,
      },
    ],
    subjects: downloads.map((one) => ({ id: one.id, after: [], context: one })),
    ...(signal ? { signal } : {}),
  });
  for (const one of downloads) {
    const outcome = outcomes.get(one.id);
    if (outcome?.status === 'done') continue;
    const why =
      outcome?.status === 'failed' ? `${outcome.error.code}: ${outcome.error.message}` : 'stopped on request';
    report.findings.push({
      kind: 'unproved',
      stage: stage.name,
      name: one.name,
      version: one.version,
      what: `${one.id}: ${why}`,
    });
  }
}

/** The tag that people install by must point to the version that the ledger says stands there. */
function tagFindings(
  state: LedgerState,
  stage: Stage,
  name: string,
  tags: Record<string, string>,
): Finding[] {
  const here = state.position(stage.name, name)?.record;
  const found = here && tags[here.tag];
  if (!here || found === undefined || found === here.version) return [];
  // A version that is recorded and newer may hold the tag: an older line was promoted after it without moving it.
  if (state.standing(stage.name, name, found) && semver.gt(found, here.version)) return [];
  const what = `${here.tag} of ${name} in ${stage.name} points to ${found}; the ledger says ${here.version}`;
  return [{ kind: 'tag', stage: stage.name, name, version: found, what }];
}

/** The build folder is a fourth witness where it still has the recorded version. */
async function compareArtifacts(context: Context, state: LedgerState): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of state.packages()) {
    const project = state.project(name) ?? name;
    const folder = join(context.workspaceRoot, 'dist/artifacts', project);
    if (!existsSync(join(folder, 'artifact.json'))) continue;
    try {
      const { manifest } = await readArtifact(folder);
      const recorded = state.published(name, manifest.version)?.record;
      if (recorded && recorded.integrity !== manifest.integrity) {
        const what = `dist/artifacts/${project} holds other bytes for ${name}@${manifest.version} than were published: it was built again from other sources`;
        findings.push({ kind: 'artifact', name, version: manifest.version, what });
      }
    } catch (error) {
      findings.push({ kind: 'artifact', name, what: asSluiceError(error).message });
    }
  }
  return findings;
}
