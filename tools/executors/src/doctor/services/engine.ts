import { detectBuilder } from '../../artifact/image/index.ts';
import { localEngine } from '../../deployment/smoke/engine.ts';
import { asSluiceError } from '../../foundation/index.ts';
import { ok, problem } from '../findings.ts';
import type { Check, Finding } from '../types.ts';

/** What builds images on this machine, and what starts them for the proof before a deployment. */
export function engineChecks(): Check[] {
  return [
    {
      room: 'services',
      title: 'image builder',
      run: () => said(async () => (await detectBuilder()).description),
    },
    {
      room: 'services',
      title: 'engine for smoke',
      run: () =>
        said(async () => {
          const { engine, compose } = await localEngine();
          return `${engine}, with ${compose.join(' ')}`;
        }),
    },
  ];
}

async function said(look: () => Promise<string>): Promise<Finding> {
  try {
    return ok(await look());
  } catch (thrown) {
    const { code, message, next } = asSluiceError(thrown);
    return problem(message, next, code);
  }
}
