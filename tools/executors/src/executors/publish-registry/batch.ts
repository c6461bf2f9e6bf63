import { batched } from '../door.ts';
import { publishTasks } from '../work.ts';

export default batched(publishTasks);
