import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openIssuer, verifyToken, type JobToken } from '../../oidc/index.ts';
import { RegistryState, type PublishBody, type Publisher } from './state.ts';

/** npm's own registry in small, as far as its npm kind differs from Verdaccio: trusted and staged publishing, provenance. */
export interface TestNpmRegistry {
  url: string;
  state: RegistryState;
  /** A token of a person with all rights. */
  token: string;
  /** Package -> who is trusted to publish it; only packages that are there can have one. */
  publishers: Map<string, Publisher>;
  /** `METHOD /path` of every request, with `%2f` as `/`. */
  requests: string[];
  close(): Promise<void>;
}

/** @param issuer whose tokens are exchanged; undefined: no exchange */
export async function startNpmRegistry({ issuer }: { issuer?: string } = {}): Promise<TestNpmRegistry> {
  const state = new RegistryState();
  const token = `person-${randomUUID()}`;
  /** Exchanged token -> package. */
  const exchanged = new Map<string, string>();
  const publishers = new Map<string, Publisher>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => send(response, 500, { error: String(error) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const path = decodeURIComponent(pathname);
    const method = request.method ?? 'GET';
    requests.push(`${method} ${path}`);
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const person = bearer === token;
    const done = (refusal: { status: number; error: string } | undefined): void =>
      refusal ? send(response, refusal.status, refusal) : send(response, 200, { ok: true });
    const body = async (): Promise<unknown> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      return JSON.parse(Buffer.concat(chunks).toString('utf8'));
    };
    /** A token of trusted publishing publishes its own package, and only one that is there. */
    const may = (name: string): boolean =>
      person || (exchanged.get(bearer) === name && state.packages.has(name));

    const exchange = /^\/-\/npm\/v1\/oidc\/token\/exchange\/package\/(.+)$/.exec(path)?.[1];
    if (exchange !== undefined && method === 'POST') {
      const refusal = await untrusted(exchange, bearer);
      if (refusal) return done(refusal);
      const made = `exchanged-${randomUUID()}`;
      exchanged.set(made, exchange);
      return send(response, 201, { token: made, token_type: 'oidc' });
    }

    const tagged = /^\/-\/package\/(.+)\/dist-tags\/([^/]+)$/.exec(path);
    if (tagged) {
      if (!person) return done({ status: 403, error: 'this token cannot move dist-tags' });
      const [, name = '', tag = ''] = tagged;
      const held = state.packages.get(name);
      if (!held) return done({ status: 404, error: 'not found' });
      if (method === 'DELETE') delete held.tags[tag];
      else held.tags[tag] = (await body()) as string;
      return done(undefined);
    }

    const staging = /^\/-\/stage\/package\/(.+)$/.exec(path)?.[1];
    if (staging !== undefined && method === 'POST') {
      if (!may(staging)) return done({ status: 404, error: 'not found' });
      const staged = state.stage((await body()) as PublishBody);
      return 'status' in staged ? done(staged) : send(response, 201, { stageId: staged.id });
    }
    if (path === '/-/stage') {
      if (!person) return done({ status: 403, error: 'this token cannot list staged packages' });
      const wanted = searchParams.get('package');
      const [page, perPage] = [Number(searchParams.get('page')), Number(searchParams.get('perPage'))];
      const all = [...state.staged.values()].filter(({ name }) => wanted === null || name === wanted);
      const items = all
        .slice(page * perPage, (page + 1) * perPage)
        .map(({ id, name, version, tag }) => ({ id, packageName: name, version, tag }));
      return send(response, 200, { items, total: all.length });
    }
    const one = /^\/-\/stage\/([^/]+)(\/tarball|\/approve)?$/.exec(path);
    if (one) {
      const staged = state.staged.get(one[1] ?? '');
      if (!person) return done({ status: 403, error: 'this token cannot see staged packages' });
      if (!staged) return done({ status: 404, error: 'no such staged version' });
      if (one[2] === '/tarball') {
        const data = staged.document['_attachments']?.[`${staged.name}-${staged.version}.tgz`]?.data ?? '';
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.end(Buffer.from(data, 'base64'));
        return;
      }
      if (one[2] === '/approve')
        return request.headers['npm-otp'] ? done(state.approve(staged.id)) : otp(response);
      if (method === 'DELETE') return done(void state.staged.delete(staged.id));
      return send(response, 200, { id: staged.id, packageName: staged.name, version: staged.version });
    }

    const attested = /^\/-\/npm\/v1\/attestations\/(.+)@([^@]+)$/.exec(path);
    if (attested) {
      const bundle = state.packages.get(attested[1] ?? '')?.bundles.get(attested[2] ?? '');
      return bundle === undefined
        ? done({ status: 404, error: 'not found' })
        : send(response, 200, {
            attestations: [{ predicateType: 'https://slsa.dev/provenance/v1', bundle }],
          });
    }
    const tarball = /^\/((?:@[^/]+\/)?[^/]+)\/-\/.+-(\d+\.\d+\.\d+[^/]*)\.tgz$/.exec(path);
    if (tarball) {
      const bytes = state.packages.get(tarball[1] ?? '')?.tarballs.get(tarball[2] ?? '');
      if (!bytes) return done({ status: 404, error: 'not found' });
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
      response.end(bytes);
      return;
    }

    const name = path.slice(1);
    if (method === 'PUT') {
      const document = (await body()) as PublishBody;
      if (document['_attachments']) {
        if (!may(name)) return done({ status: 404, error: `'${name}' is not in this registry.` });
        return done(state.publish(document));
      }
      if (!person) return done({ status: 403, error: 'this token only publishes' });
      const held = state.packages.get(name);
      if (held) held.versions = document.versions;
      return done(held ? undefined : { status: 404, error: 'not found' });
    }
    const held = state.packages.get(name);
    if (!held || Object.keys(held.versions).length === 0) return done({ status: 404, error: 'Not found' });
    return send(response, 200, { _id: name, name, 'dist-tags': held.tags, versions: held.versions });
  }

  async function untrusted(
    name: string,
    jwt: string,
  ): Promise<{ status: number; error: string } | undefined> {
    if (issuer === undefined) return { status: 404, error: 'Not found' };
    const keys = await openIssuer(issuer).keys();
    const checked: JobToken = await verifyToken({
      token: jwt,
      issuer,
      audience: `npm:${new URL(url).hostname}`,
      keys: keys.values(),
      at: new Date(),
    });
    if (!checked.ok) return { status: 401, error: `OIDC token exchange error - ${checked.problem}` };
    const publisher = publishers.get(name);
    if (!publisher || !state.packages.has(name))
      return { status: 404, error: 'OIDC token exchange error - package not found' };
    const { repository, workflow_ref, environment } = checked.claims;
    const fits =
      publisher.repository === repository &&
      workflow_ref.includes(`/.github/workflows/${publisher.workflow}@`) &&
      (publisher.environment === undefined || publisher.environment === environment);
    return fits ? undefined : { status: 403, error: 'OIDC token exchange error - claims do not match' };
  }

  return {
    url,
    state,
    token,
    publishers,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function otp(response: ServerResponse): void {
  response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'OTP' });
  response.end(JSON.stringify({ error: 'a one-time password is needed' }));
}
