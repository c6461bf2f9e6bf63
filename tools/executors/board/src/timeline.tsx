import { useEffect, useRef, useState } from 'preact/hooks';
import type { Board, TimelineEvent } from '../../src/board/model/types.ts';
import type { Data } from './data.ts';
import { formatRoute, type Route } from './route.ts';
import { useMedia, useVisible } from './virtual.ts';
import { EVENT_WORDS, instant, since } from './words.ts';

/** Events of one question to the server. */
const PAGE = 100;

interface TimelineProps {
  board: Board;
  data: Data;
  route: Route;
  now: number;
  go: (route: Partial<Route>) => void;
}

/** Everything that happened, newest first; only what is near the window is asked for. */
export function TimelineView({ board, data, route, now, go }: TimelineProps) {
  const { text, stage, name, type } = route;
  const narrow = useMedia('(max-width: 960px)');
  const height = narrow ? 76 : 40;
  const asked = useRef(new Set<number>());
  const [total, setTotal] = useState<number>();
  const events = useRef(new Map<number, TimelineEvent>());
  const [, drawAgain] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const { from, to } = useVisible(list, total ?? 0, height);
  const question = [text, stage, name, type, board.ledgerHead].join('\0');
  const current = useRef(question);

  const load = (page: number): void => {
    asked.current.add(page);
    void data.timeline({ text, stage, name, type }, page * PAGE, PAGE).then(
      (found) => {
        if (current.current !== question) return;
        setTotal(found.total);
        for (const [index, event] of found.events.entries()) events.current.set(found.from + index, event);
        drawAgain((times) => times + 1);
      },
      () => asked.current.delete(page),
    );
  };
  useEffect(() => {
    current.current = question;
    asked.current = new Set();
    events.current = new Map();
    load(0);
  }, [question]);
  useEffect(() => {
    if (total === undefined) return;
    for (let page = Math.floor(from / PAGE); page * PAGE < to; page++)
      if (!asked.current.has(page)) load(page);
  }, [from, to, question, total]);

  const stages = [...new Set(board.pipelines.flatMap((pipeline) => pipeline.stages.map((one) => one.name)))];
  const rows = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
  return (
    <>
      <div class="filters">
        <select
          aria-label="Kind of event"
          value={type}
          onChange={(event) => go({ ...route, type: event.currentTarget.value })}
        >
          <option value="">All that happened</option>
          {Object.entries(EVENT_WORDS).map(([value, { word }]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
        <select
          aria-label="Stage"
          value={stage}
          onChange={(event) => go({ ...route, stage: event.currentTarget.value })}
        >
          <option value="">In all stages</option>
          {stages.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
        {name && (
          <a href={formatRoute({ ...route, name: '' })} aria-label={`Not only ${name}`}>
            {name} ✕
          </a>
        )}
      </div>
      <p class="count" role="status">
        {total === undefined ? 'Reading' : `${total} event${total === 1 ? '' : 's'}`}
        {!data.live && total !== undefined && board.records > total && !text && !type && !stage && !name
          ? ` of ${board.records}; the served board (npx nx board) has them all`
          : ''}
      </p>
      <div role="table" aria-label="Timeline" aria-rowcount={(total ?? 0) + 1} class="timeline" tabIndex={0}>
        <div role="rowgroup">
          <div role="row" aria-rowindex={1} class="event titles">
            {['When', 'What', 'Artifact', 'Stage', 'By', 'More'].map((title) => (
              <span role="columnheader" key={title}>
                {title}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" ref={list} class="list" style={{ height: `${(total ?? 0) * height}px` }}>
          {rows.map((row) => {
            const event = events.current.get(row);
            return (
              <div
                role="row"
                aria-rowindex={row + 2}
                key={row}
                class={`event ${event?.type ?? 'awaited'}`}
                style={{ height: `${height}px`, transform: `translateY(${row * height}px)` }}
              >
                {event ? <EventCells event={event} now={now} /> : <span role="cell">…</span>}
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}

function EventCells({ event, now }: { event: TimelineEvent; now: number }) {
  const { at, type, name, project, version, stage, by, text } = event;
  const { sign, word } = EVENT_WORDS[type];
  return (
    <>
      <time role="cell" dateTime={at} title={instant(at)}>
        {since(at, now)} ago
      </time>
      <span role="cell" class="what">
        <span aria-hidden="true">{sign}</span> {word}
      </span>
      <span role="cell">
        {name && version ? (
          <a href={formatRoute({ view: 'artifact', name, version })}>
            {project} {version}
          </a>
        ) : (
          '–'
        )}
      </span>
      <span role="cell">{stage}</span>
      <span role="cell">{by}</span>
      <span role="cell" title={text}>
        {text}
      </span>
    </>
  );
}
