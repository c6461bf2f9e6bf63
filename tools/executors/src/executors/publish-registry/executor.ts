import { single } from '../door.ts';
import { publishTasks } from '../work.ts';

export default single(publishTasks);
