import { redact } from '../../foundation/index.ts';
import { ending } from './ending.ts';
import { frame } from './frame.ts';
import { Picture } from './picture.ts';
import { STOPPING } from './plain.ts';
import type { Progress, ProgressOptions } from './progress.ts';
import { Screen, type Terminal } from './screen.ts';
import { passed } from './text.ts';

/** How often the lines are redrawn, in milliseconds. */
const EVERY = 120;

/** Lines at the end of the terminal, redrawn in place while something is under way. */
export function live(options: ProgressOptions, terminal: Terminal): Progress {
  const { title, signal, stopping = STOPPING, tells = () => true } = options;
  const { now = () => performance.now(), date = () => new Date() } = options;
  const others = options.others ?? (process.stdout.isTTY ? [process.stdout] : []);
  const begun = now();
  const picture = new Picture();
  const screen = new Screen(terminal, others, options.copied);
  const draw = (): void => {
    if (!picture.moves) return screen.clear();
    const { columns = 80, rows = 24 } = terminal;
    screen.draw(frame(picture, { title, now: now(), date: date(), begun, columns, rows }));
  };
  const say = (text: string): void => void terminal.write(redact(`${text}\n`));
  const stop = () => say(stopping);
  signal.addEventListener('abort', stop, { once: true });
  const timer = setInterval(draw, EVERY);
  timer.unref();
  say(`${title} ...`);
  return {
    onEvent: (event) => {
      picture.step(event, now());
      if (picture.moves) return;
      // What may ask a person something does not find the lines in its way.
      draw();
      if (event.event === 'ended') say(`${title}, ${passed(now() - begun)}: all came to their end`);
    },
    settled: (result) => {
      picture.settle(result, now());
      if (!result.success && tells()) say(result.line);
    },
    end: (results) => {
      clearInterval(timer);
      signal.removeEventListener('abort', stop);
      screen.close();
      if (results) say(ending(results, picture, now() - begun, terminal.columns));
    },
    watched: {
      onHost: (project, event) => picture.host(project, event, now()),
      onLine: (host, _phase, line) => picture.heard(host, line),
    },
  };
}
