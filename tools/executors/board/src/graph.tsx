import { useMemo } from 'preact/hooks';
import type { Board, Project } from '../../src/board/model/types.ts';
import { around, layoutGraph } from './layout.ts';
import { formatRoute, type Route } from './route.ts';

const WIDTH = 200;
const GAP = 70;
const HEIGHT = 46;

const NEWS = { changed: '◆ changed', affected: '◇ affected' } as const;

/** Projects and what they depend on, from left to right; what is new is lit, and what hangs together with the chosen one. */
export function Graph({ board, route }: { board: Board; route: Route }) {
  const projects = useMemo(() => board.pipelines.flatMap((pipeline) => pipeline.projects), [board]);
  const { places, columns, rows } = useMemo(() => layoutGraph(projects), [projects]);
  const chosen = projects.some((one) => one.name === route.name) ? route.name : '';
  const near = useMemo(() => (chosen ? around(projects, chosen) : undefined), [projects, chosen]);
  const words = route.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (one: Project) =>
    words.every((word) => `${one.name} ${one.project}`.toLowerCase().includes(word));
  const lit = (one: Project) => (near ? near.has(one.name) : found(one));
  const at = new Map(places.map((place) => [place.name, place]));
  const x = (name: string) => (at.get(name)?.column ?? 0) * (WIDTH + GAP);
  const y = (name: string) => (at.get(name)?.row ?? 0) * HEIGHT;
  const news = projects.filter((one) => one.news);
  return (
    <>
      <p class="count" role="status">
        {projects.filter(found).length} of {projects.length} projects, {news.length} of them changed or
        affected since what their first stage has.{' '}
        {chosen && <a href={formatRoute({ view: 'graph', text: route.text })}>Show all of them</a>}
      </p>
      <div class="graph" role="region" aria-label="Project graph" tabIndex={0}>
        <div style={{ width: `${columns * (WIDTH + GAP)}px`, height: `${rows * HEIGHT}px` }}>
          <svg aria-hidden="true" width={columns * (WIDTH + GAP)} height={rows * HEIGHT}>
            {projects.flatMap((one) =>
              one.needs
                .filter((need) => at.has(need))
                .map((need) => {
                  const on = near ? near.has(one.name) && near.has(need) : false;
                  const [fromX, fromY] = [x(need) + WIDTH, y(need) + 18];
                  const [toX, toY] = [x(one.name), y(one.name) + 18];
                  const bend = Math.max(30, (toX - fromX) / 2);
                  return (
                    <path
                      key={`${need} ${one.name}`}
                      class={on ? 'on' : near ? 'off' : ''}
                      d={`M${fromX} ${fromY}C${fromX + bend} ${fromY} ${toX - bend} ${toY} ${toX} ${toY}`}
                    />
                  );
                }),
            )}
          </svg>
          <ul>
            {projects.map((one) => (
              <li key={one.name} style={{ transform: `translate(${x(one.name)}px, ${y(one.name)}px)` }}>
                <a
                  class={`node ${one.news ?? ''} ${lit(one) ? '' : 'dim'}`}
                  aria-current={one.name === chosen ? 'true' : undefined}
                  title={one.needs.length > 0 ? `${one.name} depends on ${one.needs.join(', ')}` : one.name}
                  href={formatRoute({
                    view: 'graph',
                    text: route.text,
                    name: one.name === chosen ? '' : one.name,
                  })}
                >
                  <span>{one.project}</span>
                  {one.news && <small>{NEWS[one.news]}</small>}
                </a>
              </li>
            ))}
          </ul>
        </div>
      </div>
    </>
  );
}
