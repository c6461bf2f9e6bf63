import { pairs } from '../../service/compose/index.ts';

type Mapping = Record<string, unknown>;

const KINDS = [
  { image: /(^|\/)(mariadb|mysql|percona)([:@]|$)/, kind: 'mysql', prefixes: ['MARIADB', 'MYSQL'] },
  {
    image: /(^|\/)(postgres|postgis|timescaledb|pgvector)([:@]|$)/,
    kind: 'postgres',
    prefixes: ['POSTGRES'],
  },
] as const;

/**
 * The entry of `databases` for a service of a compose file that is a database by its image, or why there can be none.
 * @param raw as it stands in the file: the name of a password's variable is read, never a value
 * @param filled with the file's defaults
 */
export function databaseIn(
  service: string,
  raw: Mapping,
  filled: Mapping,
): { database?: Mapping; note?: string }[] {
  const image = typeof filled['image'] === 'string' ? filled['image'] : '';
  const found = KINDS.find((one) => one.image.test(image));
  if (!found) return [];
  const { kind, prefixes } = found;
  const values = pairs(filled['environment']);
  const texts = pairs(raw['environment']);
  const first = (from: Record<string, string | null>, ...names: string[]) =>
    prefixes.flatMap((prefix) => names.map((name) => from[`${prefix}_${name}`])).find((value) => value);
  const isRoot = kind === 'mysql' && first(texts, 'ROOT_PASSWORD') !== undefined;
  const user =
    kind === 'mysql' ? (isRoot ? 'root' : first(values, 'USER')) : (first(values, 'USER') ?? 'postgres');
  const name = first(values, 'DATABASE', 'DB') ?? (kind === 'postgres' ? user : undefined);
  const [, passwordVariable] =
    /^\$\{?([A-Za-z_]\w*)/.exec(first(texts, isRoot ? 'ROOT_PASSWORD' : 'PASSWORD') ?? '') ?? [];
  const lacking = [
    ...(name ? [] : ['the name of its database']),
    ...(user ? [] : ['its user']),
    ...(passwordVariable ? [] : ['a variable for its password']),
  ];
  if (lacking.length > 0)
    return [
      {
        note: `services.${service} is a database that no backup holds: its environment lacks ${lacking.join(', ')}`,
      },
    ];
  return [{ database: { service, kind, name, user, passwordVariable } }];
}
