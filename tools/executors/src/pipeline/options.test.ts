import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SluiceError } from '../foundation/index.ts';
import { durationMs, optionsFromNxJson, parseOptions, readOptions } from './index.ts';
import schema from './options.schema.json' with { type: 'json' };

const first = { name: 'github', registry: 'https://npm.example.com' };
const gated = (gate: unknown) => ({ packages: { stages: [first, { name: 'public', gate }] } });
const frozen = (window: unknown) => gated({ freeze: [window] });
const gate = 'packages.stages[1].gate';

function errorOf(run: () => unknown): SluiceError {
  try {
    run();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a wrong option is named by its path', () => {
  const table: [string, unknown, string][] = [
    ['no packages', {}, 'packages: is missing'],
    ['no options at all', undefined, 'packages: is missing'],
    ['no stage', { packages: { stages: [] } }, 'packages.stages: needs at least one entry'],
    [
      'mistyped option',
      { packages: { stages: [first] }, ledgr: {} },
      'ledgr: is not an option; did you mean "ledger"?',
    ],
    [
      'mistyped option of a stage',
      { packages: { stages: [{ ...first, tokenenv: 'A' }] } },
      'packages.stages[0].tokenenv: is not an option; did you mean "tokenEnv"?',
    ],
    [
      'unlike any option',
      { packages: { stages: [{ ...first, zzzzzz: 1 }] } },
      'packages.stages[0].zzzzzz: is not an option; here are: name, registry, kind, tokenEnv, access, trusted, publish, approvedWithin, gate, verify, tag, visibleWithin',
    ],
    [
      'a staged stage whose registry cannot stage',
      { packages: { stages: [{ name: 'test', registry: 'https://npm.example.com', publish: 'staged' }] } },
      `packages.stages[0].publish: "staged" needs a registry of npm's kind; say "kind": "npm" if it is one`,
    ],
    [
      'a wait for approvals that nobody gives',
      { packages: { stages: [{ name: 'public', approvedWithin: '30m' }] } },
      'packages.stages[0].approvedWithin: nobody approves what is not staged; say "publish": "staged"',
    ],
    [
      'half a Sigstore',
      { packages: { stages: [{ name: 'public' }] }, sigstore: { fulcio: 'https://fulcio.example.com' } },
      'sigstore.rekor: is missing',
    ],
    ['a stage without a name', { packages: { stages: [{}] } }, 'packages.stages[0].name: is missing'],
    [
      'a name that Nx cannot use',
      { packages: { stages: [{ name: 'Test:1' }] } },
      'packages.stages[0].name: must be lower case letters, digits and single dashes, such as "test"',
    ],
    [
      'a registry that is no URL',
      { packages: { stages: [first, { name: 'b', registry: 'npm.example.com' }] } },
      'packages.stages[1].registry: must be a URL: http or https, without a user, a query or a fragment',
    ],
    [
      'a registry with a password',
      { packages: { stages: [{ name: 'a', registry: 'https://u:hunter22@npm.example.com' }] } },
      'packages.stages[0].registry: must be a URL: http or https, without a user, a query or a fragment',
    ],
    [
      'an unknown kind',
      { packages: { stages: [{ ...first, kind: 'nexus' }] } },
      'packages.stages[0].kind: must be one of "npm", "github", "verdaccio", "generic"',
    ],
    [
      'a token instead of its variable',
      { packages: { stages: [{ ...first, tokenEnv: 'npm_s3cr3tvalue' }] } },
      'packages.stages[0].tokenEnv: must be the name of an environment variable (A-Z, 0-9, _), never the token itself',
    ],
    [
      'a duration without a unit',
      { packages: { stages: [{ ...first, visibleWithin: '300' }] } },
      'packages.stages[0].visibleWithin: must look like "30s" or "15m" or "24h" or "7d"',
    ],
    ['a number for a duration', gated({ soak: 24 }), `${gate}.soak: must be a string`],
    ['an empty gate', gated({}), `${gate}: must name at least one condition (or be left out)`],
    [
      'a gate before nothing',
      { packages: { stages: [{ ...first, gate: { approvals: 1 } }] } },
      'packages.stages[0].gate: the first stage takes what was built and cannot have a gate; move it to a later stage',
    ],
    ['no approval', gated({ approvals: 0 }), `${gate}.approvals: must be >= 1`],
    [
      'approvals in words',
      gated({ approvals: 'two' }),
      `${gate}.approvals: must be a whole number or an object`,
    ],
    [
      'approvals without a count',
      gated({ approvals: { from: ['ada'] } }),
      `${gate}.approvals.count: is missing`,
    ],
    [
      'more approvals than approvers',
      gated({ approvals: { count: 2, from: ['ada'] } }),
      `${gate}.approvals.from: names 1, fewer than the 2 approvals asked for`,
    ],
    [
      'the same approver twice',
      gated({ approvals: { count: 2, from: ['ada', 'ada'] } }),
      `${gate}.approvals.from: names the same entry twice`,
    ],
    [
      'a window of nothing',
      frozen({ reason: 'x' }),
      `${gate}.freeze[0]: needs from and to, or days, or between`,
    ],
    [
      'a window of two kinds',
      frozen({ days: ['fri'], from: '2026-12-20T00:00:00Z', to: '2026-12-21T00:00:00Z' }),
      `${gate}.freeze[0]: is a single window (from, to) or a weekly one (days, between), not both`,
    ],
    ['a window without an end', frozen({ from: '2026-12-20T00:00:00Z' }), `${gate}.freeze[0].to: is missing`],
    [
      'a window without a begin',
      frozen({ to: '2026-12-20T00:00:00Z' }),
      `${gate}.freeze[0].from: is missing`,
    ],
    [
      'a window that ends first',
      frozen({ from: '2026-12-20T00:00:00Z', to: '2026-12-20T00:00:00+01:00' }),
      `${gate}.freeze[0].to: is not after from`,
    ],
    [
      'an instant without a zone',
      frozen({ from: '2026-12-20T00:00:00', to: '2026-12-21T00:00:00Z' }),
      `${gate}.freeze[0].from: must be an instant with its time zone, such as "2026-12-20T00:00:00Z"`,
    ],
    [
      'an instant that is none',
      frozen({ from: '2026-13-20T00:00:00Z', to: '2026-12-21T00:00:00Z' }),
      `${gate}.freeze[0].from: must be an instant with its time zone, such as "2026-12-20T00:00:00Z"`,
    ],
    [
      'a zone for instants',
      frozen({ from: '2026-12-20T00:00:00Z', to: '2026-12-21T00:00:00Z', timeZone: 'UTC' }),
      `${gate}.freeze[0].timeZone: from and to carry their own time zone`,
    ],
    [
      'an unknown day',
      frozen({ days: ['friday'] }),
      `${gate}.freeze[0].days[0]: must be one of "mon", "tue", "wed", "thu", "fri", "sat", "sun"`,
    ],
    [
      'an impossible time',
      frozen({ between: ['24:00', '08:00'] }),
      `${gate}.freeze[0].between[0]: must look like "16:00" or "08:30"`,
    ],
    ['half a pair of times', frozen({ between: ['16:00'] }), `${gate}.freeze[0].between: needs 2 entries`],
    [
      'a window of no length',
      frozen({ between: ['16:00', '16:00'] }),
      `${gate}.freeze[0].between: begins and ends at the same time`,
    ],
    [
      'an unknown time zone',
      frozen({ days: ['fri'], timeZone: 'Mars/Olympus' }),
      `${gate}.freeze[0].timeZone: must be a time zone such as "Europe/Berlin"`,
    ],
    [
      'two package stages of one name',
      { packages: { stages: [first, { name: 'github' }] } },
      'packages.stages[1].name: "github" is already the name of packages.stages[0]',
    ],
    [
      'one name in both pipelines',
      { packages: { stages: [first] }, services: { stages: [{ name: 'github' }] } },
      'services.stages[0].name: "github" is already the name of packages.stages[0]',
    ],
    [
      'services without a stage',
      { packages: { stages: [first] }, services: { stages: [] } },
      'services.stages: needs at least one entry',
    ],
    [
      'a soak before nothing, services',
      { packages: { stages: [first] }, services: { stages: [{ name: 'staging', gate: { soak: '1h' } }] } },
      'services.stages[0].gate.soak: the first stage has no stage before it to look at',
    ],
    [
      'an option for a host',
      {
        packages: { stages: [first] },
        services: { stages: [{ name: 'staging', hosts: ['-oProxyCommand=x'] }] },
      },
      'services.stages[0].hosts[0]: must look like "deploy@www1.example.com"',
    ],
    [
      'a branch that git refuses',
      { packages: { stages: [first] }, ledger: { branch: 'a..b' } },
      'ledger.branch: must look like "sluice/ledger"',
    ],
    [
      'a remote that git takes for an option',
      { packages: { stages: [first] }, ledger: { remote: '--upload-pack=x' } },
      'ledger.remote: must look like "origin" or "upstream"',
    ],
    ['an empty path', { packages: { stages: [first] }, approvers: '' }, 'approvers: must not be empty'],
    [
      'two targets of one name',
      { packages: { stages: [first] }, targets: { build: 'promote' } },
      'targets.promote: "promote" is already the name of the target build',
    ],
    ['stages that are no list', { packages: { stages: { name: 'a' } } }, 'packages.stages: must be a list'],
  ];
  test.each(table)('%s', (_, raw, line) => {
    const error = errorOf(() => parseOptions(raw));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.exit).toBe(2);
    expect(error.details['problems']).toContain(line);
  });

  test('all of them at once, and no value among them', () => {
    const error = errorOf(() =>
      parseOptions({
        packages: { stages: [{ ...first, tokenEnv: 'npm_s3cr3tvalue', kind: 'x', tag: '1.0' }] },
      }),
    );
    expect(error.details['problems']).toHaveLength(3);
    expect(error.format()).not.toContain('s3cr3t');
  });
});

describe('options as the design writes them', () => {
  const design = {
    packages: {
      stages: [
        { ...first, tokenEnv: 'GITHUB_TOKEN' },
        {
          name: 'test',
          registry: 'https://npm.test.example.com',
          tokenEnv: 'TEST_REGISTRY_TOKEN',
          gate: { environment: 'TestGate' },
          verify: 'install',
        },
        { name: 'public', gate: { environment: 'Production', approvals: 1, soak: '24h' } },
      ],
    },
    services: {
      images: 'registry.example.com/acme',
      stages: [
        { name: 'staging', hosts: ['deploy@staging.example.com'] },
        {
          name: 'production',
          hosts: ['deploy@www1.example.com'],
          gate: { environment: 'production', approvals: 1 },
        },
      ],
    },
    ledger: { branch: 'sluice/ledger' },
    approvers: '.sluice/allowed_signers',
  };

  test('are accepted, and the defaults filled in without touching what was given', () => {
    const before = structuredClone(design);
    const options = parseOptions(design);
    expect(design).toEqual(before);
    expect(options.ledger).toEqual({ branch: 'sluice/ledger', remote: 'origin' });
    expect(options.revoked).toBe('.sluice/revoked_keys');
    expect(options.targets).toMatchObject({
      build: 'build',
      'publish-registry': 'publish-registry',
      approve: 'approve',
    });
    expect(options.packages.stages[0]).toMatchObject({
      access: 'public',
      verify: 'bytes',
      tag: 'latest',
      visibleWithin: '5m',
    });
  });

  test('weekly and single freeze windows, and approvers, are accepted', () => {
    const options = parseOptions(
      gated({
        approvals: { count: 2, from: ['ada', 'grace'] },
        freeze: [
          { days: ['fri'], between: ['16:00', '08:00'], timeZone: 'Europe/Berlin' },
          { between: ['22:00', '23:00'] },
          { reason: "year's end", from: '2026-12-20T00:00:00Z', to: '2027-01-04T00:00:00+01:00' },
        ],
      }),
    );
    expect(options.packages.stages[1]?.gate).toMatchObject({ approvals: { count: 2, allowAuthor: false } });
  });
});

describe('nx.json', () => {
  const text = (plugins: unknown) => JSON.stringify({ plugins });
  const options = { packages: { stages: [{ name: 'only' }] } };

  test.each(['@sluice/nx', '@sluice/nx/plugin', './tools/executors/src/plugin.ts', 'tools/executors'])(
    'registered as %s',
    (plugin) => {
      expect(optionsFromNxJson(text(['@nx/js', { plugin, options }])).packages.stages[0]?.name).toBe('only');
    },
  );
  test('with comments and trailing commas', () => {
    const jsonc = `{ // stages\n "plugins": [{ "plugin": "@sluice/nx", /* ours */ "options": ${JSON.stringify(options)}, }], }`;
    expect(optionsFromNxJson(jsonc).packages.stages).toHaveLength(1);
  });
  test.each([
    ['no plugins', '{}'],
    ['others alone', text(['@nx/js/typescript', { plugin: '@sluice/nx-other' }])],
    ['an empty file', 'null'],
  ])('%s: PLUGIN_NOT_REGISTERED', (_, nxJson) => {
    expect(errorOf(() => optionsFromNxJson(nxJson)).code).toBe('PLUGIN_NOT_REGISTERED');
  });
  test('broken: CONFIG_INVALID with the line', () => {
    const error = errorOf(() =>
      optionsFromNxJson('{\n  "plugins": [\n    oops\n  ]\n}', 'nx.json at 1234567'),
    );
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain('nx.json at 1234567');
    expect(error.message).toContain('line 3: is not JSON');
  });
  test('registered by its bare name: says that the stages are missing', () => {
    expect(errorOf(() => optionsFromNxJson(text(['@sluice/nx']))).details['problems']).toEqual([
      'packages: is missing',
    ]);
  });

  describe('of a workspace', () => {
    let root: string;
    beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'sluice-options-'))));
    afterAll(() => rm(root, { recursive: true, force: true }));
    test('is read, or its absence said', async () => {
      await expect(readOptions(root)).rejects.toMatchObject({ code: 'PLUGIN_NOT_REGISTERED', exit: 2 });
      await writeFile(join(root, 'nx.json'), text([{ plugin: '@sluice/nx', options }]));
      expect((await readOptions(root)).packages.stages[0]?.name).toBe('only');
    });
  });
});

test.each([
  ['30s', 30_000],
  ['15m', 900_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
])('%s is %i ms', (said, ms) => {
  expect(durationMs(said)).toBe(ms);
});
test.each(['', '5', 'h', '1w', '-1h', '1.5h', '1h30m'])('"%s" is not a duration', (said) => {
  expect(() => durationMs(said)).toThrow(RangeError);
});

test('every option has a title, a description and an example or default', () => {
  type Node = {
    $ref?: string;
    title?: string;
    description?: string;
    default?: unknown;
    examples?: unknown;
    properties?: Record<string, Node>;
    items?: Node;
  };
  const definitions = schema.definitions as Record<string, Node>;
  const lacking: string[] = [];
  const walk = (node: Node, at: string): void => {
    const whole = node.$ref ? { ...definitions[node.$ref.replace('#/definitions/', '')], ...node } : node;
    if (
      at &&
      (!whole.title || !whole.description || (whole.default === undefined && whole.examples === undefined))
    )
      lacking.push(at);
    for (const [name, child] of Object.entries(whole.properties ?? {})) walk(child, `${at}.${name}`);
    if (whole.items)
      for (const [name, child] of Object.entries(
        { ...definitions[whole.items.$ref?.replace('#/definitions/', '') ?? ''] }.properties ?? {},
      ))
        walk(child, `${at}[].${name}`);
  };
  walk(schema as Node, '');
  expect(lacking).toEqual([]);
});
