/**
 * Compiles `src` to `dist`, file by file, then bundles each worker thread's entry with all it imports
 * into the one file that a thread loads: a thread keeps about 1 MiB less and starts sooner (see
 * docs/decisions/0003-thread-memory.md).
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = new URL('../', import.meta.url);
const workers = new URL('dist/workers/', root);
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc');

rmSync(new URL('dist', root), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, '-p', fileURLToPath(root)], { stdio: 'inherit' });
for (const name of readdirSync(workers)) {
  const entry = fileURLToPath(new URL(`${name}/entry.js`, workers));
  const bundle = await rolldown({ input: entry, platform: 'node' });
  await bundle.write({ file: entry, format: 'esm', minify: true, sourcemap: true });
  await bundle.close();
}
