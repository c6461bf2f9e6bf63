import type { ArtifactBytes } from '../artifact/types.ts';
import type { Stage } from '../pipeline/types.ts';
import { notJson, type Asked } from './answers.ts';
import { errors } from '../foundation/index.ts';
import type { Http, Response } from './http.ts';
import type { Credentials } from './trusted/index.ts';
import type { Staging, StagedVersion } from './types.ts';

interface StagingInput {
  stage: Stage;
  http: Http;
  mustHave: Credentials['mustHave'];
  receive: (call: Asked & { signal?: AbortSignal }, response: Response) => Promise<ArtifactBytes>;
  put: Staging['put'];
}

interface Page {
  items?: { id?: unknown; packageName?: unknown; version?: unknown; tag?: unknown }[];
  total?: unknown;
}

const PER_PAGE = 100;
/** More pages than any package can have staged: an answer that never ends is a broken one. */
const PAGES = 50;

/** npm's staged publishing, as `npm stage` of its own client does it. */
export function stagingOf({ stage, http, mustHave, receive, put }: StagingInput): Staging {
  const byHand = `npx nx approve -c ${stage.name}`;
  return {
    put,
    list: async (name, signal) => {
      mustHave('see what is staged', byHand);
      const found: StagedVersion[] = [];
      for (let page = 0; page < PAGES; page += 1) {
        const query = new URLSearchParams({ page: String(page), perPage: String(PER_PAGE), package: name });
        const call = {
          operation: 'staged' as const,
          stage,
          name,
          method: 'GET' as const,
          path: `/-/stage?${query}`,
          signal,
        };
        const answer = await http.json<Page>(call);
        const items = typeof answer === 'string' ? undefined : answer.items;
        if (!Array.isArray(items)) throw notJson(call, 'an answer without a list', '');
        found.push(...items.flatMap((item) => ofPackage(item, name)));
        if (items.length < PER_PAGE) return found;
      }
      return found;
    },
    fetch: async (name, staged, signal) => {
      const { id, version } = staged;
      mustHave('see what is staged', byHand);
      const call = { operation: 'fetch' as const, stage, name, version, signal };
      const response = await http.send({
        ...call,
        method: 'GET',
        path: `/-/stage/${encodeURIComponent(id)}/tarball`,
        headers: { accept: 'application/octet-stream, */*', 'cache-control': 'no-cache' },
      });
      if (typeof response === 'string')
        throw errors.VERSION_NOT_IN_STAGE({ stage: stage.name, registry: stage.registry, name, version });
      return receive(call, response);
    },
    command: (verb, { id }) =>
      `npm stage ${verb} ${id}${stage.identity === 'default' ? '' : ` --registry=${stage.registry}`}`,
  };
}

/** Ids go into a command that a person types: what is no id is not shown as one. */
function ofPackage(item: NonNullable<Page['items']>[number], name: string): StagedVersion[] {
  const { id, packageName, version, tag } = item;
  if (typeof id !== 'string' || !/^[\w-]+$/.test(id) || typeof version !== 'string') return [];
  if (packageName !== undefined && packageName !== name) return [];
  return [{ id, version, ...(typeof tag === 'string' ? { tag } : {}) }];
}
