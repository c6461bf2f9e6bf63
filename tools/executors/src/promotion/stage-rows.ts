import type { Stage } from '../pipeline/types.ts';
import type { Row } from '../steps/index.ts';
import { passageRows, PUT, WAIT, type Passage } from './rows.ts';
import { stagedRows } from './staged-rows.ts';

/** The rows of a stage: its way of publishing, and its patience. */
export function rowsFor(stage: Stage): Row<Passage>[] {
  const { staged } = stage;
  if (staged === undefined)
    return passageRows.map((row) =>
      row.title === WAIT && row.retry
        ? { ...row, retry: { ...row.retry, within: stage.visibleWithinMs } }
        : row,
    );
  return passageRows.flatMap((row) => {
    if (row.title === WAIT) return [];
    if (row.title !== PUT) return [row];
    return stagedRows(staged.approvedWithinMs);
  });
}
