import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Command } from '../../src/board/model/types.ts';
import { instant, since } from './words.ts';

/** A command that is copied, never run: the board only reads. */
export function Commands({ commands }: { commands: Command[] }) {
  return (
    <ul class="commands">
      {commands.map(({ label, command }) => (
        <li key={command}>
          <span>{label}</span>
          <code>{command}</code>
          <Copy text={command} what={label} />
        </li>
      ))}
    </ul>
  );
}

export function Copy({ text, what, label = 'Copy' }: { text: string; what: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button type="button" class="copy" aria-label={`${label}: ${what}`} onClick={() => void copy()}>
      <span aria-live="polite">{copied ? 'Copied' : label}</span>
    </button>
  );
}

/** An age, with the instant for who wants to know. */
export function Ago({ at, now }: { at: string; now: number }) {
  return (
    <time dateTime={at} title={instant(at)}>
      {since(at, now)} ago
    </time>
  );
}

/** Label and value, one below the other. */
export function Facts({ facts }: { facts: [label: string, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts.map(([label, value]) =>
        value === undefined || value === '' ? null : (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
