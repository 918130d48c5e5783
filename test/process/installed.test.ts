/** The published package, with nothing beside it but the packages that npm installs along with it. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import build from '../support/build.ts';
import { environment } from '../support/rea-command.ts';
import { makeDirectory } from '../support/rea-process.ts';
import { runProgram } from '../support/run-program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A package that is loaded by its name: imported, or required under any name of `require`. */
const LOADED = /(?:\bfrom|\bimport|\()\s*["'`]([^"'`$]+)["'`]/g;

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
let files: readonly string[] = [];
let installed = '';

beforeAll(async () => {
  build();
  const packed = await runProgram('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    env: process.env,
    limitMs: 60_000,
  });
  const [{ files: all }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }];
  files = all.map(({ path }) => path);
  installed = makeDirectory();
  for (const file of files) cpSync(join(ROOT, file), join(installed, file));
  for (const name of Object.keys(manifest.dependencies)) {
    const place = join(installed, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), place);
  }
});

function rea(...args: string[]) {
  const entry = join(installed, 'dist/main/index.js');
  return runProgram(process.execPath, [entry, ...args], { env: environment(), limitMs: 60_000 });
}

test('loads no package that is not installed with it', () => {
  const code = files.filter((file) => file.endsWith('.js'));
  const names = code.flatMap((file) => {
    const found = readFileSync(join(installed, file), 'utf8').matchAll(LOADED);
    return [...found].map(([, name = '']) => name);
  });
  // Built in, they are not loaded by name any more.
  expect(names.filter((name) => Object.hasOwn(manifest.devDependencies, name))).toEqual([]);
  expect(names.includes('piscina')).toBe(true);
});

test('changes a file in each format', async () => {
  expect((await rea('--version')).stdout).toContain(manifest.version);
  const server = { command: process.execPath, args: ['x.mjs'] };
  const formats = {
    'servers.json': `// by hand\n${JSON.stringify({ mcpServers: { one: server } })}`,
    'registry.yaml': `servers:\n  - name: one # by hand\n    command: ${process.execPath}\n`,
  };
  for (const [name, text] of Object.entries(formats)) {
    const dir = makeDirectory();
    const config = join(dir, name);
    writeFileSync(config, text, { mode: 0o600 });
    const disabled = await rea('disable', 'one', '--cwd', dir, '--config', config);
    expect(disabled.stderr, name).toContain('it holds from the next start on');
    const now = readFileSync(config, 'utf8');
    expect(now, name).toContain('by hand');
    expect(now, name).toMatch(/"?(?:disabled"?: ?true|enabled"?: ?false)/);
  }
});
