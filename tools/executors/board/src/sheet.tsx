import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Board, Changes, HostHealth } from '../../src/board/model/types.ts';
import type { Data } from './data.ts';
import { Ago, Commands, Copy, Facts } from './parts.tsx';
import { formatRoute, type Route } from './route.ts';
import { instant, span } from './words.ts';

/** A dialog from the side: the browser keeps the focus in it, and Escape closes it. */
export function Sheet({
  title,
  close,
  children,
}: {
  title: string;
  close: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      class="sheet"
      aria-labelledby="sheet-title"
      onClose={close}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div class="inside">
        <header>
          <h2 id="sheet-title">{title}</h2>
          <button type="button" class="copy" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

const HEALTH: Record<HostHealth['health'], string> = {
  serves: '● serves, verified',
  restored: '↩ serves again, proved after a failure',
  unknown: '? a failure left it in a state that nobody proved',
};

interface CellSheetProps {
  board: Board;
  data: Data;
  route: Route;
  now: number;
  close: () => void;
}

/** All about one project in one stage. */
export function CellSheet({ board, data, route, now, close }: CellSheetProps) {
  const { name, stage } = route;
  const pipeline = board.pipelines.find(({ projects }) => projects.some((one) => one.name === name));
  const project = pipeline?.projects.find((one) => one.name === name);
  const index = pipeline?.stages.findIndex((one) => one.name === stage) ?? -1;
  const cell = project?.cells[index];
  const [changes, setChanges] = useState<Changes>();
  const waits = cell?.waiting?.version;
  useEffect(() => {
    setChanges(undefined);
    if (waits !== undefined) void data.changes(name, stage).then(setChanges, () => undefined);
  }, [name, stage, waits, cell?.version]);
  if (!project || !cell)
    return (
      <Sheet title="Nothing is known of this" close={close}>
        <p>
          There is no {name} in {stage}.
        </p>
      </Sheet>
    );
  const { waiting, running, failed, wentBack } = cell;
  const artifact = (version: string) => formatRoute({ view: 'artifact', name, version });
  return (
    <Sheet title={`${project.project} in ${stage}`} close={close}>
      <section>
        <h3>What is here</h3>
        {cell.version === undefined ? (
          <p>Nothing yet.</p>
        ) : (
          <Facts
            facts={[
              ['Version', <a href={artifact(cell.version)}>{cell.version}: its evidence</a>],
              ['Digest', <code class="digest">{cell.digest}</code>],
              ['Since', cell.since && <Ago at={cell.since} now={now} />],
              ['Recorded by', cell.by],
              ['Approved by', cell.approvedBy.join(', ')],
              ['Held', (cell.held ?? []).join(', ')],
            ]}
          />
        )}
      </section>
      {running && (
        <section>
          <h3>What runs</h3>
          <Facts
            facts={[
              ['Version', running.version],
              ['Release', <code>{running.release}</code>],
              ['Since', <Ago at={running.since} now={now} />],
              ['Deployed by', running.by],
            ]}
          />
          <table>
            <thead>
              <tr>
                <th scope="col">Host</th>
                <th scope="col">By the ledger</th>
                <th scope="col">Found</th>
              </tr>
            </thead>
            <tbody>
              {running.hosts.map(({ host, health, at }) => (
                <tr key={host} class={health}>
                  <th scope="row">{host}</th>
                  <td>{HEALTH[health]}</td>
                  <td>
                    <Ago at={at} now={now} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {failed && (
        <section>
          <h3>What failed last</h3>
          <Facts
            facts={[
              ['Version', failed.version],
              ['When', instant(failed.at)],
              ['Code', <code>{failed.code}</code>],
              ['Why', failed.reason],
              ['Outcome', failed.outcome],
            ]}
          />
        </section>
      )}
      {wentBack && (
        <section>
          <h3>Went back</h3>
          <Facts
            facts={[
              ['From', wentBack.from],
              ['To', wentBack.to],
              ['When', instant(wentBack.at)],
              ['By', wentBack.by],
              ['Why', wentBack.reason],
            ]}
          />
        </section>
      )}
      {waiting && (
        <section>
          <h3>
            <a href={artifact(waiting.version)}>{waiting.version}</a> waits
          </h3>
          {waiting.problem && <p>{waiting.problem}</p>}
          {!waiting.problem && !waiting.gate && (
            <p>{waiting.gated ? 'The gate is being asked.' : 'Nothing holds it: this stage has no gate.'}</p>
          )}
          <ul class="conditions">
            {(waiting.gate?.conditions ?? []).map(({ name: condition, open, detail, who, until, next }) => (
              <li key={condition} class={open ? 'open' : 'closed'}>
                <span aria-hidden="true">{open ? '✓' : '■'}</span>
                <span>
                  <b>{condition}</b> {open ? 'holds' : 'is missing'}: {detail}.
                  {until && Date.parse(until) > now && (
                    <>
                      {' '}
                      Opens in {span(Date.parse(until) - now)}, at {instant(until)}.
                    </>
                  )}
                  {who?.some((one) => !detail.includes(one)) && <> May give it: {who.join(', ')}.</>}
                  {next && !until && (
                    <>
                      {' '}
                      Next: <code>{next}</code>
                    </>
                  )}
                </span>
              </li>
            ))}
          </ul>
          <Carried changes={changes} />
        </section>
      )}
      {cell.commands.length > 0 && (
        <section>
          <h3>To type</h3>
          <Commands commands={cell.commands} />
        </section>
      )}
      <p class="links">
        <a href={formatRoute({ view: 'timeline', name })}>Its timeline</a>
        <a href={formatRoute({ view: 'graph', name })}>In the graph</a>
        <Copy text={location.href} what="to this sheet" label="Copy link" />
      </p>
    </Sheet>
  );
}

/** Commits and changelog that the next promotion would carry; every text in here is a project's own. */
function Carried({ changes }: { changes: Changes | undefined }) {
  if (!changes) return null;
  const { commits, more, changelog, problem, to } = changes;
  return (
    <>
      <h4>
        It would carry {problem ? 'an unknown number of' : commits.length + more} commit
        {!problem && commits.length + more === 1 ? '' : 's'}
        {to ? ` since ${to.version}` : ''}
      </h4>
      {problem && <p>{problem}</p>}
      <ul class="commits">
        {commits.map(({ commit, author, at, subject }) => (
          <li key={commit}>
            <code>{commit.slice(0, 8)}</code> <span>{subject}</span>{' '}
            <small>
              {author}, {at.slice(0, 10)}
            </small>
          </li>
        ))}
        {more > 0 && <li>and {more} older ones</li>}
      </ul>
      {changelog.map(({ version, text }) => (
        <details key={version}>
          <summary>Changelog of {version}</summary>
          <pre tabIndex={0}>{text}</pre>
        </details>
      ))}
    </>
  );
}
