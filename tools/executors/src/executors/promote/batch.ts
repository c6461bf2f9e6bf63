import { batched } from '../door.ts';
import { promoteTasks } from '../work.ts';

export default batched(promoteTasks);
