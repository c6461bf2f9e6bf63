import { decodeJwt } from 'jose';
import { SluiceError } from '../../foundation/index.ts';
import { mayRequestToken, requestToken } from '../../oidc/index.ts';
import { escaped } from '../../registry/names.ts';
import { exchangeToken } from '../../registry/trusted/exchange.ts';
import { given, ok, problem, unchecked } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check } from '../types.ts';

/**
 * Whether the registry trusts this workflow behind this environment. It tells its settings to nobody but a package's owner; a
 * job that is what they ask for can try the exchange itself, which gives a token that ends within the hour and publishes nothing.
 */
export function trustedCheck(patient: Patient, stageName: string): Check {
  const { env, options } = patient.context;
  const environment = options.packages.stages.find(({ name }) => name === stageName)?.gate?.environment;
  return {
    room: 'registry',
    title: 'trusted publisher',
    stage: stageName,
    run: async (signal) => {
      const stage = await given(patient.stage(stageName), 'the address of the stage is not known');
      const packages = (await patient.projects()).filter(({ pipeline }) => pipeline === 'packages');
      const [first] = packages;
      if (!stage.trusted)
        return unchecked('this registry is not one that trusts jobs ("trusted" in nx.json)');
      if (!first) return unchecked('there are no packages here');
      if (!mayRequestToken(env))
        return unchecked(
          'only a job with "permissions: id-token: write" can try; the settings are shown to an owner of the package alone',
          `npm trust list ${first.name}`,
        );
      await given(patient.ping(stageName), 'the registry cannot be reached');
      const claims = decodeJwt(await requestToken({ env, audience: 'sluice-doctor', signal }));
      const here = claims['environment'];
      const trust = (name: string): string => trustCommand(name, claims, environment);
      if (here !== environment)
        return unchecked(
          `this job is in ${inEnvironment(here)}, and the one that publishes is in ${inEnvironment(environment)}: only that one can try`,
          `npm trust list ${first.name} (made by: ${trust(first.name)})`,
        );
      const store = await patient.store(stageName);
      const refused: [name: string, said: string][] = [];
      let there = 0;
      for (const { name } of packages) {
        // A publisher can be set only for what is there; what is not is another check's.
        if (!(await given(store.look(name, signal), 'packages cannot be read')).exists) continue;
        there += 1;
        try {
          await exchangeToken(
            stage,
            { name, path: escaped(name) },
            { http: await patient.http(stageName), env, signal },
          );
        } catch (error) {
          if (!(error instanceof SluiceError) || error.code !== 'TOKEN_EXCHANGE_REFUSED') throw error;
          refused.push([name, error.message]);
        }
      }
      if (there === 0) return unchecked('nothing of ours is there yet, so nobody can be trusted with it');
      if (refused.length === 0)
        return ok(
          `trusts this job with ${there === 1 ? 'the one package that is there' : `all ${there} packages that are there`}`,
        );
      const [name = '', said = ''] = refused[0] ?? [];
      return problem(
        `the registry does not trust this job with ${refused.length} of ${there} packages: ${refused.map(([one]) => one).join(', ')}\n${said}`,
        trust(name),
        'TOKEN_EXCHANGE_REFUSED',
      );
    },
  };
}

const inEnvironment = (name: unknown): string =>
  typeof name === 'string' ? `the environment ${name}` : 'no environment';

/** What a package's owner types once; the registry compares it with the claims of the job that publishes. Pure. */
function trustCommand(
  name: string,
  claims: Record<string, unknown>,
  environment: string | undefined,
): string {
  const file = /\.github\/workflows\/([^@]+)/.exec(String(claims['workflow_ref']))?.[1] ?? 'release.yml';
  const behind = environment ? ` --env ${environment}` : '';
  return `npm trust github ${name} --repo ${String(claims['repository'])} --file ${file}${behind} --allow-publish`;
}
