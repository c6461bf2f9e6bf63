import { single } from '../door.ts';
import { rollbackTasks } from '../work.ts';

export default single(rollbackTasks);
