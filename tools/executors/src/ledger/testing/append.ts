import { openRepository } from '../../git/index.ts';
import { openLedger } from '../index.ts';
import { BRANCH, once } from './world.ts';

// A writer that a test can kill.
const [, , clone = '', version = ''] = process.argv;
const ledger = await openLedger({
  repository: await openRepository(clone),
  branch: BRANCH,
  remote: 'origin',
  push: true,
  repositoryIdentity: 'example.com/acme/shop',
  requireSignature: false,
});
await ledger.append(once(version), { run: 'killed' });
