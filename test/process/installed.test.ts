/** The published package, with nothing beside it but the packages that npm installs along with it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import build from '../support/build.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { environment } from '../support/rea-command.ts';
import { makeDirectory, takeDirectories } from '../support/rea-process.ts';
import { runProgram } from '../support/run-program.ts';
import { fixturePath } from '../support/servers.ts';
import { until } from '../support/wait-for.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A package that is loaded by its name: imported, or required under any name of `require`. */
const LOADED = /(?:\bfrom|\bimport|\()\s*["'`]([^"'`$]+)["'`]/g;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
let files: readonly string[] = [];
let installed = '';

beforeAll(async () => {
  // A run from the compiled output has been built already.
  if (reaCommand().args.some((file) => file.endsWith('.ts'))) build();
  const run = { cwd: ROOT, env: process.env, limitMs: 60_000 };
  const directory = makeDirectory();
  const options = ['--json', '--ignore-scripts', '--pack-destination', directory];
  const packed = await runProgram('npm', ['pack', ...options], run);
  const [pack] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
  files = pack.files.map(({ path }) => path);
  await runProgram('tar', ['-xzf', join(directory, pack.filename), '-C', directory], run);
  installed = join(directory, 'package');
  for (const name of Object.keys(manifest.dependencies)) {
    const place = join(installed, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), place);
  }
  // As npm does for each name of a command.
  mkdirSync(join(installed, 'bin'));
  for (const [name, path] of Object.entries(manifest.bin)) {
    chmodSync(join(installed, path), 0o755);
    symlinkSync(join('..', path), join(installed, 'bin', name));
  }
});

afterAll(() => {
  for (const directory of takeDirectories()) rmSync(directory, { recursive: true, force: true });
});

function rea(...args: string[]) {
  return command('rea', args);
}

function command(name: string, args: readonly string[]) {
  const options = { env: environment(), limitMs: 60_000 };
  return runProgram(join(installed, 'bin', name), [...args], options);
}

test('is started by its own name, too, as npx does', async () => {
  const { stdout, code } = await command(manifest.name, ['--version']);
  expect({ stdout, code }).toEqual({ stdout: `${manifest.version}\n`, code: 0 });
});

test('has every page that its pages link to', () => {
  const pages = files.filter((file) => file.endsWith('.md'));
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/configuration.md']));
  for (const page of pages) {
    const text = readFileSync(join(installed, page), 'utf8').replaceAll(/^```.*?^```/gms, '');
    for (const [, target = ''] of text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      const isThere = existsSync(join(installed, dirname(page), target));
      expect([page, target, isThere]).toEqual([page, target, true]);
    }
  }
});

test('has the schemas that it writes, and takes what it writes beside them', async () => {
  const dir = makeDirectory();
  expect((await rea('init', '--cwd', dir)).code).toBe(0);
  const git = (...args: string[]) =>
    runProgram('git', args, { cwd: dir, env: environment(), limitMs: 60_000 });
  await git('init', '-q');
  await git('add', '.');
  const written = ['.gitignore', 'policy.schema.json', 'policy.yaml', 'registry.schema.json'];
  const listed = (await git('ls-files')).stdout.trim().split('\n');
  expect(listed).toEqual([...written, 'registry.yaml'].map((name) => `.rea/${name}`));
  for (const name of ['registry', 'policy']) {
    const schema = readFileSync(join(dir, '.rea', `${name}.schema.json`), 'utf8');
    expect(schema).toBe(readFileSync(join(installed, 'dist/schema', `${name}.json`), 'utf8'));
    const [first] = readFileSync(join(dir, '.rea', `${name}.yaml`), 'utf8').split('\n');
    expect(first).toBe(`# yaml-language-server: $schema=${name}.schema.json`);
    // An older one, or one that somebody has put elsewhere.
    const file = join(dir, '.rea', `${name}.schema.json`);
    rmSync(file);
    symlinkSync(join(dir, `elsewhere-${name}`), file);
  }
  writeFileSync(join(dir, '.rea', 'policy.yaml'), 'version: "1"\n');
  expect(await rea('schema', '--cwd', dir)).toMatchObject({
    code: 0,
    stdout: [
      'wrote .rea/registry.schema.json',
      'wrote .rea/policy.schema.json',
      'for editors, let .rea/policy.yaml begin with: # yaml-language-server: $schema=policy.schema.json',
      '',
    ].join('\n'),
  });
  for (const name of ['registry', 'policy']) {
    expect(existsSync(join(dir, `elsewhere-${name}`))).toBe(false);
    const schema = readFileSync(join(dir, '.rea', `${name}.schema.json`), 'utf8');
    expect(schema).toBe(readFileSync(join(installed, 'dist/schema', `${name}.json`), 'utf8'));
  }
  expect((await rea('check', '--cwd', dir)).code).toBe(0);
  const none = await rea('schema', '--cwd', makeDirectory());
  expect(none).toMatchObject({ code: 1, stdout: '' });
  expect(none.stderr).toMatch(
    /^rea: there is no \.rea in \S+ or above it to write them to: rea init\n$/,
  );
});

test('has the files of the page that it serves', () => {
  const own = readdirSync(join(ROOT, 'src/main/ui/page'));
  expect(own).toContain('page.html');
  const packed = own.map((name) => `dist/main/ui/page/${name}`);
  expect(files).toEqual(expect.arrayContaining(packed));
});

test('loads no package that is not installed with it', () => {
  const code = files.filter((file) => /\.c?js$/.test(file));
  const names = code.flatMap((file) => {
    const found = readFileSync(join(installed, file), 'utf8').matchAll(LOADED);
    return [...found].map(([, name = '']) => name);
  });
  // Built in, they are not loaded by name any more.
  expect(names.filter((name) => Object.hasOwn(manifest.devDependencies, name))).toEqual([]);
  expect(names.includes('piscina')).toBe(true);
});

test('compiles its code once: what a first gateway has compiled is kept, and damage to it hinders no other', async () => {
  const home = makeDirectory();
  const dir = makeDirectory();
  const env = environment({ XDG_STATE_HOME: home });
  const server = `{name: one, command: ${process.execPath}, args: [${fixturePath('echo')}]}`;
  expect((await rea('init', '--cwd', dir)).code).toBe(0);
  writeFileSync(join(dir, '.rea/registry.yaml'), `version: "1"\nservers:\n  - ${server}\n`);
  const compiled = () => {
    const all = join(home, 'rea', 'compiled');
    const [build = ''] = existsSync(all) ? readdirSync(all) : [];
    return join(all, build);
  };
  const kept = () => (existsSync(compiled()) ? readdirSync(compiled()) : []);
  const serve = async (while_: () => Promise<unknown>) => {
    const child = spawn(join(installed, 'bin', 'rea'), ['serve', '--cwd', dir], {
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const exited = once(child, 'exit');
    await while_();
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
  };
  // A command that is not a gateway makes no directories in a home where there are none.
  expect(
    (
      await runProgram(join(installed, 'bin', 'rea'), ['check', '--cwd', dir], {
        env,
        limitMs: 60_000,
      })
    ).code,
  ).toBe(0);
  expect(readdirSync(home)).toEqual([]);
  const threads = ['supervisor', 'state-writer', 'audit-writer', 'inspector'];
  await serve(() =>
    until(() => threads.every((name) => kept().includes(`workers.${name}.entry.cjs`)), {
      what: 'the code of the threads',
    }),
  );
  expect(kept()).toEqual(expect.arrayContaining(['main.program.cjs', 'main.parts.serve.cjs']));
  for (const name of kept()) {
    const path = join(compiled(), name);
    const bytes = readFileSync(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(path, bytes.fill(7, bytes.length / 2));
  }
  const picture = () =>
    runProgram(join(installed, 'bin', 'rea'), ['status', '--json', '--cwd', dir], {
      env,
      limitMs: 60_000,
    });
  await serve(() => until(async () => (await picture()).code === 0, { what: 'a healthy server' }));
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
