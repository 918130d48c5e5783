/**
 * Compiles `src` file by file, then bundles what is run: the command line, and each worker's entry. A thread then
 * keeps about 1 MiB less and starts sooner (docs/decisions/0003-thread-memory.md), and so does main
 * (docs/decisions/0030-bundles.md). What only some commands or some threads need is a file of its own. All of
 * that happens beside `dist`, which then takes over what has changed, file by file: a gateway that is started
 * meanwhile finds every file, and whole.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

/** A relay lives as long as its client, one for each: in one file it takes 5 MiB less than in parts. */
const ALONE = 'main/commands/shared';
const apart = {
  name: 'apart',
  resolveId: (id) =>
    id.endsWith('/commands/shared.ts') ? { id: './commands/shared.cjs', external: true } : null,
};

/** What `main/index` starts is a bundle of its own; its own line that imports it is for sources. */
const started = {
  name: 'started',
  resolveId: (id) => (id === './program.ts' ? { id, external: true } : null),
};

/** What servers of the SDK judge schemas with: 150 KiB of other packages that its transport does not use. */
const VALIDATOR = '@modelcontextprotocol/server/_shims';
const unused = {
  name: 'unused',
  resolveId: (id) => (id === VALIDATOR ? { id: `\0${VALIDATOR}` } : null),
  load: (id) =>
    id === `\0${VALIDATOR}`
      ? "export { default as process } from 'node:process'; export const DefaultJsonSchemaValidator = undefined;"
      : null,
};

/** Files of the page, which are used as they are. */
const PAGE = 'src/main/ui/page';

/** By the directory of the package. */
const licences = new Map();

rmSync(fresh, { recursive: true, force: true });
try {
  execFileSync(process.execPath, [tsc, '-p', root, '--outDir', fresh], { stdio: 'inherit' });
  const { schemaText, SCHEMA_NAMES } = await import(join(fresh, 'main/config/editor/schemas.js'));
  mkdirSync(join(fresh, 'schema'));
  for (const name of SCHEMA_NAMES) {
    writeFileSync(join(fresh, 'schema', `${name}.json`), schemaText(name));
  }
  cpSync(join(root, PAGE), join(fresh, relative('src', PAGE)), { recursive: true });
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // What is installed beside this package stays there; all other packages become part of it.
  const external = (id) =>
    Object.keys(dependencies).some((name) => id === name || id.startsWith(`${name}/`));
  // All that a process runs is CommonJS, whose compiled code can be kept (docs/decisions/0046-compile-cache.md).
  await bundle('main/program', {
    external,
    plugins: [apart, unused],
    entryFileNames: 'program.cjs',
    chunkFileNames: 'parts/[name].cjs',
  });
  await bundle(ALONE, { external, entryFileNames: 'shared.cjs', codeSplitting: false });
  for (const name of readdirSync(join(root, 'src/workers'))) {
    if (!existsSync(join(root, 'src/workers', name, 'entry.ts'))) continue;
    await bundle(`workers/${name}/entry`, {
      external,
      entryFileNames: 'entry.cjs',
      chunkFileNames: '[name].chunk.cjs',
      // Two files cost a thread less than one of over 128 KiB.
      codeSplitting: { groups: [{ name: 'rules', test: /supervisor[/\\](?:rules|results)[/\\]/ }] },
    });
  }
  await bundle('workers/boot', { external, entryFileNames: 'boot.cjs' });
  await bundle('main/index', {
    external,
    plugins: [started],
    define: { BUILD: JSON.stringify(digestOfModules()) },
    entryFileNames: 'index.js',
    format: 'esm',
  });
  writeFileSync(
    join(fresh, 'licences.txt'),
    [...licences.values()].toSorted((a, b) => a.localeCompare(b)).join('\n\n'),
  );
  const built = filesIn(fresh);
  for (const name of built) replaceIfDifferent(join(fresh, name), join(dist, name));
  const wanted = new Set(built);
  for (const name of filesIn(dist)) if (!wanted.has(name)) rmSync(join(dist, name));
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

/** Of the build so far, in 16 hexadecimal digits. */
function digestOfModules() {
  const hash = createHash('sha256');
  for (const name of filesIn(fresh).toSorted((a, b) => a.localeCompare(b))) {
    if (name.endsWith('.cjs')) hash.update(`${name}\n`).update(readFileSync(join(fresh, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Bundles an entry with all that it imports, in place of the file that was compiled from it. */
async function bundle(entry, { external, plugins = [], define = {}, ...options }) {
  const input = join(root, 'src', `${entry}.ts`);
  const resolve = { mainFields: ['module', 'main'] };
  const transform = { define };
  const made = await rolldown({ input, platform: 'node', external, resolve, plugins, transform });
  const { output } = await made.write({
    dir: join(fresh, dirname(entry)),
    format: 'cjs',
    // Whoever loads a module of the build decides how it loads what that one imports.
    dynamicImportInCjs: false,
    minify: true,
    sourcemap: true,
    ...options,
  });
  await made.close();
  for (const { moduleIds = [] } of output) for (const id of moduleIds) noteLicence(id);
}

/** Their licences ask that they go along with the code. */
function noteLicence(moduleId) {
  const inside = '/node_modules/';
  const at = moduleId.lastIndexOf(inside);
  if (at < 0) return;
  const [scope, name] = moduleId.slice(at + inside.length).split('/');
  const directory = join(
    moduleId.slice(0, at + inside.length),
    scope,
    scope[0] === '@' ? name : '',
  );
  if (licences.has(directory)) return;
  const about = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const file = readdirSync(directory).find((one) => /^licen[cs]e/i.test(one));
  const text =
    file === undefined ? about.license : readFileSync(join(directory, file), 'utf8').trim();
  licences.set(directory, `${about.name} ${about.version}\n\n${text}\n`);
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
