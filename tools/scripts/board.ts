import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BUILT, bundlePage } from '../executors/src/board/bundle.ts';

/** `node tools/scripts/board.ts [folder]` bundles the board's page for the published package, whose users have no bundler. */
const folder = process.argv[2] === undefined ? BUILT : resolve(process.argv[2]);
const { script, style } = await bundlePage();
await mkdir(folder, { recursive: true });
await writeFile(join(folder, 'page.js'), script);
await writeFile(join(folder, 'page.css'), style);
