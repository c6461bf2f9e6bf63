export { openNotifier, type Notifier } from './notify.ts';
export type { Notification } from './types.ts';
export { promotionWords, rollbackWords, type Words } from './promotion.ts';
