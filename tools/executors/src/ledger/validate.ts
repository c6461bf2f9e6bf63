import type { Batch, LedgerRecord } from './types.ts';

type Check = (value: unknown) => boolean;
const text: Check = (v) => typeof v === 'string' && v !== '';
const anyText: Check = (v) => typeof v === 'string';
/** Without white space: the snapshot keeps these in lines. */
const word: Check = (v) => typeof v === 'string' && /^\S+$/.test(v);
const instant: Check = (v) => typeof v === 'string' && !Number.isNaN(Date.parse(v));
const natural: Check = (v) => Number.isSafeInteger(v) && (v as number) >= 0;
const bool: Check = (v) => typeof v === 'boolean';
const integrity: Check = (v) => typeof v === 'string' && /^sha\d+[-:]\S+$/.test(v);
const oneOf =
  (...values: string[]): Check =>
  (v) =>
    values.includes(v as string);
const maybe =
  (check: Check): Check =>
  (v) =>
    v === undefined || check(v);
const orNull =
  (check: Check): Check =>
  (v) =>
    v === null || check(v);
const listOf =
  (check: Check): Check =>
  (v) =>
    Array.isArray(v) && v.every(check);
const isObject = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v);
const shape =
  (fields: Record<string, Check>): Check =>
  (v) =>
    isObject(v) && wrongField(v, fields) === undefined;
const mapOf =
  (check: Check): Check =>
  (v) =>
    isObject(v) && Object.values(v).every(check);

function wrongField(value: Record<string, unknown>, fields: Record<string, Check>): string | undefined {
  for (const name in fields) if (!(fields[name] as Check)(value[name])) return name;
  return undefined;
}

const common = {
  at: instant,
  pipeline: oneOf('packages', 'services'),
  repository: text,
  stage: text,
  registry: text,
  by: text,
  run: anyText,
};
const item = { project: text, name: text, version: text, integrity };

const environmentRun = shape({
  name: text,
  run: text,
  attempt: text,
  sha: text,
  actor: text,
  approvals: listOf(shape({ login: text, id: natural, comment: anyText, read: instant })),
});

const digest: Check = (v) => typeof v === 'string' && /^sha256:[0-9a-f]{64}$/.test(v);
const image = shape({
  label: maybe(text),
  repository: text,
  mediaType: text,
  images: mapOf(digest),
  builder: text,
  attachments: listOf(shape({ artifactType: text, sha256: text, size: natural })),
});
const deployment = {
  ...common,
  ...item,
  pipeline: oneOf('services'),
  integrity: digest,
  release: word,
  hosts: listOf(text),
  composeHash: text,
  environmentHash: text,
  databaseVersion: orNull(text),
  migrations: maybe(listOf(text)),
  backup: maybe(text),
  previous: maybe(word),
};

/** The fields of each type of record; a field that stands nowhere here is let through, for versions to come. */
const types: Record<LedgerRecord['type'], Record<string, Check>> = {
  published: {
    ...common,
    ...item,
    root: anyText,
    shasum: maybe(anyText),
    image: maybe(image),
    size: natural,
    tag: text,
    source: shape({ commit: text, dirty: bool }),
    tools: mapOf(anyText),
    dependencies: mapOf(shape({ version: anyText, range: anyText })),
    serves: maybe(anyText),
    provenance: maybe(shape({ sha256: word, commit: word, attested: maybe(bool) })),
  },
  promoted: {
    ...common,
    ...item,
    from: text,
    tag: text,
    tags: maybe(listOf(text)),
    previous: maybe(anyText),
    verified: oneOf('bytes', 'install'),
    planHash: text,
    policy: anyText,
    approvals: listOf(word),
    gate: listOf(shape({ condition: text, detail: anyText })),
    environment: maybe(environmentRun),
  },
  approved: {
    ...common,
    planHash: text,
    items: listOf(shape(item)),
    nonce: word,
    expires: instant,
    ledgerHead: orNull(text),
    policy: anyText,
    comment: maybe(anyText),
    user: maybe(shape({ login: text, id: natural, url: text })),
  },
  'rolled-back': {
    ...common,
    ...item,
    tag: text,
    to: maybe(text),
    deprecated: bool,
    reason: anyText,
    dependents: listOf(anyText),
  },
  held: { ...common, ...item, reason: anyText },
  released: { ...common, ...item, reason: anyText },
  'freeze-overridden': { ...common, reason: anyText, until: instant },
  deployed: deployment,
  'deploy-failed': {
    ...deployment,
    code: text,
    reason: anyText,
    outcome: oneOf('restored', 'unchanged', 'broken'),
  },
  returned: {
    ...deployment,
    reason: anyText,
    left: maybe(shape({ release: word, version: text, integrity: digest })),
    restored: maybe(text),
  },
};

/** What a type asks for in one pipeline alone: packages have what npm goes by, services a digest. */
const byPipeline: Record<string, Partial<Record<LedgerRecord['type'], Record<string, Check>>>> = {
  packages: { published: { shasum: anyText } },
  services: { published: { image, integrity: digest }, promoted: { integrity: digest } },
};

/** Snapshots name a type by its place in this list. */
export const RECORD_TYPES = Object.keys(types) as LedgerRecord['type'][];

/** What is wrong with a record, in words; undefined where nothing is. */
export function recordProblem(record: unknown): string | undefined {
  if (!isObject(record)) return 'it is no object';
  const type = record['type'];
  if (typeof type !== 'string' || !Object.hasOwn(types, type))
    return `its type ${JSON.stringify(type)} is unknown`;
  const known = type as LedgerRecord['type'];
  const wrong =
    wrongField(record, types[known]) ??
    wrongField(record, byPipeline[record['pipeline'] as string]?.[known] ?? {});
  return wrong === undefined ? undefined : `its field "${wrong}" is missing or wrong`;
}

const sshSignature = shape({ format: oneOf('sshsig'), principal: text, value: text });
const jobSignature = shape({
  format: oneOf('oidc'),
  principal: text,
  value: text,
  key: isObject,
  seen: listOf(word),
});
const signature = orNull((v) => sshSignature(v) || jobSignature(v));

/** A batch file's content, or what is wrong with it. */
export function parseBatch(content: string): { batch: Batch } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return { problem: 'it is not JSON' };
  }
  if (!isObject(value)) return { problem: 'it is no object' };
  if (value['schemaVersion'] !== 1) {
    return { problem: `its schemaVersion is ${JSON.stringify(value['schemaVersion'])}, not 1` };
  }
  const records = value['records'];
  if (!Array.isArray(records) || records.length === 0) return { problem: 'it holds no records' };
  if (!signature(value['signature'])) return { problem: 'its signature has another form' };
  if (!maybe(mapOf(anyText))(value['attachments'])) return { problem: 'its attachments have another form' };
  for (const [index, record] of records.entries()) {
    const problem = recordProblem(record);
    if (problem) return { problem: `record ${index}: ${problem}` };
  }
  return { batch: value as unknown as Batch };
}
