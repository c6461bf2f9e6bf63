import { executor } from '../lazy.ts';

export default executor('smokeTasks');
