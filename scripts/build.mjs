/**
 * Compiles `src` file by file, then bundles each worker thread's entry with all it imports into the few
 * files that a thread loads: a thread keeps about 1 MiB less and starts sooner (see
 * docs/decisions/0003-thread-memory.md). What only some threads need is a file of its own. All of that happens beside `dist`, which then takes over what
 * has changed, file by file: a gateway that is started meanwhile finds every file, and whole.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = join(root, 'dist');
// As deep as `dist`: source maps name the sources relative to it.
const fresh = join(root, `dist.${process.pid}.tmp`);
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc');

rmSync(fresh, { recursive: true, force: true });
try {
  execFileSync(process.execPath, [tsc, '-p', root, '--outDir', fresh], { stdio: 'inherit' });
  const workers = join(fresh, 'workers');
  for (const name of readdirSync(workers)) {
    const entry = join(workers, name, 'entry.js');
    if (!existsSync(entry)) continue;
    const bundle = await rolldown({ input: entry, platform: 'node' });
    await bundle.write({
      dir: join(workers, name),
      entryFileNames: 'entry.js',
      chunkFileNames: '[name].chunk.js',
      format: 'esm',
      minify: true,
      sourcemap: true,
      // Two files cost a thread less than one of over 128 KiB.
      codeSplitting: { groups: [{ name: 'rules', test: /supervisor[/\\]rules[/\\]/ }] },
    });
    await bundle.close();
  }
  const built = filesIn(fresh);
  for (const name of built) replaceIfDifferent(join(fresh, name), join(dist, name));
  const wanted = new Set(built);
  for (const name of filesIn(dist)) if (!wanted.has(name)) rmSync(join(dist, name));
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

/** Relative paths of all files below. */
function filesIn(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

function replaceIfDifferent(from, to) {
  if (existsSync(to) && readFileSync(to).equals(readFileSync(from))) return;
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}
