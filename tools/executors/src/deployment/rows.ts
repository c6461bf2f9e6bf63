import { asSluiceError, errors } from '../foundation/index.ts';
import { checkClock } from '../host/index.ts';
import type { Row } from '../steps/index.ts';
import { factOf, truthOf } from './facts.ts';
import { runOn, sideBySide, type Member } from './fleet.ts';
import { inputFor } from './inputs.ts';
import { inWave, leaderOf, phaseOn, type Deployment, type Passage } from './passage.ts';
import { putBack, release } from './verdict.ts';

/** The hosts are asked again by `fleet.ts`; the row itself runs once. */
const once = { attempts: 1, pause: 0, longest: 0 };
/** A registry may be away for a moment. */
const pulling = { attempts: 4, pause: 1_000, longest: 8_000 };

/**
 * A deployment as a person reads it aloud. `waves` is the greatest number of waves of any service in the run.
 * Everything up to the last bake is taken back where one of the rows fails; nothing after it is.
 */
export function deployRows({
  waves,
  canary,
  together,
}: {
  waves: number;
  canary: boolean;
  together: boolean;
}) {
  const each = (rows: (wave: number, title: (text: string) => string) => Row<Deployment>[]) =>
    Array.from({ length: waves }, (_, wave) =>
      rows(wave, (text) => (wave === 0 ? text : `${text} (wave ${wave + 1})`)).map((row) => ({
        ...row,
        when: (passage: Deployment) => inWave(passage, wave).length > 0 && (row.when?.(passage) ?? true),
      })),
    ).flat();
  const rows = [
    ...opening,
    ...(canary
      ? [
          ...each((wave, title) => [start(wave, title), health(wave, title), canarySwitch(wave, title)]),
          canaryWatch,
        ]
      : []),
    ...each((wave, title) => [
      ...(canary ? [] : [start(wave, title), health(wave, title)]),
      switchOver(wave, title),
      verify(wave, title),
      bake(wave, title),
    ]),
    { ...baked, reaches: 'baked' },
    ...closing(together),
  ];
  return rows.map(measured);
}

/** Keeps which row runs, and how long each took. */
export function measured<P extends Passage>(row: Row<P>): Row<P> {
  return {
    retry: once,
    timeout: Infinity,
    ...row,
    run: async (passage, signal) => {
      passage.at = row.title;
      const begun = performance.now();
      try {
        return await row.run(passage, signal);
      } finally {
        passage.timings.push({ row: row.title, ms: performance.now() - begun });
      }
    },
  };
}

export const preflight: Row<Passage> = {
  title: 'preflight',
  run: async (passage, signal) => {
    const from = passage.now().getTime();
    const [said] = await Promise.all([
      phaseOn(passage, passage.members, 'preflight', signal),
      askBefore(passage),
    ]);
    const to = passage.now().getTime();
    for (const [member, result] of said) checkClock(member.name, result, { from, to });
  },
};

export const lock: Row<Passage> = {
  title: 'lock',
  run: async (passage, signal) =>
    void (await sideBySide(passage.members, signal, async (member, both) => {
      member.lock = 'asked';
      try {
        await runOn(member, 'lock', { ...inputFor(passage.setting, 'lock'), signal: both }, passage.reach);
      } catch (thrown) {
        if (asSluiceError(thrown).code === 'LOCK_HELD') member.lock = 'none';
        throw thrown;
      }
      member.lock = 'held';
      member.host.startHeartbeat((passage.setting.stage.leaseSeconds * 1_000) / 4);
    })),
  undo: async (passage) => {
    passage.onUndo?.();
    await putBack(passage);
  },
  undoesParts: true,
};

const changing = (members: Member[]): void => {
  for (const member of members) member.changed = true;
};

const opening: Row<Deployment>[] = [
  preflight,
  lock,
  {
    title: 'prepare',
    run: async (passage, signal) => {
      changing(passage.members);
      await phaseOn(passage, passage.members, 'prepare', signal);
    },
  },
  {
    title: 'backup',
    // A service's own data may not change below what depends on it before that serves.
    waitsFor: 'baked',
    when: ({ setting: { release: manifest }, before }) =>
      manifest.databases.length + manifest.volumes.length > 0 && [...before.values()].some(Boolean),
    run: backup,
  },
  {
    title: 'pull',
    run: async (passage, signal) => void (await phaseOn(passage, passage.members, 'pull', signal)),
    retry: pulling,
  },
  {
    title: 'migrate',
    waitsFor: 'baked',
    when: ({ plan, setting }) => setting.migrations !== undefined && plan.pendingMigrations.length > 0,
    run: async (passage, signal) => {
      const contract = passage.plan.blocksRollback;
      if (contract !== undefined) passage.oneWay = `the migration ${contract} ran`;
      await phaseOn(passage, [leaderOf(passage)], 'migrate', signal);
    },
  },
];

export async function backup(passage: Passage, signal: AbortSignal): Promise<void> {
  const leader = leaderOf(passage);
  const said = (await phaseOn(passage, [leader], 'backup', signal)).get(leader);
  const file = said && factOf(said, 'backup');
  if (file !== undefined) passage.backup = file;
}

type WaveRow = (wave: number, title: (text: string) => string) => Row<Deployment>;

const start: WaveRow = (wave, title) => ({
  title: title('start'),
  run: async (passage, signal) => void (await phaseOn(passage, inWave(passage, wave), 'start', signal)),
});
const health: WaveRow = (wave, title) => ({
  title: title('health'),
  run: async (passage, signal) => void (await phaseOn(passage, inWave(passage, wave), 'health', signal)),
});
const canarySwitch: WaveRow = (wave, title) => ({
  title: title('canary'),
  run: async (passage, signal) =>
    void (await phaseOn(passage, inWave(passage, wave), 'switch', signal, {
      weight: passage.plan.canary ?? 100,
    })),
});
const canaryWatch: Row<Deployment> = {
  title: 'watch the canary',
  run: async (passage, signal) =>
    void (await phaseOn(passage, passage.members, 'watch', signal, {
      seconds: Math.ceil(passage.canaryForMs / 1_000),
      canary: true,
    })),
};
const switchOver: WaveRow = (wave, title) => ({
  title: title('switch'),
  run: async (passage, signal) => void (await phaseOn(passage, inWave(passage, wave), 'switch', signal)),
});
const verify: WaveRow = (wave, title) => ({
  title: title('verify'),
  // The bake begins with the same look.
  run: async (passage, signal) =>
    verifyOn(passage, inWave(passage, wave), signal, { look: passage.setting.stage.bakeMs === 0 }),
});
const bake: WaveRow = (wave, title) => ({
  title: title('bake'),
  when: ({ setting }) => setting.stage.bakeMs > 0,
  run: async (passage, signal) => {
    const seconds = Math.ceil(passage.setting.stage.bakeMs / 1_000);
    await phaseOn(passage, inWave(passage, wave), 'watch', signal, { seconds });
  },
});
/** A state of its own, since a service may have fewer waves than another of the same run. */
const baked: Row<Deployment> = {
  title: 'all hosts have baked',
  run: async (passage) => {
    passage.baked = true;
  },
};

/** Through the proxy, from here too where that gets through, and what runs is what was wanted. */
export async function verifyOn(
  passage: Passage,
  members: Member[],
  signal: AbortSignal,
  { look }: { look: boolean },
): Promise<void> {
  const wanted = passage.setting.release;
  await sideBySide(members, signal, async (member, both) => {
    const run = (phase: 'truth' | 'watch') =>
      runOn(member, phase, { ...inputFor(passage.setting, phase), signal: both }, passage.reach);
    const truth = truthOf(await run('truth'));
    if (truth.serving !== wanted.release)
      throw errors.OTHER_RELEASE_SERVES({
        host: member.name,
        wanted: wanted.release,
        serving: truth.serving ?? 'none',
      });
    for (const [service, reference] of Object.entries(wanted.images)) {
      const digest = reference.split('@')[1] ?? reference;
      const own = truth.containers.filter((one) => one.release === wanted.release && one.service === service);
      const other = own.find(({ image }) => !image.includes(digest));
      if (own.length === 0 || other)
        throw errors.OTHER_DIGEST_RUNS({
          host: member.name,
          service,
          wanted: digest,
          found: other?.image ?? 'nothing',
        });
    }
    if (look) await run('watch');
  });
  const asked = passage.outside.checks.filter(
    ({ host, url }) => passage.outside.before.has(url) && members.some(({ name }) => name === host),
  );
  await Promise.all(
    asked.map(async (check) => {
      for (let attempt = 1; ; attempt += 1) {
        const answer = await passage.outside.ask(check);
        if (answer === 'right') return;
        if (attempt === 3) throw errors.SICK_FROM_OUTSIDE({ host: check.host, url: check.url, answer });
        await passage.reach.sleep(300);
      }
    }),
  );
}

async function askBefore({ outside }: Passage): Promise<void> {
  await Promise.all(
    outside.checks.map(async (check) => {
      if ((await outside.ask(check)) === 'right') outside.before.add(check.url);
    }),
  );
}

const closing = (together: boolean): Row<Deployment>[] => [
  { ...finish, ...(together ? { waitsForAll: 'baked' } : {}) },
  {
    title: 'record',
    asks: true,
    run: async (passage) => passage.record(),
    pastReturn: true,
    reaches: 'recorded',
  },
  prune,
  unlock,
];

/** From the first host that says so the new release is the current one: then the others have to follow, not to go back. */
export const finish: Row<Passage> = {
  title: 'finish',
  run: async (passage) => {
    try {
      await phaseOn(passage, passage.members, 'finish');
    } catch (thrown) {
      passage.committed = await isCommitted(passage);
      if (!passage.committed) throw thrown;
      const { setting, members, reach } = passage;
      // Not stopped by another host's failure: half of the hosts would be neither.
      const left = await Promise.all(
        members.map((member) =>
          runOn(member, 'finish', inputFor(setting, 'finish'), reach).then(
            () => undefined,
            (error: unknown) => error,
          ),
        ),
      );
      const failed = left.find((error) => error !== undefined);
      if (failed !== undefined) throw failed;
    }
    passage.committed = true;
  },
};

async function isCommitted(passage: Passage): Promise<boolean> {
  const { setting, members, reach } = passage;
  const answers = await Promise.all(
    members.map(async (member) => {
      try {
        return truthOf(await runOn(member, 'truth', inputFor(setting, 'truth'), reach)).current;
      } catch {
        return undefined;
      }
    }),
  );
  return answers.includes(setting.release.release);
}

export const prune: Row<Passage> = {
  title: 'prune',
  pastReturn: true,
  run: async (passage, signal) => {
    try {
      await phaseOn(passage, passage.members, 'prune', signal);
    } catch (thrown) {
      const { code, message } = asSluiceError(thrown);
      passage.notes.push(`old releases and images were not pruned (${code}: ${message})`);
    }
  },
};

export const unlock: Row<Passage> = {
  title: 'unlock',
  pastReturn: true,
  run: async (passage) => void (await Promise.all(passage.members.map((member) => release(passage, member)))),
};
