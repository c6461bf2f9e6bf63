import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../pipeline/index.ts';
import { workflowFiles } from './index.ts';

const stage = (name: string) => ({ name, registry: `https://${name}.example.com` });
const options = (...names: string[]) =>
  parseOptions({ packages: { stages: names.map(stage) }, workflows: true });
const release = (before: string | undefined, ...names: string[]) =>
  workflowFiles({ options: options(...names), services: [] }, (file) =>
    file === 'release.yml' ? before : undefined,
  ).get('release.yml') as string;

const moving = (jobs: object) => Object.keys(jobs).filter((id) => !id.startsWith('announce-'));

const MINE = `
      # sluice:yours release/before
      - name: Mine
        run: |
          make it
            so

          twice
      # sluice:end
`;
const JOB = `
  # sluice:yours jobs
  told:
    runs-on: ubuntu-latest
    steps:
      - run: echo told
  # sluice:end
`;

describe('hand-made parts', () => {
  it('survive, and stand where their names say', () => {
    const text = release(release(undefined, 'a', 'b') + MINE + JOB, 'a', 'b');
    const { jobs } = parse(text);
    const names = jobs.release.steps.map((step: any) => step.name ?? step.run ?? step.uses);
    expect(names.slice(2, 5)).toEqual(['npm ci', 'Mine', 'What would fail']);
    expect(jobs.release.steps[3].run).toBe('make it\n  so\n\ntwice\n');
    expect(moving(jobs)).toEqual(['release', 'promote-b', 'told']);
  });

  it('are written the same again, also when a stage comes', () => {
    const once = release(release(undefined, 'a', 'b') + MINE + JOB, 'a', 'b');
    expect(release(once, 'a', 'b')).toBe(once);
    const { jobs } = parse(release(once, 'a', 'new', 'b'));
    expect(moving(jobs)).toEqual(['release', 'promote-new', 'promote-b', 'told']);
    expect(jobs.release.steps[3].name).toBe('Mine');
  });

  it('come after everything else of a job', () => {
    const after = MINE.replace('release/before', 'promote-b/after');
    const { jobs } = parse(release(release(undefined, 'a', 'b') + after, 'a', 'b'));
    expect(jobs['promote-b'].steps.at(-1).name).toBe('Mine');
  });

  it('are never dropped in silence', () => {
    const text = release(release(undefined, 'a', 'b') + MINE.replace('release/', 'promote-b/'), 'a', 'b');
    expect(() => release(text, 'a', 'c')).toThrow(
      expect.objectContaining({
        code: 'WORKFLOW_PLACE_GONE',
        message: expect.stringContaining('promote-b/before'),
      }),
    );
  });

  it.each([
    ['without an end', MINE.replace('# sluice:end', '')],
    ['inside of another', MINE.replace('# sluice:end', '') + MINE],
    ['with the name of another', MINE + MINE],
  ])('are refused %s', (_, text) => {
    expect(() => release(text, 'a', 'b')).toThrow(expect.objectContaining({ code: 'WORKFLOW_MARKS' }));
  });
});
