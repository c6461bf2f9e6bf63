export { openNotifier, type Notifier } from './notify.ts';
export type { Notification } from './types.ts';
