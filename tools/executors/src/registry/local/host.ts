import { createHash, randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { preferredPort, runConfig, USER, type VerdaccioConfig } from './config.ts';
import { readJson, writePrivate } from './files.ts';
import { keepsVersions, refuseDeletions } from './keep.ts';
import { close, listen } from './listen.ts';
import { stagePaths, type LocalPaths } from './paths.ts';

export type RunServer = (config: VerdaccioConfig) => Promise<Server>;

/** One running registry, as the server tells its clients. */
export interface Hosted {
  url: string;
  token: string;
  storage: string;
  /** Set where something is not as preferred, in words for a person. */
  note?: string;
}
interface Credentials {
  user: string;
  password: string;
  token?: string;
}

/** Starts the registry of one stage on loopback, and finds or makes its user's token. */
export async function host(
  stage: string,
  config: VerdaccioConfig,
  local: LocalPaths,
  runServer: RunServer,
): Promise<{ hosted: Hosted; close(): Promise<void> }> {
  const paths = stagePaths(local, stage);
  await mkdir(paths.storage, { recursive: true, mode: 0o700 });
  const kept = (await readJson<Credentials>(paths.credentials)) ?? {
    user: USER,
    password: randomBytes(24).toString('base64url'),
  };
  await writePrivate(
    paths.htpasswd,
    `${kept.user}:{SHA}${createHash('sha1').update(kept.password).digest('base64')}\n`,
  );
  const server = await runServer(runConfig(config, paths, local));
  if (keepsVersions(config)) refuseDeletions(server);
  const preferred = preferredPort(config);
  const port = await listen(server, preferred);
  const url = `http://127.0.0.1:${port}`;
  try {
    const token = await validToken(url, kept);
    if (token !== kept.token) await writePrivate(paths.credentials, JSON.stringify({ ...kept, token }));
    const note =
      port === preferred || preferred === 0
        ? undefined
        : `port ${preferred} is taken: the registry of ${stage} is at ${url}`;
    return { hosted: { url, token, storage: paths.storage, note }, close: () => close(server) };
  } catch (error) {
    await close(server);
    throw error;
  }
}

/** The kept token where the registry still takes it, else a new one: after a reset its secret is another. */
async function validToken(url: string, { user, password, token }: Credentials): Promise<string> {
  if (token) {
    const answer = await fetch(`${url}/-/whoami`, { headers: { authorization: `Bearer ${token}` } });
    const said = (await answer.json().catch(() => ({}))) as { username?: string };
    if (said.username === user) return token;
  }
  const answer = await fetch(`${url}/-/user/org.couchdb.user:${user}`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    },
    body: JSON.stringify({ name: user, password }),
  });
  const made = (await answer.json().catch(() => ({}))) as { token?: string };
  if (!made.token)
    throw new Error(
      `Verdaccio gave no token for its user ${user} (HTTP ${answer.status}); does its file keep auth.htpasswd?`,
    );
  return made.token;
}
