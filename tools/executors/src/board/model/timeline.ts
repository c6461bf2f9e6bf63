import type { Entry, LedgerRecord, LedgerState, Records } from '../../ledger/types.ts';
import type { Timeline, TimelineEvent } from './types.ts';

export interface TimelineQuery {
  /** Words that must all stand in the name, project, version, stage or kind of event. */
  text?: string;
  types?: string[];
  stage?: string;
  /** Only of this package or service. */
  name?: string;
}

/** The records that a question is about, oldest first; looks at columns alone, but for approvals, which name several items. */
export function selectEvents(state: LedgerState, query: TimelineQuery): Records {
  const words = (query.text ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const { types, stage, name } = query;
  return state.records((row, record) => {
    if (types && types.length > 0 && !types.includes(row.type)) return false;
    if (stage && row.stage !== stage) return false;
    if (name && row.name !== name && !itemsOf(row.type, record).includes(name)) return false;
    if (words.length === 0) return true;
    const text =
      `${row.name}@${row.version} ${row.type} ${row.stage} ${itemsOf(row.type, record).join(' ')}`.toLowerCase();
    return words.every((one) => text.includes(one));
  });
}

function itemsOf(type: LedgerRecord['type'], record: () => LedgerRecord): string[] {
  if (type !== 'approved') return [];
  const found = record();
  return found.type === 'approved' ? found.items.map((item) => item.name) : [];
}

/** A window of the events, newest first. */
export function timelinePage(records: Records, from: number, count: number): Timeline {
  const events: TimelineEvent[] = [];
  for (let at = from; at < Math.min(from + count, records.length); at++) {
    const entry = records.at(records.length - 1 - at);
    if (entry) events.push(eventOf(entry));
  }
  return { total: records.length, from, events };
}

/** One record as one line. */
export function eventOf({ record, order }: Entry): TimelineEvent {
  const { at, type, pipeline, stage, by } = record;
  const item =
    'name' in record ? { name: record.name, project: record.project, version: record.version } : {};
  return { order, at, type, kind: pipeline, stage, by, ...item, text: wordsOf(record) };
}

function wordsOf(record: LedgerRecord): string {
  switch (record.type) {
    case 'published':
      return `built from ${record.source.commit.slice(0, 12)}${record.source.dirty ? ' with changes that were not committed' : ''}`;
    case 'promoted':
      return `from ${record.from}, ${record.verified === 'install' ? 'installed and compared' : 'bytes compared'}`;
    case 'approved': {
      const items = record.items.map(({ name, version }) => `${name}@${version}`);
      const some = items.slice(0, 4).join(', ') + (items.length > 4 ? ` and ${items.length - 4} more` : '');
      return record.comment ? `${some}: ${record.comment}` : some;
    }
    case 'rolled-back':
      return `${record.to ? `back to ${record.to}` : 'taken back'}: ${record.reason}`;
    case 'held':
    case 'released':
      return record.reason;
    case 'deployed':
      return `release ${record.release} on ${record.hosts.join(', ')}`;
    case 'deploy-failed':
      return `${record.code} on ${record.hosts.join(', ')}, ${record.outcome}: ${record.reason}`;
    case 'returned':
      return `release ${record.release} on ${record.hosts.join(', ')}${record.left ? ` instead of ${record.left.version}` : ''}: ${record.reason}`;
    case 'freeze-overridden':
      return `until ${record.until}: ${record.reason}`;
  }
}
