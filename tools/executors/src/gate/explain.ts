import { errors, type SluiceError } from '../foundation/index.ts';
import type { ConditionResult, GateDecisions } from './types.ts';

/** The error for a closed gate: what is missing for which items, who can give it, what to type next. Nothing was changed. */
export function explainClosed(decisions: GateDecisions, stage: string): SluiceError {
  const groups = grouped(decisions);
  const missing = groups.map(({ items, result }) => {
    const names =
      items.length === decisions.size && items.length > 3 ? `all ${items.length} items` : items.join(', ');
    return `${names}\n      ${result.condition}: ${result.detail}`;
  });
  const next = [
    ...new Set(
      groups.map(({ result }) => result.next ?? waiting(result)).filter((text) => text !== undefined),
    ),
  ];
  return errors.GATE_CLOSED(
    { stage, missing, next },
    { details: { stage, decisions: Object.fromEntries(decisions) } },
  );
}

interface Group {
  items: string[];
  result: ConditionResult;
}

/** Items that miss the same thing are told of once. */
function grouped(decisions: GateDecisions): Group[] {
  const groups = new Map<string, Group>();
  for (const [item, { results }] of decisions) {
    for (const result of results) {
      if (result.open) continue;
      const same = `${result.condition} ${result.detail}`;
      const group = groups.get(same) ?? { items: [], result };
      group.items.push(item);
      groups.set(same, group);
    }
  }
  return [...groups.values()];
}

const waiting = ({ until }: ConditionResult): string | undefined => until && `wait until ${until}`;
