/** What the rule says of single strings that are easily judged wrong, in a tree with every way in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { PathRule } from '#src/workers/supervisor/rules/path-rule.ts';
import { makePathWorld, type PathWorld } from '../../../support/path-world.ts';

let world: PathWorld;
beforeEach(() => {
  world = makePathWorld();
});
afterEach(() => world.remove());

const askOf = async (rule: PathRule, params: object) => {
  const line = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  return rule.request(Buffer.from(`${line}\n`));
};
const ask = (params: object) => askOf(world.rule, params);
const isDenied = async (text: string) => (await ask({ name: 'x', arguments: { text } })) !== null;

test('a directory of this name is nobody’s, wherever it is or will be', async () => {
  for (const text of [
    '/tmp/elsewhere/.rea/registry.yaml',
    'new/.rea',
    'a/b/.Rea./c',
    '.REA::$INDEX_ALLOCATION/registry.yaml',
    'REA~1/registry.yaml',
    're12ab~1\\registry.yaml',
    '.r%65a/x',
    '%25252erea/x',
    '%c0%aerea/x',
    '%u002erea/x',
    '.r\u200bea/x',
    '\uff0e\uff52\uff45\uff41/x',
    '.rea\0.txt',
    '~/other/.rea/x',
    '~nobody/.rea/x',
    'git+file:///x/.rea/y',
    'a/../.rea',
    '.rea/..',
  ]) {
    expect(await isDenied(text), text).toBe(true);
  }
});

test('text that mentions it does not become a name in it', async () => {
  for (const text of [
    '.rea/HALT/one two three',
    '.rea/run/new/one two three',
    'x\\.y\\.z/../.rea/new/deep',
    'one two three/../.rea/new/deep',
  ]) {
    expect(await isDenied(text), text).toBe(true);
  }
  expect(await isDenied('.rea/registry.yaml is read again when it changes')).toBe(false);
});

test('a name that is only like it is somebody else’s', async () => {
  for (const text of [
    '.read/x',
    '.re',
    'rea',
    'area/x',
    '.rea2/x',
    'x.rea/y',
    'rea~x',
    '.rea-old/x',
    '_rea',
  ]) {
    expect(await isDenied(text), text).toBe(false);
  }
});

test('what is not there yet may not be made there', async () => {
  const { home, root } = world;
  for (const text of [
    join(home, '.config/rea/new.yaml'),
    join(home, '.CONFIG/Rea'),
    join(home, '.local/state/rea/new'),
    '~/.config/rea',
    '$XDG_CONFIG_HOME/rea/x',
    `${root}/x/../home/me/.config/rea/x`,
  ]) {
    expect(await isDenied(text), text).toBe(true);
  }
  for (const text of [join(home, '.config'), join(home, '.config/reason'), home, root, '/']) {
    expect(await isDenied(text), text).toBe(false);
  }
});

test('a link that is made later, or a directory that is moved, is seen at once', async () => {
  const { cwd } = world;
  expect(await isDenied('later/registry.yaml')).toBe(false);
  expect(await isDenied('later')).toBe(false);
  symlinkSync('.rea', join(cwd, 'later'));
  expect(await isDenied('later/registry.yaml')).toBe(true);
  expect(await isDenied('later')).toBe(true);
  renameSync(join(cwd, '.rea'), join(cwd, 'moved'));
  expect(await isDenied('moved/registry.yaml')).toBe(true);
  expect(await isDenied('src/../moved')).toBe(true);
});

test('a name that some servers take for another one is judged like that', async () => {
  const { cwd } = world;
  // In the form that Unicode composes last, with the sign of Kelvin, and half in one form and half in the other.
  for (const name of ['e\u0301l', '\u212a', 'e\u0301\u00e9']) symlinkSync('.rea', join(cwd, name));
  mkdirSync(join(cwd, 'src/o\u0308'));
  symlinkSync('../../l1', join(cwd, 'src/o\u0308/a\u030a'));
  for (const name of ['\u00e9l', 'E\u0301L', 'K', 'k', '\u00e9e\u0301', '\u00e9\u00e9']) {
    expect(await isDenied(`${name}/registry.yaml`), name).toBe(true);
    expect(await isDenied(name), name).toBe(true);
  }
  expect(await isDenied('src/\u00f6/\u00e5/registry.yaml')).toBe(true);
  expect(await isDenied('src/\u00f6/\u00e5b/registry.yaml')).toBe(false);
  expect(await isDenied('kk/registry.yaml')).toBe(false);
});

test('also when a directory is moved to such a name', async () => {
  const { home } = world;
  expect(await isDenied('~/\u00e9/rea/token')).toBe(false);
  renameSync(join(home, '.local/state'), join(home, 'e\u0301'));
  expect(await isDenied('~/\u00e9/rea/token')).toBe(true);
});

test('relative names begin wherever a server may have been told to begin', async () => {
  const { cwd, home } = world;
  for (const place of ['first', 'second', 'third', 'fourth', 'fifth']) {
    for (const base of [cwd, home]) {
      mkdirSync(join(base, place));
      symlinkSync(join(cwd, '.rea'), join(base, place, `by-${place}`));
    }
  }
  const told: Readonly<Record<string, { args?: string[]; env?: Record<string, string> }>> = {
    first: { args: ['first'] },
    second: { args: ['--root=~/second'] },
    third: { env: { DIRS: `/nowhere:${join(cwd, 'third')}` } },
    fourth: { args: ['--allow', './src,./fourth'] },
    fifth: { args: [`file://${home}/fifth`] },
  };
  for (const [place, more] of Object.entries(told)) {
    const rule = world.ruleOf(null, more);
    const refusal = await askOf(rule, { text: `by-${place}/registry.yaml` });
    expect(refusal, place).not.toBeNull();
    expect(await askOf(rule, { text: 'by-another/registry.yaml' }), place).toBeNull();
  }
});

test('nothing is relative to a file, whose ever it is', async () => {
  const rule = world.ruleOf(null, { args: [join(world.cwd, '.rea/registry.yaml')] });
  expect(await askOf(rule, { text: 'README.md' })).toBeNull();
  expect(await askOf(rule, { text: '.rea/registry.yaml' })).not.toBeNull();
});

test('what says "myself" is the server, not the gateway', async () => {
  const { home } = world;
  const child = spawn('sleep', ['600'], { cwd: join(home, '.local'), stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  const { pid = 0 } = child;
  const rule = world.ruleOf(pid);
  for (const text of [
    `/proc/self/task/${pid}/root${home}/.local/state/rea/x`,
    `/proc/self/task/${pid}/cwd/state/rea/x`,
    '/proc/self/cwd/state/rea/x',
    '/proc/thread-self/cwd/state/rea/x',
    '/proc/self/fd/../cwd/state/rea/x',
  ]) {
    expect(await askOf(rule, { text }), text).not.toBeNull();
  }
  expect(await askOf(rule, { text: `/proc/self/task/${pid}/cwd/share/x` })).toBeNull();
});

test('a server is where its process is, whatever stands where that was started', async () => {
  const { root, cwd } = world;
  const child = spawn('sleep', ['600'], { cwd, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  const other = join(root, 'work/other project');
  const rule = world.ruleOf(child.pid ?? null);
  const isRefused = async (text: string) => (await askOf(rule, { text })) !== null;
  expect(await isRefused('src/index.ts')).toBe(false);
  // In its place comes one in which nothing of this name is.
  renameSync(cwd, other);
  mkdirSync(cwd);
  expect(await isRefused('l1')).toBe(true);
  expect(await isRefused('src/l2/registry.yaml')).toBe(true);
  expect(await isRefused('src/index.ts')).toBe(false);
  symlinkSync(join(other, '.rea'), join(cwd, 'l3'));
  expect(await isRefused('l3')).toBe(true);
});

test('a link that leads round and round, or nowhere, leads nowhere', async () => {
  const { cwd } = world;
  symlinkSync('b', join(cwd, 'a'));
  symlinkSync('a', join(cwd, 'b'));
  symlinkSync('/nowhere/at/all', join(cwd, 'c'));
  symlinkSync('src/.rea', join(cwd, 'd'));
  expect(await isDenied('a/x')).toBe(false);
  expect(await isDenied('c/x')).toBe(false);
  // Whoever writes through it makes it.
  expect(await isDenied('d')).toBe(true);
});

test('an address is no path, unless a directory is called like its scheme', async () => {
  expect(await isDenied('https://example.com/.rea/x')).toBe(false);
  expect(await isDenied('https://../.rea/registry.yaml')).toBe(true);
  mkdirSync(join(world.cwd, 'https:/example.com'), { recursive: true });
  expect(await isDenied('https://example.com/.rea/x')).toBe(true);
});

test('names of members count, and so does every item of a list', async () => {
  expect(await ask({ arguments: { '.rea/x': 1 } })).toMatchObject({ where: 'a name in arguments' });
  expect(await ask({ arguments: { a: [{ b: ['x', '.rea'] }] } })).toMatchObject({
    where: 'arguments.a[0].b[1]',
    text: '.rea',
  });
});

test('a string that can be read in any number of ways is refused', async () => {
  let text = '.x/y z';
  for (let times = 0; times < 300; times++) text = text.replaceAll('%', '%25').replace('x', '%78');
  expect(await isDenied(text.slice(0, 8000))).toBe(true);
});

test('a file may be one of the gateway’s by another name', async () => {
  expect(await isDenied('docs/hard.md')).toBe(true);
  expect(await isDenied('hard token')).toBe(true);
  writeFileSync(join(world.cwd, 'single'), '');
  expect(await isDenied('single')).toBe(false);
});

test.each([0, 1])('what comes between two turns of a long message is seen (%i)', async (index) => {
  const texts = ['src/later/registry.yaml', 'docs/registry.yaml'];
  const many = [...texts, ...Array.from({ length: 30_000 }, () => 'the same'), ...texts];
  const line = JSON.stringify({ method: 'x', params: { many } });
  const verdict = world.rule.request(Buffer.from(`${line}\n`));
  expect(verdict).toBeInstanceOf(Promise);
  if (index === 0) symlinkSync('../.rea', join(world.cwd, 'src/later'));
  else {
    renameSync(join(world.cwd, 'docs'), join(world.cwd, 'others'));
    symlinkSync('.rea', join(world.cwd, 'docs'));
  }
  expect(await verdict).toMatchObject({ where: `many[${30_002 + index}]` });
});

test('a message of any size is judged in turns', async () => {
  const many = Array.from({ length: 30_000 }, (_, at) => `value ${at}`);
  const verdict = world.rule.request(
    Buffer.from(`${JSON.stringify({ method: 'x', params: { many: [...many, '.rea/x'] } })}\n`),
  );
  expect(verdict).toBeInstanceOf(Promise);
  expect(await verdict).toMatchObject({ where: 'many[30000]' });
  expect(await ask({ many })).toBeNull();
});
