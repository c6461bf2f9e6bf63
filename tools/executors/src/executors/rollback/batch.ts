import { batched } from '../door.ts';
import { rollbackTasks } from '../work.ts';

export default batched(rollbackTasks);
