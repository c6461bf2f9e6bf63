import { batch } from '../lazy.ts';

export default batch('releasesTasks');
