import type { Action } from './types.ts';

/** The actions that the workflows use: a tag can be moved, a commit cannot. */
export const ACTIONS = {
  checkout: {
    name: 'actions/checkout',
    commit: '08c6903cd8c0fde910a37f88322edcfb5dd907a8',
    version: 'v5.0.0',
  },
  setupNode: {
    name: 'actions/setup-node',
    commit: 'a0853c24544627f65ddf259abe73b1d18a591444',
    version: 'v5.0.0',
  },
  upload: {
    name: 'actions/upload-artifact',
    commit: 'ea165f8d65b6e75b540449e92b4886f43607fa02',
    version: 'v4.6.2',
  },
  download: {
    name: 'actions/download-artifact',
    commit: 'd3f86a106a0bac45b974a628896c90dbdf5c8093',
    version: 'v4.3.0',
  },
} satisfies Record<string, Action>;
