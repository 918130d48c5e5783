/** What `blocked_paths` forbids: the files that its patterns mean, however they are named, and nothing else. */
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { blockedPathProblem, blockedWays } from '#src/main/globs/paths.ts';
import { NO_RULES } from '#src/shared/model/policy.ts';
import type { PathRule } from '#src/workers/supervisor/rules/path-rule.ts';
import { HARMLESS_VALUES, harmlessParams } from '../../../support/harmless-arguments.ts';
import { reaches } from '../../../support/path-openers.ts';
import { seeded, spelling } from '../../../support/path-spellings.ts';
import { makePathWorld, type PathWorld } from '../../../support/path-world.ts';

const PATTERNS = ['.env', 'secrets/', 'conf/*.key', 'k/**/x[0-9].pem', '~/vault', '.{npmrc,netrc}'];
const BLOCKED = [
  '.env',
  'app/.env',
  'app/deep/er/.env',
  'secrets/a.txt',
  'secrets/deep/b c.txt',
  'secrets/deep/er/ü.txt',
  'lib/secrets/d.txt',
  'conf/prod.key',
  'conf/dev.key',
  'k/x1.pem',
  'k/a/x2.pem',
  'k/a/b/c/x3.pem',
  '.npmrc',
  'app/.netrc',
];
const FREE = ['.env.example', 'conf/prod.pub', 'conf/more/a.key', 'k/xx.pem', 'src/index.ts'];

let world: PathWorld;
let rule: PathRule;
let files: string[];

beforeEach(() => {
  world = makePathWorld();
  const { cwd, home } = world;
  files = [
    ...BLOCKED.map((name) => join(cwd, name)),
    ...['vault', 'vault.d'].map((name) => join(home, name, 'x.txt')),
  ];
  for (const path of [...files, ...FREE.map((name) => join(cwd, name))]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path);
  }
  files.pop();
  symlinkSync(join(cwd, 'secrets'), join(cwd, 'harmless'));
  symlinkSync('../.env', join(cwd, 'docs', 'linked'));
  const blockedPaths = PATTERNS.map((pattern, at) => {
    if (blockedPathProblem(pattern) !== null) throw new Error(`cannot be used: ${pattern}`);
    return { pattern, at: `policy.yaml:${at}`, ways: blockedWays(pattern, [cwd], home) };
  });
  rule = world.ruleOf(null, { rules: { ...NO_RULES, blockedPaths } });
});
afterEach(() => world.remove());

const refusal = async (args: unknown) => {
  const params = { name: 'x', arguments: args };
  const line = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  return rule.request(Buffer.from(`${line}\n`));
};

test('each file is blocked, with the pattern and its place; what is beside them is not', async () => {
  for (const path of files) {
    expect((await refusal({ path }))?.why, path).toMatch(
      /^which blocked_paths \(".*", policy\.yaml:\d\) forbids$/,
    );
  }
  for (const name of FREE) {
    expect(await refusal({ path: join(world.cwd, name) }), name).toBeNull();
    expect(await refusal({ path: name }), name).toBeNull();
  }
});

test('it is blocked through links, from other directories, as a URI, and where it is yet to be made', async () => {
  for (const path of [
    'harmless/a.txt',
    'docs/linked',
    'docs/../.ENV',
    'src/../secrets',
    'file:///x/.env',
    '.%65nv',
    '%252eenv',
    'new/.env',
    'secrets/new/file.txt',
    'conf\\prod.key',
    '~/vault/x.txt',
  ]) {
    expect(await refusal({ path }), path).not.toBeNull();
    expect(await refusal({ paths: [{ [path]: 1 }] }), path).not.toBeNull();
  }
});

test('content is content, and prose is prose', async () => {
  for (const key of ['content', 'text', 'message', 'body', 'query', 'code', 'Content']) {
    expect(await refusal({ path: 'a.txt', [key]: '.env' }), key).toBeNull();
    expect(await refusal({ path: 'a.txt', deep: { [key]: ['secrets/a.txt'] } }), key).toBeNull();
    expect(await refusal({ [key]: { path: '.env' } }), key).not.toBeNull();
  }
  for (const text of [
    '50% off',
    '?q=100%',
    'see secrets/ and the .env file for more',
    'and/or',
    'https://example.com/secrets/x?y=.env',
  ]) {
    expect(await refusal({ note: text }), text).toBeNull();
  }
});

test('of many spellings none reaches a blocked file', { timeout: 120_000 }, async () => {
  const ids = new Set(files.map((path) => `${statSync(path).dev} ${statSync(path).ino}`));
  const isOwn = ({ dev, ino }: { dev: number; ino: number }) => ids.has(`${dev} ${ino}`);
  const aliases = ['harmless/a.txt', 'docs/linked'].map((name) => join(world.cwd, name));
  const blocked = { ...world, files, aliases, isOwn };
  const random = seeded(7);
  let openable = 0;
  for (let count = 0; count < 1500; count++) {
    const { text } = spelling(random, blocked);
    if ((await refusal({ path: text })) !== null) continue;
    expect([text, reaches(text, blocked)]).toEqual([text, null]);
  }
  for (let count = 0; count < 200; count++) {
    if (reaches(spelling(random, blocked).text, blocked) !== null) openable += 1;
  }
  // Else the spellings would be none.
  expect(openable).toBeGreaterThan(80);
});

test('arguments that tools really get are not blocked', async () => {
  const random = seeded(3);
  for (let count = 0; count < 500; count++) {
    const params = harmlessParams(random);
    const line = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    expect([line, await rule.request(Buffer.from(`${line}\n`))]).toEqual([line, null]);
  }
  for (const text of HARMLESS_VALUES)
    expect([text, await refusal({ text: [text] })]).toEqual([text, null]);
});

test.each([
  ['+(a|b).env', 'write'],
  ['!secrets', 'write'],
  ['a/../b', '".."'],
  ['', 'write a name'],
  ['/', 'write a name'],
  ['a**b', '"**"'],
  ['{a/b,c}', 'braces hold no slash'],
  ['x'.repeat(600), '512'],
  ['a/'.repeat(40), '32 names'],
  ['[z-a]', 'range'],
])('%s is refused with what would be right', (pattern, fix) => {
  expect(blockedPathProblem(pattern)).toContain(fix);
});
