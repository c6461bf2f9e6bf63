import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runLoad } from '../executors/src/deployment/smoke/load.ts';
import type { DemoHost } from './host.ts';
import { print, type StageHand } from './stage-hand.ts';

/** A release that answers, is switched to, and turns sick a moment later. */
const SICK = 'if (process.uptime() > 8) return context.json({ status: "sick", release }, 503);\n    ';
const RATE = 50;

/** The story of a service: deployed to a real host, broken, and put back, with people using it all the while. */
export async function serviceStory(
  hand: StageHand,
  host: DemoHost,
  commit: (message: string) => void,
): Promise<void> {
  hand.act(
    'A service: its image is built once, and deployed by its digest to a real host',
    'The host is a container with an sshd and a Docker engine of its own. Database, proxy and service start there.',
  );
  edit(join(hand.folder, 'nx.json'), (text) =>
    text.replace(
      '"hosts": ["deploy@staging.example.com"]',
      `"hosts": ["${host.name}"], "sshConfig": ${JSON.stringify(host.sshConfig)}, "bake": "10s"`,
    ),
  );
  commit('chore: staging is a host of the demo');
  await hand.type('npx nx run api:publish-registry', { show: false });
  await hand.type('npx nx run api:promote:staging', { show: false });
  await hand.type('npx nx run api:deploy-vps:staging', { show: false });
  const invoices = `${host.url}/api/invoices`;
  const line = { description: 'Screw', quantity: '3 piece', unitPrice: '9.99 EUR', taxRate: '19' };
  const body = JSON.stringify({ number: '2026-1', currency: 'EUR', lines: [line] });
  const written = await fetch(invoices, { method: 'POST', body });
  hand.holds('the service answers through the proxy, and has written an invoice', written.status === 201);

  hand.act('A broken release is deployed while people use the service');
  edit(join(hand.folder, 'apps/api/src/app.ts'), (text) =>
    text.replace('if (stopping()) return', `${SICK}if (stopping()) return`),
  );
  commit('feat(api): something that turns sick after a while');
  await hand.type('npx nx run api:publish-registry', { show: false });
  await hand.type('npx nx run api:promote:staging', { show: false });
  const stop = new AbortController();
  const load = runLoad({ url: invoices, rate: RATE, signal: stop.signal });
  try {
    const output = await hand.type('npx nx run api:deploy-vps:staging', {
      exit: 'non-zero',
      says: /PROBE_FAILED|CONTAINER_UNHEALTHY/,
      show: false,
    });
    const said = output.split('\n').findIndex((text) => /^(PROBE_FAILED|CONTAINER_UNHEALTHY)/.test(text));
    for (const text of output.split('\n').slice(said, said + 3)) if (said >= 0) print(`     ${text}\n`);
  } finally {
    stop.abort();
  }
  const { sent, failed, failures, latency } = await load;
  print(`   ${sent} requests meanwhile (median ${latency.median.toFixed(0)} ms)\n`);
  hand.holds(
    `none of them failed${failed === 0 ? '' : `: ${JSON.stringify(failures)}`}`,
    failed === 0 && sent > 0,
  );
  const kept = (await (await fetch(invoices)).json()) as { number: string }[];
  hand.holds('the release before serves, with its data', kept.length === 1 && kept[0]?.number === '2026-1');
  await hand.type('npx nx run api:releases:staging');
}

function edit(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error(`${file} is not as the demo expects it`);
  writeFileSync(file, changed);
}
