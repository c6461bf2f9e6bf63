import { defineConfig } from 'rolldown';

// One file for each program, libraries included: the image needs no node_modules and no package manager.
export default defineConfig({
  input: { main: 'src/main.ts', migrate: 'src/migrate.ts' },
  platform: 'node',
  // The workspace's packages are bundled from their sources.
  resolve: { conditionNames: ['development', 'node', 'import', 'default'] },
  output: { dir: 'dist', format: 'esm', cleanDir: true, chunkFileNames: '[name].js' },
});
