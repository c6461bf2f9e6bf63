import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { redact, writeWhole } from '../foundation/index.ts';
import type { PageFiles } from './bundle.ts';
import { staticPage } from './html.ts';
import type { Board, Changes, Evidence, Timeline } from './model/types.ts';
import type { BoardSource } from './source.ts';

/** Newest events that a written page holds; the served one has them all. */
const EVENTS = 2000;
/** So many waiting projects come with their commits. */
const CHANGES = 300;

/** All that a page without a server is given. */
export interface StaticData {
  board: Board;
  timeline: Timeline;
  /** By "name@version". */
  evidence: Record<string, Evidence>;
  /** By "name stage". */
  changes: Record<string, Changes>;
}

/** Writes the board as it is now into a folder: one file that needs no server and no network. Returns its path. */
export async function writeBoard(source: BoardSource, page: PageFiles, folder: string): Promise<string> {
  const file = join(folder, 'index.html');
  const text = redact(staticPage(page, await staticData(source)));
  await mkdir(folder, { recursive: true });
  await writeWhole(file, text);
  return file;
}

/** What stands, waits or happened lately, with its evidence. */
async function staticData(source: BoardSource): Promise<StaticData> {
  const board = await source.whole();
  const timeline = await source.timeline({}, 0, EVENTS);
  const artifacts = new Set<string>();
  const waiting: [name: string, stage: string][] = [];
  for (const { stages, projects } of board.pipelines)
    for (const { name, cells } of projects)
      for (const [index, cell] of cells.entries()) {
        const versions = [cell.version, cell.waiting?.version, cell.running?.version, ...(cell.held ?? [])];
        for (const version of versions) if (version !== undefined) artifacts.add(`${name}@${version}`);
        if (cell.waiting) waiting.push([name, stages[index]?.name ?? '']);
      }
  for (const { name, version } of timeline.events)
    if (name !== undefined && version !== undefined) artifacts.add(`${name}@${version}`);
  const evidence: StaticData['evidence'] = {};
  for (const id of artifacts) {
    const at = id.lastIndexOf('@');
    const sheet = await source.evidence(id.slice(0, at), id.slice(at + 1));
    if (sheet) evidence[id] = sheet;
  }
  const changes: StaticData['changes'] = {};
  for (const [name, stage] of waiting.slice(0, CHANGES)) {
    const found = await source.changes(name, stage);
    if (found) changes[`${name} ${stage}`] = found;
  }
  return { board, timeline, evidence, changes };
}
