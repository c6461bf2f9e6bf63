import { useEffect, useRef, useState } from 'preact/hooks';
import type { Board } from '../../src/board/model/types.ts';
import type { Data } from './data.ts';
import { SHOWS } from './filter.ts';
import { Artifact } from './artifact.tsx';
import { Flow } from './flow.tsx';
import { Graph } from './graph.tsx';
import { Help } from './help.tsx';
import { formatRoute, parseRoute, type Route } from './route.ts';
import { CellSheet } from './sheet.tsx';
import { useTheme } from './theme.ts';
import { TimelineView } from './timeline.tsx';
import { instant } from './words.ts';

const VIEWS = [
  ['flow', 'Flow'],
  ['graph', 'Graph'],
  ['timeline', 'Timeline'],
] as const;
const TICK_MS = 10_000;

export function App({ data }: { data: Data }) {
  const [board, setBoard] = useState<Board>();
  const [problem, setProblem] = useState('');
  const [connected, setConnected] = useState(true);
  const [now, setNow] = useState(Date.now);
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  const [helps, setHelps] = useState(false);
  const [theme, nextTheme] = useTheme();
  const search = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const load = (): void =>
      void data.board().then(
        (found) => {
          setProblem('');
          setNow(Date.now());
          setBoard(found);
        },
        (error: Error) => setProblem(error.message),
      );
    load();
    data.watch(load, setConnected);
    const tick = setInterval(() => setNow(Date.now()), TICK_MS);
    const moved = (): void => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', moved);
    return () => {
      clearInterval(tick);
      removeEventListener('hashchange', moved);
    };
  }, []);

  /** `quietly` leaves no entry in the history: for what is typed letter by letter. */
  const go = (to: Partial<Route>, quietly = false): void => {
    const hash = formatRoute(to);
    if (quietly) history.replaceState(null, '', hash);
    else history.pushState(null, '', hash);
    setRoute(parseRoute(hash));
  };

  useEffect(() => {
    const key = (event: KeyboardEvent): void => {
      const typing =
        event.target instanceof HTMLElement && event.target.closest('input, select, textarea, dialog');
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      const view = VIEWS[Number(event.key) - 1]?.[0];
      if (view) go({ view, text: route.text });
      else if (event.key === '/') search.current?.focus();
      else if (event.key === '?') setHelps(true);
      else if (event.key === 't') nextTheme();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, [route]);
  useEffect(() => {
    const where = VIEWS.find(([view]) => view === route.view)?.[1] ?? `${route.name} ${route.version}`;
    document.title = `${where} – Sluice board`;
    if (route.view !== 'flow') scrollTo({ top: 0 });
  }, [route.view, route.name, route.version]);

  return (
    <>
      <header class="bar">
        <h1>Sluice</h1>
        <nav aria-label="Views">
          {VIEWS.map(([view, label]) => (
            <a
              key={view}
              href={formatRoute({ view })}
              aria-current={route.view === view ? 'page' : undefined}
            >
              {label}
            </a>
          ))}
        </nav>
        <input
          ref={search}
          type="search"
          aria-label="Search"
          placeholder="Search  /"
          value={route.text}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            if (route.text) go({ ...route, text: '' }, true);
            else event.currentTarget.blur();
          }}
          onInput={(event) => go({ ...route, text: event.currentTarget.value }, true)}
        />
        {route.view === 'flow' && (
          <select
            aria-label="Show"
            value={route.show}
            onChange={(event) => go({ ...route, show: event.currentTarget.value })}
          >
            {Object.entries(SHOWS).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        )}
        <button
          type="button"
          class="plain"
          onClick={nextTheme}
          aria-label={`Colours: ${theme}`}
          title="Colours (t)"
        >
          {theme === 'dark' ? '☾' : theme === 'light' ? '☀' : '◐'}
        </button>
        <button
          type="button"
          class="plain"
          onClick={() => setHelps(true)}
          aria-label="Help"
          title="Keys and signs (?)"
        >
          ?
        </button>
      </header>
      <main>
        {problem && <p class="problem">{problem}</p>}
        {board?.problems.map((one) => (
          <p class="problem" key={one}>
            {one}
          </p>
        ))}
        {!board && !problem && <p class="count">Reading the ledger</p>}
        {board && route.view === 'flow' && <Flow board={board} route={route} now={now} go={go} />}
        {board && route.view === 'graph' && <Graph board={board} route={route} />}
        {board && route.view === 'timeline' && (
          <TimelineView board={board} data={data} route={route} now={now} go={go} />
        )}
        {board && route.view === 'artifact' && <Artifact board={board} data={data} route={route} />}
      </main>
      {board && route.view === 'flow' && route.name && route.stage && (
        <CellSheet
          board={board}
          data={data}
          route={route}
          now={now}
          close={() => go({ ...route, name: '', stage: '' })}
        />
      )}
      {helps && <Help close={() => setHelps(false)} />}
      {board && (
        <footer>
          {board.repository}, profile {board.profile}, {board.records} records
          {data.live
            ? connected
              ? ', live'
              : ', connection lost: is the board still running?'
            : `, as of ${instant(board.at)}`}
        </footer>
      )}
    </>
  );
}
