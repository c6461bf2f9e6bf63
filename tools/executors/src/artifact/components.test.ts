import { describe, expect, it } from 'vitest';
import { productionComponents } from './components.ts';

describe('productionComponents', () => {
  const external = (packageName: string, version: string, hash?: string) => ({
    data: { packageName, version, ...(hash === undefined ? {} : { hash }) },
  });
  const graph = {
    externalNodes: {
      'npm:semver': external('semver', '7.8.0', 'sha512-QUJD'),
      'npm:semver@5.0.0': external('semver', '5.0.0'),
      'npm:vitest': external('vitest', '5.1.0'),
      'npm:ring-a': external('ring-a', '1.0.0', '0123-not-an-integrity'),
      'npm:ring-b': external('ring-b', '1.0.0'),
    },
    dependencies: {
      invoice: [{ target: 'npm:semver@5.0.0' }, { target: 'npm:vitest' }, { target: 'money' }],
      'npm:semver@5.0.0': [{ target: 'npm:ring-a' }],
      'npm:ring-a': [{ target: 'npm:ring-b' }],
      'npm:ring-b': [{ target: 'npm:ring-a' }],
    },
  };
  const workspace = new Map([
    [
      '@acme/invoice',
      {
        name: '@acme/invoice',
        version: '1.0.0',
        project: 'invoice',
        dependencies: ['@acme/money', 'semver', 'not-installed'],
      },
    ],
    ['@acme/money', { name: '@acme/money', version: '2.0.0', project: 'money', dependencies: ['semver'] }],
    ['@acme/other', { name: '@acme/other', version: '2.0.0', project: 'other', dependencies: [] }],
  ]);

  it('follows production dependencies, through siblings and rings, to the versions that stand in the lock file', () => {
    expect(productionComponents('@acme/invoice', workspace, graph)).toEqual([
      { name: '@acme/money', version: '2.0.0', dependencies: ['semver@7.8.0'], direct: true },
      { name: 'ring-a', version: '1.0.0', dependencies: ['ring-b@1.0.0'], direct: false },
      { name: 'ring-b', version: '1.0.0', dependencies: ['ring-a@1.0.0'], direct: false },
      { name: 'semver', version: '5.0.0', dependencies: ['ring-a@1.0.0'], direct: true },
      { name: 'semver', version: '7.8.0', integrity: 'sha512-QUJD', dependencies: [], direct: false },
    ]);
  });
});
