#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { sep } from 'node:path';
import process from 'node:process';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `sluice needs Node 22.18 or newer, this is ${process.versions.node}\n` +
      '  now:  nothing was changed\n' +
      '  next: npx sluice (npx takes the Node that the workspace installs, where it does), or update Node\n',
  );
  process.exit(2);
}

// Most of a short command is the loading of code.
enableCompileCache();

// Node strips the types of the source by itself, but not below node_modules: there is the compiled form.
const installed = import.meta.dirname.split(sep).includes('node_modules');
await import(installed ? '../dist/cli.js' : '../src/cli.ts');
