import { request as http } from 'node:http';
import { request as https } from 'node:https';
import { parseAddress } from '../host/index.ts';
import type { ServiceBundle, ServiceStage } from '../service/types.ts';

/** One question to a service from where the deployer stands. */
export interface OutsideCheck {
  host: string;
  url: string;
  /** Any answer below 500 will do where the health path is not reachable through the proxy. */
  status?: number;
  body?: string;
}
export type Answer = 'right' | 'wrong' | 'none';

/** What the deployer's own network shows of a service; made once for every deployment. */
export interface Outside {
  checks: OutsideCheck[];
  ask(check: OutsideCheck): Promise<Answer>;
  /** Urls that answered rightly before anything was changed: only those can turn wrong by what is done. */
  before: Set<string>;
}

/** What to ask, by host. Behind an alias of ssh there may be another address, or none: such a check has no answer, which is no failure. */
export function outsideChecks(stage: ServiceStage, bundle: ServiceBundle): OutsideCheck[] {
  if (stage.proxy === 'none') return [];
  const [hostname] = bundle.config.stages[stage.name]?.hostnames ?? [];
  return stage.hosts.flatMap((host) => {
    const address = hostname ?? bracketed(parseAddress(host).host);
    const base = hostname
      ? `https://${address}${stage.ports.https === 443 ? '' : `:${stage.ports.https}`}`
      : `http://${address}${stage.ports.http === 80 ? '' : `:${stage.ports.http}`}`;
    return Object.values(bundle.config.http).map(({ path, health }) =>
      health.path.startsWith(path)
        ? {
            host,
            url: `${base}${health.path}`,
            status: health.status,
            ...(health.body ? { body: health.body } : {}),
          }
        : { host, url: `${base}${path}` },
    );
  });
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Asks once; no answer within two seconds is none, as are a refused connection and a certificate that is not ours to judge. */
export function askOutside({ url, status, body }: OutsideCheck): Promise<Answer> {
  return new Promise((resolve) => {
    const send = url.startsWith('https:') ? https : http;
    let asked;
    try {
      asked = send(url, { timeout: 2_000, headers: { 'user-agent': 'sluice' } });
    } catch {
      return resolve('none');
    }
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve('none'));
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < 65_536) text += chunk;
      });
      response.on('error', () => resolve('none'));
      response.on('end', () => {
        const code = response.statusCode ?? 0;
        const right =
          status === undefined ? code < 500 : code === status && (body === undefined || text.includes(body));
        resolve(right ? 'right' : 'wrong');
      });
    });
    asked.end();
  });
}
