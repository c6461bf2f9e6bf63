import { readNxJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { format } from 'prettier';
import { expect, test } from 'vitest';
import { registeredOptions, withOptions, writeNxJson } from './nx-json.ts';

const TEXT = `{
  // as somebody wrote it
  "defaultBase": "main",
  "namedInputs": { "default": ["{projectRoot}/**/*", "sharedGlobals"] },
  "plugins": [
    {
      "plugin": "@sluice/nx/plugin",
      "options": {
        "packages": {
          "stages": [
            { "name": "test", "gate": { "environment": "TestGate" } },
            { "name": "public" }
          ]
        }
      }
    }
  ]
}
`;
interface Stage {
  name: string;
  gate?: unknown;
}
/** What nx.json is when the stages are changed, line by line what is new or gone. */
async function changed(change: (stages: Stage[]) => Stage[], text = TEXT) {
  const tree = createTreeWithEmptyWorkspace();
  tree.write('nx.json', text);
  const nxJson = readNxJson(tree) ?? {};
  const options = registeredOptions(nxJson) as { packages: { stages: Stage[] } };
  const stages = change(structuredClone(options.packages.stages));
  const wanted = withOptions(nxJson, { ...options, packages: { ...options.packages, stages } });
  writeNxJson(tree, wanted);
  expect(readNxJson(tree)).toEqual(wanted);
  // As the generators do it at their end.
  const after = await format(tree.read('nx.json', 'utf8') ?? '', { parser: 'json', printWidth: 80 });
  // A comma belongs to the neighbour.
  const [old = [], now = []] = [text, after].map((one) => one.split(/,?\s*\n/));
  return { gone: old.filter((line) => !now.includes(line)), after };
}

test('a stage more, one less, or one that is another leaves every other line as it is', async () => {
  const more = await changed((stages) => stages.toSpliced(1, 0, { name: 'middle' }));
  expect(more.gone).toEqual([]);
  expect((await changed((stages) => [...stages, { name: 'last' }])).gone).toEqual([]);
  const less = await changed(([first]) => [first as Stage]);
  expect(less.gone.join()).toMatch(/"public"/);
  expect(less.after).toContain('// as somebody wrote it');
  const other = await changed(([one, two]) => [{ ...one, gate: { approvals: 1 } } as Stage, two as Stage]);
  expect(other.gone).toHaveLength(1);
  const turned = await changed(([one, two]) => [two as Stage, one as Stage]);
  expect(turned.gone.length).toBeLessThan(3);
});

test('nothing to change changes nothing', async () => {
  expect((await changed((stages) => stages)).after).toBe(TEXT);
});

test.each([undefined, 2])('what a program wrote (with %s spaces) is laid out as programs do', (spaces) => {
  const tree = createTreeWithEmptyWorkspace();
  tree.write('nx.json', `${JSON.stringify({ analytics: false }, undefined, spaces)}\n`);
  const wanted = withOptions(readNxJson(tree) ?? {}, { packages: { stages: [{ name: 'test' }] } });
  writeNxJson(tree, wanted);
  expect(tree.read('nx.json', 'utf8')?.trim()).toBe(JSON.stringify(wanted, undefined, 2));
});
