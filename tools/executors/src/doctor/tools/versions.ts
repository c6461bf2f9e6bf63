import { execute } from '../../git/index.ts';
import { ok, problem, warning } from '../findings.ts';
import type { Check, Finding } from '../types.ts';

/** A program that we call, or that a command of ours tells people to call. */
export interface Tool {
  name: string;
  argv: [string, ...string[]];
  /** Finds the version in what it prints, on either stream. */
  version: RegExp;
  least: string;
  /** What is missing without it. */
  why: string;
  /** How to get (or renew) it. */
  get: string;
  /** Only some of what we do needs it. */
  optional?: boolean;
}

const OPENSSH = /OpenSSH_(?:for_Windows_)?(\d+\.\d+)/;

export const TOOLS: readonly Tool[] = [
  {
    name: 'node',
    argv: [process.execPath, '--version'],
    version: /^v(\d+\.\d+\.\d+)/,
    least: '22.18.0',
    why: 'it runs the plugin',
    get: 'install Node 22.18 or newer (https://nodejs.org), or name one in devDependencies as this template does',
  },
  {
    name: 'npm',
    argv: ['npm', '--version'],
    version: /^(\d+\.\d+\.\d+)/m,
    least: '10.0.0',
    why: 'npm ci, npx, and trusted publishers are set with it',
    get: 'npm install --global npm@latest',
    optional: true,
  },
  {
    name: 'git',
    argv: ['git', '--version'],
    version: /git version (\d+\.\d+(?:\.\d+)?)/,
    least: '2.34.0',
    why: 'the ledger, the policy and the sources are read with it',
    get: 'install git 2.34 or newer, and see that it is on the PATH',
  },
  {
    // Instants in signatures and in the approvers' file, and what git needs (8.9); ssh-keygen has no option that prints its version, and comes with ssh.
    name: 'ssh-keygen',
    argv: ['ssh', '-V'],
    version: OPENSSH,
    least: '8.9',
    why: 'signatures in the ledger are made and checked with it',
    get: 'install OpenSSH 8.9 or newer (Debian: apt-get install openssh-client)',
  },
];

export const SSH: Tool = {
  name: 'ssh',
  argv: ['ssh', '-V'],
  version: OPENSSH,
  least: '8.0',
  why: 'hosts are reached with it',
  get: 'install OpenSSH 8.0 or newer (Debian: apt-get install openssh-client)',
};

/** Whether a program is there, and new enough. */
export function toolCheck(tool: Tool, env: NodeJS.ProcessEnv): Check {
  return {
    room: 'tools',
    title: tool.name,
    run: async () => judgeTool(tool, await printed(tool, env), await keygenIsThere(tool, env)),
  };
}

/** Standard output and error of the program; undefined where there is none. */
async function printed({ argv: [file, ...args] }: Tool, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  // Where npm is a script, its own shell is what Windows needs.
  const name = process.platform === 'win32' && file === 'npm' ? 'npm.cmd' : file;
  try {
    const { stdout, stderr } = await execute(name, args, { env: { ...env, LC_ALL: 'C' } });
    return `${stdout.toString('utf8')}\n${stderr}`;
  } catch {
    return undefined;
  }
}

/** It takes no option that prints something harmless: that it starts is all that it tells of itself. */
async function keygenIsThere({ name }: Tool, env: NodeJS.ProcessEnv): Promise<boolean> {
  if (name !== 'ssh-keygen') return true;
  return execute('ssh-keygen', ['-?'], { env }).then(
    () => true,
    () => false,
  );
}

/** Pure: what a program said of its version. */
function judgeTool(tool: Tool, said: string | undefined, isThere = true): Finding {
  const lacking = (text: string): Finding =>
    tool.optional
      ? warning(`${text} (${tool.why})`, tool.get)
      : problem(`${text}: ${tool.why}`, tool.get, CODES[tool.name]);
  if (said === undefined || !isThere) return lacking(`${tool.name} is not on PATH`);
  const found = tool.version.exec(said)?.[1];
  if (found === undefined)
    return warning(`${tool.name} does not say its version; ${tool.least} is needed`, tool.get);
  return older(found, tool.least)
    ? lacking(`${tool.name} ${found} is older than ${tool.least}`)
    : ok(tool.name === 'ssh-keygen' ? `OpenSSH ${found}` : found);
}

const CODES: Record<string, string> = {
  git: 'GIT_MISSING',
  'ssh-keygen': 'SSH_KEYGEN_MISSING',
  ssh: 'SSH_MISSING',
};

/** Whether a dotted version is lower than another. */
export function older(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
