import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { LabHost } from '../../testing/lab/index.ts';
import type { Scene } from './scene.ts';

const exec = promisify(execFile);

/** The forms in which a secret could stand somewhere: raw, URL-encoded, escaped as in JSON, and in base64 wherever it begins. */
export function formsOf(secret: string): string[] {
  const inBase64 = ['', 'x', 'xx'].map((before, index) =>
    Buffer.from(before + secret)
      .toString('base64')
      .slice(index === 0 ? 0 : index + 1)
      // The last characters depend on what follows.
      .replace(/.{0,3}=*$/, ''),
  );
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...inBase64];
}

export const found = (text: string, secrets: string[]): string[] =>
  secrets.flatMap(formsOf).filter((form) => text.includes(form));

/** Files below folders of a host that hold a secret, as `<mode> <path>`. Archives are searched inside. */
export async function filesWith(host: LabHost, secrets: string[], folders: string[]): Promise<string[]> {
  const text = await host.exec(
    `cat >/run/needles
    find ${folders.join(' ')} -type f | while IFS= read -r file; do
      { cat "$file"; case $file in *.tar.gz) tar -xOzf "$file" ;; esac; } 2>/dev/null | grep -qaFf /run/needles &&
        stat -c '%a %n' "$file"
    done
    rm /run/needles`,
    // By line, as grep reads them: a secret of several lines is found by its first.
    { input: `${[...new Set(secrets.flatMap(formsOf).map((form) => form.split('\n')[0]))].join('\n')}\n` },
  );
  return text.split('\n').filter(Boolean);
}

/** All of the ledger: messages, names and content of everything that was ever written to it. */
export async function ledgerText(scene: Scene): Promise<string> {
  const git = (...args: string[]) =>
    exec('git', ['--git-dir', `${scene.flow.root}/.sluice/local/ledger.git`, ...args], {
      maxBuffer: 64 * 1024 * 1024,
    });
  const { stdout } = await git('log', '--all', '--format=%B %an %ae', '--patch', '--text');
  return stdout;
}

/** Command lines of all processes, on a host and here, from now until it is stopped. */
export function watchProcesses(host: LabHost): () => Promise<string> {
  const stop = '/run/stop-watching';
  const there = host.exec(`
    rm -f ${stop}
    while [ ! -e ${stop} ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; sleep 0.02; done | sort -u`);
  let here = '';
  const timer = setInterval(
    () => void exec('ps', ['-eo', 'args', '-ww']).then(({ stdout }) => (here += stdout)),
    100,
  );
  return async () => {
    clearInterval(timer);
    await host.exec(`touch ${stop}`);
    return `${await there}\n${here}`;
  };
}
