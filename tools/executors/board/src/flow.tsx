import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Board, Cell, Pipeline, Project } from '../../src/board/model/types.ts';
import { isShow, matches, type Show } from './filter.ts';
import { formatRoute, type Route } from './route.ts';
import { useMedia, useVisible } from './virtual.ts';
import { headline, moodOf, short, SIGNS, since } from './words.ts';

interface FlowProps {
  board: Board;
  route: Route;
  now: number;
  go: (route: Partial<Route>) => void;
}

const KINDS = { packages: 'Packages', services: 'Services' } as const;

/** Every project against every stage of its pipeline, from left to right. */
export function Flow({ board, route, now, go }: FlowProps) {
  const show: Show = isShow(route.show) ? route.show : 'all';
  const found = board.pipelines.map((pipeline) => ({
    pipeline,
    projects: pipeline.projects.filter((project) => matches(project, route.text, show)),
  }));
  const none = found.every(({ projects }) => projects.length === 0);
  return (
    <>
      <p class="count" role="status">
        {found
          .map(
            ({ pipeline, projects }) => `${projects.length} of ${pipeline.projects.length} ${pipeline.kind}`,
          )
          .join(', ')}
      </p>
      {none && <p class="nothing">Nothing here is like that.</p>}
      {found.map(({ pipeline, projects }) =>
        projects.length === 0 ? null : (
          <Grid key={pipeline.kind} pipeline={pipeline} projects={projects} now={now} route={route} go={go} />
        ),
      )}
    </>
  );
}

interface GridProps extends Omit<FlowProps, 'board'> {
  pipeline: Pipeline;
  projects: Project[];
}

function Grid({ pipeline, projects, now, route, go }: GridProps) {
  const { kind, stages } = pipeline;
  const narrow = useMedia('(max-width: 760px)');
  const height = narrow ? 44 + 66 * stages.length : 84;
  const list = useRef<HTMLDivElement>(null);
  const { from, to } = useVisible(list, projects.length, height);
  const [, drawAgain] = useState(0);
  /** Keys may come faster than the page is drawn. */
  const active = useRef({ row: 0, column: 0 });
  const wanted = useRef(false);
  const row = Math.min(active.current.row, projects.length - 1);
  const column = Math.min(active.current.column, stages.length - 1);
  const setActive = (to: { row: number; column: number }): void => {
    active.current = to;
    drawAgain((times) => times + 1);
  };

  useLayoutEffect(() => {
    if (!wanted.current) return;
    const at = `${active.current.row} ${active.current.column}`;
    const cell = list.current?.querySelector<HTMLElement>(`[data-at="${at}"]`);
    if (!cell) return;
    wanted.current = false;
    cell.focus({ preventScroll: true });
  });

  /** The row may not be there yet: it is scrolled to first, and gets the focus once it is drawn. */
  const move = (event: KeyboardEvent): void => {
    const row = Math.min(active.current.row, projects.length - 1);
    const column = Math.min(active.current.column, stages.length - 1);
    const steps: Record<string, [number, number]> = {
      ArrowDown: narrow ? (column < stages.length - 1 ? [0, 1] : [1, -column]) : [1, 0],
      ArrowUp: narrow ? (column > 0 ? [0, -1] : [-1, stages.length - 1]) : [-1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      PageDown: [8, 0],
      PageUp: [-8, 0],
      Home: [event.ctrlKey ? -projects.length : 0, -stages.length],
      End: [event.ctrlKey ? projects.length : 0, stages.length],
    };
    const step = steps[event.key];
    if (!step || event.altKey || event.metaKey) return;
    event.preventDefault();
    const next = {
      row: Math.max(0, Math.min(projects.length - 1, row + step[0])),
      column: Math.max(0, Math.min(stages.length - 1, column + step[1])),
    };
    wanted.current = true;
    setActive(next);
    const top = (list.current?.getBoundingClientRect().top ?? 0) + next.row * height;
    const room = 170;
    if (top < room) scrollBy({ top: top - room });
    else if (top + height > innerHeight - 8) scrollBy({ top: top + height - innerHeight + 8 });
  };

  return (
    <section class="pipeline" aria-labelledby={`kind-${kind}`}>
      <h2 id={`kind-${kind}`}>{KINDS[kind]}</h2>
      <div
        role="grid"
        aria-labelledby={`kind-${kind}`}
        aria-rowcount={projects.length + 1}
        aria-colcount={stages.length + 1}
        class="grid"
        data-columns={stages.length}
        style={{ '--stages': stages.length }}
      >
        <div role="rowgroup" class="heads">
          <div role="row" aria-rowindex={1} class="row head">
            <div role="columnheader" aria-colindex={1} class="who">
              Project
            </div>
            {stages.map(({ name, gate, hosts, registry }, index) => (
              <div role="columnheader" aria-colindex={index + 2} key={name} class="stage" title={registry}>
                <strong>{name}</strong>
                <small>
                  {gate.length > 0
                    ? `gate: ${gate.join(', ')}`
                    : index === 0
                      ? 'published here first'
                      : 'no gate'}
                  {hosts.length > 0 ? `; ${hosts.length} host${hosts.length === 1 ? '' : 's'}` : ''}
                </small>
              </div>
            ))}
          </div>
        </div>
        <div
          role="rowgroup"
          ref={list}
          class="list"
          style={{ height: `${projects.length * height}px` }}
          onKeyDown={move}
        >
          {projects.slice(from, to).map((project, index) => {
            const at = from + index;
            return (
              <div
                role="row"
                key={project.name}
                aria-rowindex={at + 2}
                class="row"
                style={{ height: `${height}px`, transform: `translateY(${at * height}px)` }}
              >
                <div role="rowheader" aria-colindex={1} class="who">
                  <a
                    href={formatRoute({ view: 'graph', name: project.name })}
                    tabIndex={-1}
                    title={project.name}
                  >
                    {project.project}
                  </a>
                  {project.news && (
                    <span class={`news ${project.news}`}>
                      {project.news === 'changed' ? '◆ changed' : '◇ affected'}
                    </span>
                  )}
                </div>
                {project.cells.map((cell, place) => (
                  <div role="gridcell" aria-colindex={place + 2} key={stages[place]?.name} class="place">
                    <button
                      type="button"
                      data-at={`${at} ${place}`}
                      tabIndex={at === row && place === column ? 0 : -1}
                      class={`cell ${moodOf(cell)}`}
                      onFocus={() => setActive({ row: at, column: place })}
                      onClick={() =>
                        go({ ...route, view: 'flow', name: project.name, stage: stages[place]?.name ?? '' })
                      }
                    >
                      <CellText cell={cell} now={now} stage={narrow ? (stages[place]?.name ?? '') : ''} />
                    </button>
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}

function CellText({ cell, now, stage }: { cell: Cell; now: number; stage: string }) {
  const mood = moodOf(cell);
  const line = headline(cell, now);
  const approved = cell.approvedBy.length > 0 ? `by ${cell.approvedBy.join(', ')}` : '';
  return (
    <>
      <span class="top">
        {stage && <span class="at">{stage}</span>}
        <span class="sign" aria-hidden="true">
          {SIGNS[mood]}
        </span>
        <b>{cell.version ?? 'nothing yet'}</b>
        {cell.digest && <code>{short(cell.digest)}</code>}
      </span>
      {cell.since && (
        <span class="age">
          {since(cell.since, now)}
          {approved && `, approved ${approved}`}
        </span>
      )}
      {line && <span class="line">{line}</span>}
    </>
  );
}
