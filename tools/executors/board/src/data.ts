import type { Board, Changes, Evidence, Timeline } from '../../src/board/model/types.ts';

/** Where the page has its facts from: the server on this machine, or what was written into the page. */
export interface Data {
  /** Whether it follows what happens. */
  live: boolean;
  board(): Promise<Board>;
  timeline(
    query: { text: string; stage: string; name: string; type: string },
    from: number,
    count: number,
  ): Promise<Timeline>;
  evidence(name: string, version: string): Promise<Evidence | undefined>;
  changes(name: string, stage: string): Promise<Changes | undefined>;
  /** Tells of changes, and of whether they would be told. */
  watch(changed: () => void, connected: (is: boolean) => void): void;
}

interface Written {
  board: Board;
  timeline: Timeline;
  evidence: Record<string, Evidence>;
  changes: Record<string, Changes>;
}

export function openData(): Data {
  const text = document.getElementById('data')?.textContent;
  return text ? written(JSON.parse(text) as Written) : served();
}

function served(): Data {
  const get = async <T>(
    path: string,
    query: Record<string, string | number> = {},
  ): Promise<T | undefined> => {
    const asked = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]));
    const answer = await fetch(`api/${path}?${asked}`);
    if (answer.status === 404) return undefined;
    const value = (await answer.json()) as T & { problem?: string };
    if (!answer.ok) throw new Error(value.problem ?? `the board answered ${answer.status}`);
    return value;
  };
  return {
    live: true,
    board: async () => (await get<Board>('board')) as Board,
    timeline: async ({ type, ...query }, from, count) =>
      (await get<Timeline>('timeline', { ...query, types: type, from, count })) as Timeline,
    evidence: (name, version) => get<Evidence>('evidence', { name, version }),
    changes: (name, stage) => get<Changes>('changes', { name, stage }),
    watch: (changed, connected) => {
      const events = new EventSource('api/events');
      let lost = false;
      events.addEventListener('changed', changed);
      events.addEventListener('open', () => {
        connected(true);
        // What happened meanwhile was told to nobody.
        if (lost) changed();
        lost = false;
      });
      events.addEventListener('error', () => {
        lost = true;
        connected(false);
      });
    },
  };
}

function written({ board, timeline, evidence, changes }: Written): Data {
  return {
    live: false,
    board: async () => board,
    timeline: async ({ text, stage, name, type }, from, count) => {
      const words = text.toLowerCase().split(/\s+/).filter(Boolean);
      const events = timeline.events.filter((event) => {
        if ((stage && event.stage !== stage) || (type && event.type !== type)) return false;
        const all = `${event.name ?? ''}@${event.version ?? ''} ${event.type} ${event.stage} ${event.type === 'approved' ? event.text : ''}`;
        if (name && event.name !== name && !(event.type === 'approved' && event.text.includes(name)))
          return false;
        return words.every((word) => all.toLowerCase().includes(word));
      });
      return { total: events.length, from, events: events.slice(from, from + count) };
    },
    evidence: async (name, version) => evidence[`${name}@${version}`],
    changes: async (name, stage) => changes[`${name} ${stage}`],
    watch: () => undefined,
  };
}
