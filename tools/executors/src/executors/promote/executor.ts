import { single } from '../door.ts';
import { promoteTasks } from '../work.ts';

export default single(promoteTasks);
