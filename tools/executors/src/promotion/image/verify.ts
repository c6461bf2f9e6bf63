import { asSluiceError } from '../../foundation/index.ts';
import type { LedgerState } from '../../ledger/types.ts';
import { tagsFor, type ImagePlace } from '../../pipeline/index.ts';
import type { ServiceStage } from '../../service/types.ts';
import { runRows } from '../../steps/index.ts';
import type { Context } from '../context.ts';
import type { Finding, StagesReport } from '../verify.ts';
import { provenanceFindings } from '../verify-provenance.ts';
import type { ImageRegistry } from './registry.ts';

/** What runs on the hosts of a stage; asked by `verify`, answered by `deployment`. */
export interface HostWitness {
  /** Digest of the artifact that serves, by host; null where none does. Throws where a host cannot be asked. */
  running(
    stage: ServiceStage,
    service: { project: string; name: string },
    signal?: AbortSignal,
  ): Promise<Record<string, string | null>>;
}

interface Question {
  id: string;
  name: string;
  version: string;
  ask: (signal: AbortSignal) => Promise<Finding | undefined>;
}

/**
 * Compares every recorded digest and every tag with the registries, and what runs on hosts with what was deployed. Manifests
 * carry the digests of all that they name, so nothing is downloaded but them.
 */
export async function verifyImages(
  context: Context,
  options: { stages?: string[]; signal?: AbortSignal; witness?: HostWitness },
): Promise<StagesReport> {
  const state = await (await context.ledger()).refresh();
  const report: StagesReport = { proved: 0, bytes: 0, agreed: 0, findings: [] };
  if (state.services().length === 0) return report;
  const pipeline = await context.services();
  const asked = [...(pipeline?.places.values() ?? [])].filter(
    ({ stage }) => !options.stages || options.stages.includes(stage),
  );
  for (const place of asked) {
    const stage = pipeline?.stages.find(({ name }) => name === place.stage);
    const registry = await context.images(place.stage);
    const questions = [
      ...digestsOf(state, place, registry),
      ...(stage ? tagsOf(state, stage, registry) : []),
      ...(stage && options.witness ? runningOf(state, stage, options.witness) : []),
    ];
    await answer(questions, place.stage, report, options.signal);
  }
  report.findings.push(...(await provenanceFindings(context, state, state.services(), options.signal)));
  const key = (finding: Finding) => [finding.kind, finding.stage, finding.name, finding.version].join(' ');
  report.findings.sort((a, b) => key(a).localeCompare(key(b)));
  return report;
}

/** Each digest that was recorded here must be here, with the bytes that make it. */
function digestsOf(state: LedgerState, place: ImagePlace, registry: ImageRegistry): Question[] {
  return state.services().flatMap((name) => {
    const versions = new Map(
      state.history(place.stage, name).map(({ record }) => [record.version, record] as const),
    );
    return [...versions].map(([version, { integrity, project }]): Question => {
      const id = `${name}@${version}`;
      const about = { stage: place.stage, name, version };
      return {
        id,
        name,
        version,
        ask: async (signal) => {
          const repository = state.published(name, version)?.record.image?.repository ?? project;
          if (await registry.of(repository).manifest(integrity, signal)) return undefined;
          const what = `${id} was recorded in ${place.stage}, but its registry does not have ${integrity}`;
          return { kind: 'missing', ...about, what };
        },
      };
    });
  });
}

/** The tags must name what the ledger says stands here; those that never move, what they were set to. */
function tagsOf(state: LedgerState, stage: ServiceStage, registry: ImageRegistry): Question[] {
  return state.services().flatMap((name) => {
    const position = state.position(stage.name, name);
    const entries = new Map(state.history(stage.name, name).map((entry) => [entry.record.version, entry]));
    return [...entries.values()].flatMap(({ record: { version, integrity, project } }) => {
      const image = state.published(name, version)?.record.image;
      const fields = {
        stage: stage.name,
        version,
        ...(image?.label === undefined ? {} : { label: image.label }),
      };
      const isPosition = position?.record.version === version;
      return tagsFor(stage.tags, fields)
        .filter(({ moves }) => !moves || isPosition)
        .map(({ tag }): Question => {
          const about = { stage: stage.name, name, version };
          return {
            id: `${name}:${tag}`,
            name,
            version,
            ask: async (signal) => {
              const there = await registry.of(image?.repository ?? project).head(tag, signal);
              // Tags of old patterns were never set; a tag that is missing misleads nobody.
              if (!there || there.digest === integrity) return undefined;
              const what = `${tag} of ${name} in ${stage.name} is ${there.digest}; the ledger says ${integrity} (${version})`;
              return { kind: 'tag', ...about, what };
            },
          };
        });
    });
  });
}

/** What serves on each host must be what the ledger says was deployed (or returned to) last. */
function runningOf(state: LedgerState, stage: ServiceStage, witness: HostWitness): Question[] {
  return state.services().flatMap((name) => {
    const running = state.running(stage.name, name)?.record;
    if (!running || stage.hosts.length === 0) return [];
    const { version, integrity, project } = running;
    return [
      {
        id: `${name} on the hosts of ${stage.name}`,
        name,
        version,
        ask: async (signal) => {
          const found = await witness.running(stage, { project, name }, signal);
          const wrong = stage.hosts.filter((host) => found[host] !== integrity);
          if (wrong.length === 0) return undefined;
          const seen = wrong.map((host) => `${host} runs ${found[host] ?? 'nothing'}`).join(', ');
          const what = `${name} in ${stage.name}: ${seen}; the ledger says ${integrity} (${version})`;
          return { kind: 'running', stage: stage.name, name, version, what };
        },
      },
    ];
  });
}

async function answer(
  questions: Question[],
  stage: string,
  report: StagesReport,
  signal: AbortSignal | undefined,
): Promise<void> {
  const outcomes = await runRows({
    rows: [
      {
        title: `ask ${stage}`,
        run: async (question: Question, attempt) => {
          const finding = await question.ask(attempt);
          if (finding) report.findings.push(finding);
          else report.agreed = (report.agreed ?? 0) + 1;
        },
      },
    ],
    subjects: questions.map((question) => ({ id: question.id, after: [], context: question })),
    ...(signal ? { signal } : {}),
  });
  for (const { id, name, version } of questions) {
    const outcome = outcomes.get(id);
    if (outcome?.status === 'done') continue;
    const error =
      outcome?.status === 'failed' ? outcome.error : asSluiceError(new Error('stopped on request'));
    const what = `${id}: ${error.code}: ${error.message}`;
    report.findings.push({ kind: 'unproved', stage, name, version, what });
  }
}
