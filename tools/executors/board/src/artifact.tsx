import { useEffect, useState } from 'preact/hooks';
import type { Board, Evidence, EvidenceStage } from '../../src/board/model/types.ts';
import type { Data } from './data.ts';
import { Commands, Copy, Facts } from './parts.tsx';
import { formatRoute, type Route } from './route.ts';
import { EVENT_WORDS, instant } from './words.ts';

/** The evidence of one artifact on one sheet, with an address of its own. */
export function Artifact({ board, data, route }: { board: Board; data: Data; route: Route }) {
  const { name, version } = route;
  const [sheet, setSheet] = useState<Evidence | null>();
  useEffect(() => {
    void data.evidence(name, version).then(
      (found) => setSheet(found ?? null),
      () => setSheet(null),
    );
  }, [name, version, board.ledgerHead]);
  if (sheet === undefined) return <p class="count">Reading</p>;
  if (sheet === null)
    return (
      <p class="nothing">
        Nothing is known of {name} {version} here.
        {!data.live && ' This page holds what stands, waits or happened lately; npx nx board shows all.'}
      </p>
    );
  const { builtFrom, provenance } = sheet;
  return (
    <article class="evidence">
      <header>
        <h2>
          {sheet.name} {sheet.version}
        </h2>
        <Copy text={location.href} what="to this sheet" label="Copy link" />
      </header>
      {sheet.held && (
        <p class="problem">
          Held since {instant(sheet.held.at)} by {sheet.held.by}: {sheet.held.reason}. Nothing promotes it.
        </p>
      )}
      <section>
        <h3>What it is</h3>
        <Facts
          facts={[
            [sheet.kind === 'packages' ? 'Package' : 'Service', sheet.name],
            ['Project', <a href={formatRoute({ view: 'graph', name: sheet.name })}>{sheet.project}</a>],
            ['Version', sheet.version],
            [sheet.kind === 'packages' ? 'Integrity' : 'Digest', <code>{sheet.digest}</code>],
            ['Size', sheet.size === undefined ? '' : `${sheet.size} bytes`],
          ]}
        />
      </section>
      <section>
        <h3>Built from</h3>
        <Facts
          facts={[
            ['Repository', builtFrom.repository],
            ['Folder', builtFrom.root],
            [
              'Commit',
              <>
                <code>{builtFrom.commit}</code>
                {builtFrom.dirty && ' with changes that were not committed'}
              </>,
            ],
            ['Published', `${instant(builtFrom.at)} by ${builtFrom.by}`],
            ['With', sheet.tools.map(([tool, number]) => `${tool} ${number}`).join(', ')],
            [
              'Depends on',
              sheet.dependencies.map((one) => `${one.name} ${one.version} (${one.range})`).join(', '),
            ],
            [
              'Provenance',
              provenance
                ? `a Sigstore bundle for commit ${provenance.commit.slice(0, 12)}, sha256 ${provenance.sha256.slice(0, 16)}…${provenance.attested ? ', attested on GitHub' : ''}`
                : 'none was recorded',
            ],
          ]}
        />
        {sheet.images.length > 0 && (
          <Facts facts={sheet.images.map(([service, digest]) => [service, <code>{digest}</code>])} />
        )}
      </section>
      <section>
        <h3>Its way</h3>
        <ol class="way">
          {sheet.stages.map((one) => (
            <Stop key={one.stage} stop={one} />
          ))}
        </ol>
      </section>
      {sheet.events.length > 0 && (
        <section>
          <h3>Afterwards</h3>
          <ul class="conditions">
            {sheet.events.map(({ order, type, at, stage, by, text }) => (
              <li key={order}>
                <span aria-hidden="true">{EVENT_WORDS[type].sign}</span>
                <span>
                  <b>{EVENT_WORDS[type].word}</b> in {stage}, {instant(at)} by {by}: {text}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h3>To prove it yourself</h3>
        <Commands commands={sheet.commands} />
      </section>
    </article>
  );
}

function Stop({ stop: { stage, entered, gone } }: { stop: EvidenceStage }) {
  if (!entered)
    return (
      <li class="empty">
        <h4>· {stage}</h4>
        <p>It never entered.</p>
      </li>
    );
  const { at, by, run, registry, digest, same, verified, policy, planHash, conditions, approvals, batch } =
    entered;
  return (
    <li class={same ? (gone ? 'back' : 'stands') : 'failed'}>
      <h4>
        {same ? (gone ? '↩' : '✓') : '✕'} {stage}
        {gone && ', taken back since'}
      </h4>
      <Facts
        facts={[
          ['Entered', `${instant(at)} by ${by}`],
          ['Registry', registry],
          ['Hash here', <code>{digest}</code>],
          ['Compared', same ? 'the same bytes as were built' : 'other bytes than were built'],
          ['Verified', verified === 'install' ? 'bytes, and installed' : verified],
          [
            'Approved by',
            approvals.length === 0 ? (
              ''
            ) : (
              <ul>
                {approvals.map((one) => (
                  <li key={one.by + one.at}>
                    {one.by}, {instant(one.at)}
                    {one.environment && `, for the environment ${one.environment}`}
                    {one.comment && `: ${one.comment}`}
                  </li>
                ))}
              </ul>
            ),
          ],
          ['Gate', conditions.map((one) => `${one.name}: ${one.detail}`).join('; ')],
          ['Policy', policy && <code>{policy}</code>],
          ['Plan', planHash && <code>{planHash}</code>],
          ['Run', run],
          ['Record', <code>{batch}</code>],
        ]}
      />
    </li>
  );
}
