import type { ExecutorContext } from '@nx/devkit';
import { expect, it, vi } from 'vitest';
import { errors } from '../../foundation/index.ts';
import type { approveAll } from '../../promotion/approve-staged.ts';
import approveExecutor from './executor.ts';

vi.mock('../../promotion/context.ts', () => ({
  openContext: async () => ({
    options: {
      targets: { approve: 'approve' },
      packages: { stages: [{ name: 'test' }, { name: 'public' }] },
    },
    ledger: async () => ({ refresh: async () => ({}) }),
    close: async () => undefined,
  }),
}));
vi.mock('../../promotion/approve-staged.ts', async (original) => ({
  ...(await original<object>()),
  approveAll: async (_: unknown, { onEvent }: Parameters<typeof approveAll>[1]) => {
    const error = errors.STAGED_WAITING({ name: 'money', version: '1', stage: 'public', compared: true });
    const wait = { subject: 'money', event: 'retrying', row: 'wait for the approval', error } as const;
    onEvent?.({ ...wait, inMs: 500, leftMs: 60_000 });
    return {};
  },
}));

it('says of a wait for the registry what it is for, and until when', async () => {
  let said = '';
  const write = vi
    .spyOn(process.stderr, 'write')
    .mockImplementation((text) => ((said += String(text)), true));
  const answer = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const { success } = await approveExecutor({ stage: 'public' }, { root: '/' } as ExecutorContext);
  write.mockRestore();
  answer.mockRestore();
  expect(said).toMatch(
    /^money: "wait for the approval" again in 0\.5 s, until [\d:]{8} at most \(STAGED_WAITING: /,
  );
  expect(success).toBe(true);
});
