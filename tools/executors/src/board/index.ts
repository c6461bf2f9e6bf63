export { pageFiles, type PageFiles } from './bundle.ts';
export { runBoard, type BoardOptions } from './run.ts';
export { serveBoard, type BoardServer } from './server.ts';
export { openBoard, type BoardSource } from './source.ts';
export { writeBoard } from './static.ts';
export type * from './model/types.ts';
