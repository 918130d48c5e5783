/** What `blocked_paths` forbids: the files that its patterns mean, however they are named, and nothing else. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { blockedPathProblem, blockedWays } from '#src/main/globs/paths.ts';
import { blocking } from '#src/workers/supervisor/rules/blocked.ts';
import { spellPaths } from '../../../stress/path-spellings.ts';
import { type BlockedWorld, makeBlockedWorld } from '../../../support/blocked-world.ts';
import { HARMLESS_VALUES, harmlessParams } from '../../../support/harmless-arguments.ts';
import { seeded } from '../../../support/path-spellings.ts';

let world: BlockedWorld;

beforeEach(() => {
  world = makeBlockedWorld();
});
afterEach(() => {
  vi.restoreAllMocks();
  world.remove();
});

const refusal = async (args: unknown) => {
  const params = { name: 'x', arguments: args };
  const line = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  return world.rule.request(Buffer.from(`${line}\n`));
};

test('each file is blocked, with the pattern and its place; what is beside them is not', async () => {
  for (const path of world.files) {
    expect((await refusal({ path }))?.why, path).toMatch(
      /^which blocked_paths \(".*", policy\.yaml:\d\) forbids$/,
    );
  }
  for (const name of world.free) {
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
  const { spellings, openable, escaped } = await spellPaths(2000, 7, makeBlockedWorld);
  expect(escaped).toEqual([]);
  // Else the spellings would be none.
  expect(openable).toBeGreaterThan(spellings * 0.4);
});

test('what was judged by other patterns, or from other directories, is judged anew', async () => {
  // What is not in directories that have been quiet for long is not looked for any further.
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 10_000);
  const asked = { path: 'new/notes.txt', more: 'b/private.txt' };
  expect(await refusal(asked)).toBeNull();
  world.block(['new/notes.txt']);
  expect((await refusal(asked))?.why).toContain('"new/notes.txt"');
  world.block([`${world.home}/a/b/private.txt`]);
  expect(await refusal(asked)).toBeNull();
  mkdirSync(join(world.home, 'a'));
  const roots = { roots: [{ uri: `file://${world.home}/a` }] };
  world.rule.learnRoots(
    Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id: 1, result: roots })}\n`),
  );
  expect((await refusal(asked))?.why).toContain('private.txt');
  world.block([]);
  expect(await refusal(asked)).toBeNull();
});

/** As slow as can be, and easy to see through. */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const [wanted, ...rest] = pattern;
  if (wanted === undefined) return true;
  const [name, ...below] = path;
  if (wanted === '**')
    return matches(rest, path) || (name !== undefined && matches(pattern, below));
  return name !== undefined && (wanted === '*' || wanted === name) && matches(rest, below);
}

test('patterns match names as a search that tries everything does', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const part = fc.oneof(name, fc.constant('*'), fc.constant('**'));
  const pair = fc.tuple(fc.array(part, { maxLength: 6 }), fc.array(name, { maxLength: 8 }));
  fc.assert(
    fc.property(pair, ([parts, names]) => {
      const pattern = `/${[...parts, 'a'].join('/')}`;
      fc.pre(blockedPathProblem(pattern) === null);
      const ways = blockedWays(pattern, ['/'], '/');
      const found = blocking([{ pattern, at: 'x', ways }], `/${names.join('/')}`) !== null;
      expect([pattern, names, found]).toEqual([pattern, names, matches([...parts, 'a'], names)]);
    }),
    { numRuns: 2000 },
  );
});

test('2,000 argument sets of real tools: none is blocked', { timeout: 120_000 }, async () => {
  const random = seeded(3);
  for (let count = 0; count < 2000; count++) {
    const params = harmlessParams(random);
    const line = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    expect([line, await world.rule.request(Buffer.from(`${line}\n`))]).toEqual([line, null]);
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
