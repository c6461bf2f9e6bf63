import type { Outcome } from '../commands.ts';
import { floorPromote, floorPublish } from '../floor.ts';
import type { Driver } from './types.ts';

const done = (ms: number): Outcome => ({ ms, exit: 0, cut: false, output: '' });

function publishFloor(connections: number): Driver {
  return {
    id: `floor-${connections}`,
    operation: 'publish',
    title: `floor: prepared bodies, ${connections} connections`,
    role: 'floor',
    again: false,
    run: async ({ packages, target }) => done(await floorPublish(packages, target, connections)),
  };
}

function promoteFloor(connections: number): Driver {
  return {
    id: `floor-${connections}`,
    operation: 'promote',
    title: `floor: GET + PUT + GET, ${connections} connections`,
    role: 'floor',
    again: false,
    run: async ({ packages, source, target }) =>
      done(await floorPromote(packages, source, target, connections)),
  };
}

export const floors: Driver[] = [8, 32].flatMap((connections) => [
  publishFloor(connections),
  promoteFloor(connections),
]);
