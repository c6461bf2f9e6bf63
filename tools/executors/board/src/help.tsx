import { Sheet } from './sheet.tsx';
import type { Mood } from './words.ts';
import { SIGNS } from './words.ts';

const KEYS: [keys: string, does: string][] = [
  ['/', 'search'],
  ['1 2 3', 'flow, graph, timeline'],
  ['arrows', 'from cell to cell; Page Up, Page Down, Home, End too'],
  ['Enter', 'open the cell'],
  ['Escape', 'close; in the search: empty it'],
  ['t', 'light, dark, or as the system has it'],
  ['?', 'this'],
];
const MOODS: [Mood, string][] = [
  ['stands', 'stands here'],
  ['open', 'the next version can come in'],
  ['closed', 'the next version waits at the gate'],
  ['held', 'held: nothing promotes it'],
  ['failed', 'the last deployment failed'],
  ['back', 'went back to an older version'],
];

export function Help({ close }: { close: () => void }) {
  return (
    <Sheet title="Keys and signs" close={close}>
      <table>
        <tbody>
          {KEYS.map(([keys, does]) => (
            <tr key={keys}>
              <th scope="row">
                <kbd>{keys}</kbd>
              </th>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <ul class="signs">
        {MOODS.map(([mood, means]) => (
          <li key={mood} class={mood}>
            <span aria-hidden="true">{SIGNS[mood]}</span> {means}
          </li>
        ))}
      </ul>
      <p>The board reads and changes nothing. What changes something is shown as a command to copy.</p>
    </Sheet>
  );
}
