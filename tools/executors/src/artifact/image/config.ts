/** What of a container's configuration an image carries on; all else is how the builder made it (host names, ids of steps). */
const CARRIED = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'OnBuild',
  'Shell',
] as const;

export interface ConfigOptions {
  /** Seconds since 1970. */
  epoch: number;
  labels: Readonly<Record<string, string>>;
  /** `sha256:...` of the uncompressed layers. */
  layers: readonly string[];
}

interface History {
  created_by?: string;
  comment?: string;
  author?: string;
  empty_layer?: boolean;
}

export interface Platform {
  architecture: string;
  os: string;
  variant?: string;
  'os.version'?: string;
}

/** The configuration of an image with nothing in it that differs from build to build: one time, and only what it runs by. */
export function normalConfig(raw: Record<string, unknown>, { epoch, labels, layers }: ConfigOptions): Buffer {
  const created = new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
  const from = (raw['config'] ?? {}) as Record<string, unknown>;
  const history = ((raw['history'] ?? []) as History[]).map(
    ({ created_by, comment, author, empty_layer }) => ({
      created,
      ...(created_by ? { created_by } : {}),
      ...(author ? { author } : {}),
      // Buildah writes the id of the step before, which is another one each time.
      ...(comment && !comment.startsWith('FROM ') ? { comment } : {}),
      ...(empty_layer ? { empty_layer } : {}),
    }),
  );
  const value = {
    created,
    ...(raw['author'] ? { author: raw['author'] } : {}),
    ...platformOf(raw),
    config: {
      ...Object.fromEntries(
        CARRIED.flatMap((name) => (isSet(from[name]) ? [[name, sorted(from[name])]] : [])),
      ),
      Labels: sorted({ ...(from['Labels'] as object | null | undefined), ...labels }),
    },
    rootfs: { type: 'layers', diff_ids: layers },
    ...(history.length > 0 ? { history } : {}),
  };
  return Buffer.from(JSON.stringify(value));
}

export function platformOf(raw: Record<string, unknown>): Platform {
  const text = (name: string): string | undefined =>
    typeof raw[name] === 'string' && raw[name] !== '' ? raw[name] : undefined;
  const [variant, version] = [text('variant'), text('os.version')];
  return {
    architecture: text('architecture') ?? 'amd64',
    os: text('os') ?? 'linux',
    ...(variant ? { variant } : {}),
    ...(version ? { 'os.version': version } : {}),
  };
}

const isSet = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
    ? Object.keys(value).length > 0
    : value !== undefined && value !== null && value !== '' && value !== false;

/** Objects of this file are sets and maps: builders write them in any order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
