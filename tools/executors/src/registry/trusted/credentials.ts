import { errors, SluiceError } from '../../foundation/index.ts';
import { mayRequestToken } from '../../oidc/index.ts';
import type { Stage } from '../../pipeline/types.ts';
import type { Http } from '../http.ts';
import { escaped } from '../names.ts';
import type { Capabilities } from '../types.ts';
import { exchangeToken, type Exchanged } from './exchange.ts';

/** With which token a stage's registry is asked for what. */
export interface Credentials {
  /** The stage with the token that publishes this package. Throws TOKEN_EXCHANGE_REFUSED, TRUSTED_FIRST_PUBLISH. */
  toPublish(name: string, signal?: AbortSignal): Promise<Stage>;
  /** @throws TRUSTED_TOKEN_CANNOT where there are only tokens of trusted publishing, which can do nothing but publish */
  mustHave(action: string, byHand: string): void;
  /** What a registry can do with these credentials. */
  limit(capabilities: Capabilities): Capabilities;
}

interface CredentialsInput {
  http: Http;
  env: NodeJS.ProcessEnv;
  note: (line: string) => void;
  isThere: (name: string, signal?: AbortSignal) => Promise<boolean>;
}

/** The stage's own token, or where its registry trusts the job one for each package, exchanged when first needed. */
export function openCredentials(stage: Stage, { http, env, note, isThere }: CredentialsInput): Credentials {
  const exchanges = stage.trusted === true && mayRequestToken(env);
  const kept = new Map<string, Exchanged>();
  const refused = new Set<string>();
  const alone = exchanges && stage.token === undefined;

  async function exchange(name: string, signal?: AbortSignal): Promise<Stage> {
    const before = kept.get(name);
    if (before && before.until > Date.now()) return { ...stage, token: before.token };
    const got = await exchangeToken(
      stage,
      { name, path: escaped(name) },
      { http, env, ...(signal ? { signal } : {}) },
    );
    kept.set(name, got);
    return { ...stage, token: got.token };
  }

  return {
    toPublish: async (name, signal) => {
      if (!exchanges || refused.has(name)) return stage;
      try {
        return await exchange(name, signal);
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== 'TOKEN_EXCHANGE_REFUSED') throw error;
        if (stage.token) {
          note(`${error.code}: ${error.message}; the token in ${stage.tokenEnv} is used instead`);
          refused.add(name);
          return stage;
        }
        if (await isThere(name, signal)) throw error;
        throw errors.TRUSTED_FIRST_PUBLISH(
          { stage: stage.name, registry: stage.registry, tokenEnv: stage.tokenEnv, name },
          { cause: error, details: error.details },
        );
      }
    },
    mustHave: (action, byHand) => {
      if (!alone) return;
      const { name, registry, tokenEnv } = stage;
      throw errors.TRUSTED_TOKEN_CANNOT({ stage: name, registry, tokenEnv, action, byHand });
    },
    limit: (capabilities) => {
      if (!alone) return capabilities;
      const why = `there are only tokens of trusted publishing here, which can do nothing but publish: put another one into ${stage.tokenEnv}`;
      return { ...capabilities, distTags: false, deprecate: false, cannot: [...capabilities.cannot, why] };
    },
  };
}
