import type { ErrorObject } from 'ajv';

/** The words of `known` that a mistyped word most likely meant; undefined where none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const best = ranked[0];
  return best && best.far <= Math.max(2, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** `/packages/stages/1/registry` as a person writes it: `packages.stages[1].registry`; `root` stands for the whole. */
function readable(pointer: string, root: string, property?: string): string {
  const parts = pointer
    .split('/')
    .slice(1)
    .map((p) => p.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (property !== undefined) parts.push(property);
  const path = parts.map((p, i) => (/^\d+$/.test(p) ? `[${p}]` : i === 0 ? p : `.${p}`)).join('');
  return path || root;
}

const FORMATS: Record<string, string> = {
  uri: 'must be a URL: http or https, without a user, a query or a fragment',
  'date-time': 'must be an instant with its time zone, such as "2026-12-20T00:00:00Z"',
  'time-zone': 'must be a time zone such as "Europe/Berlin"',
  'path-below': 'must be a path below the folder that it is relative to, with forward slashes',
  'relative-path': 'must be a relative path, with forward slashes',
};

/**
 * One line for a thing that a schema found wrong, led by its path. No value is repeated: it might be a secret in the wrong place.
 * A schema's own words for a pattern (`mustBe`) win.
 * @param root what stands for the whole document
 */
export function problemLine(error: ErrorObject, root = 'options'): string {
  const { params } = error as { params: Record<string, unknown> };
  const schema = (error.parentSchema ?? {}) as {
    properties?: object;
    examples?: unknown[];
    required?: string[];
    mustBe?: string;
  };
  const at = readable(error.instancePath, root);
  switch (error.keyword) {
    case 'additionalProperties': {
      const property = String(params['additionalProperty']);
      const known = Object.keys(schema.properties ?? {});
      const near = nearest(property, known);
      return `${readable(error.instancePath, root, property)}: is not an option; ${near ? `did you mean "${near}"?` : `here are: ${known.join(', ')}`}`;
    }
    case 'required':
      return `${readable(error.instancePath, root, String(params['missingProperty']))}: is missing`;
    case 'enum':
      return `${at}: must be one of ${(params['allowedValues'] as unknown[]).map((v) => JSON.stringify(v)).join(', ')}`;
    case 'format':
      return `${at}: ${FORMATS[String(params['format'])] ?? `must be a ${String(params['format'])}`}`;
    case 'pattern':
      if (schema.mustBe !== undefined) return `${at}: must be ${schema.mustBe}`;
      if (/(^|\.)tokenEnv$/.test(at))
        return `${at}: must be the name of an environment variable (A-Z, 0-9, _), never the token itself`;
      if (/(^|\.)name$/.test(at))
        return `${at}: must be lower case letters, digits and single dashes, such as "test"`;
      return `${at}: must look like ${(schema.examples ?? []).map((v) => JSON.stringify(v)).join(' or ') || String(params['pattern'])}`;
    case 'type':
      return `${at}: must be ${[params['type']]
        .flat()
        .map((t) =>
          t === 'string'
            ? 'a string'
            : t === 'boolean'
              ? 'true or false'
              : t === 'integer'
                ? 'a whole number'
                : t === 'array'
                  ? 'a list'
                  : 'an object',
        )
        .join(' or ')}`;
    case 'propertyNames':
      return `${readable(error.instancePath, root, String(params['propertyName']))}: is no name that can stand here`;
    case 'minItems':
      return `${at}: needs ${params['limit'] === 1 ? 'at least one entry' : `${String(params['limit'])} entries`}`;
    case 'minLength':
      return `${at}: must not be empty`;
    case 'minProperties':
      return `${at}: must name at least one condition (or be left out)`;
    case 'uniqueItems':
      return `${at}: names the same entry twice`;
    default:
      return `${at}: ${error.message ?? error.keyword}`;
  }
}
