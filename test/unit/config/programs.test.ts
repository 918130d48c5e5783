/** Which servers run the same program, and what of a changed file waits because nobody has taken it. */
import { expect, test } from 'vitest';
import { changedParts, programKey, splitByProgram } from '#src/main/config/programs.ts';
import { leastCredit } from '#src/main/config/settings.ts';
import type { EndpointConfig, GatewayConfig, ServerConfig } from '#src/shared/model/config.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

const MIB = 1024 * 1024;

function server(name: string, more: Partial<ServerConfig> = {}): ServerConfig {
  return { ...serverConfig('echo'), name, lane: name, prefix: name, ...more };
}

function remote(name: string, more: Partial<EndpointConfig> = {}): ServerConfig {
  const endpoint = {
    url: 'https://example.com/',
    headers: { A: '1' },
    tokenFile: null,
    oauth: null,
    ...more,
  };
  return server(name, { endpoint, command: '', args: [], cwd: '/', env: {} });
}

function config(servers: readonly ServerConfig[], byteCreditBytes = 192 * MIB): GatewayConfig {
  return {
    file: '/x/registry.yaml',
    servers,
    threads: { mode: 'auto', dedicatedUpTo: 32, mostShared: 8, heapMb: 64, stallMs: 1500 },
    limits: { byteCreditBytes, slowClientMs: 1000 },
    http: { maxSessions: 256, maxConnections: 1024 },
    listWaitMs: 0,
    idleExitMs: 60_000,
    variables: [],
    reserved: servers.map(({ name, prefix }) => reservation(name, prefix)),
    warnings: [],
  };
}

function reservation(name: string, prefix: string, resources: readonly string[] = []) {
  return { server: name, prefix, resources };
}

/** What is put in force and who waits, when the first configuration is all that is known. */
function split(running: readonly ServerConfig[], wanted: GatewayConfig) {
  const known = new Set(running.map(programKey));
  return splitByProgram(config(running), wanted, (one) => known.has(programKey(one)));
}

const one = server('one', { args: ['a', 'b'], env: { A: '1', B: '2' }, envPassthrough: ['X'] });

test.each<[keyof ServerConfig, unknown, string]>([
  ['command', '/bin/other', 'command'],
  ['args', ['b', 'a'], 'args'],
  ['args', ['a b'], 'args'],
  ['cwd', '/elsewhere', 'cwd'],
  ['env', { A: '1', B: '3' }, 'env B'],
  ['env', { A: '1' }, 'env B'],
  ['env', { A: '1', B: '2', NODE_OPTIONS: '--require x' }, 'env NODE_OPTIONS'],
  ['envPassthrough', ['X', 'Y'], 'env_passthrough'],
  ['envPassthrough', [], 'env_passthrough'],
])('another %s is another program', (key, value, part) => {
  const other = { ...one, [key]: value };
  expect(programKey(other)).not.toBe(programKey(one));
  expect(changedParts(one, other)).toEqual([part]);
  const { config: inForce, withheld } = split([one], config([other]));
  expect(inForce.servers).toEqual([one]);
  expect(withheld).toEqual([{ wanted: other, running: one, prefixOf: null }]);
});

test.each<[keyof EndpointConfig, unknown, string]>([
  ['url', 'https://example.com/other', 'url'],
  ['headers', { A: '2' }, 'header a'],
  ['headers', { A: '1', B: '1' }, 'header b'],
  ['tokenFile', '/token', 'token_file'],
])('another %s is another address', (key, value, part) => {
  const [before, after] = [remote('one'), remote('one', { [key]: value })];
  expect(changedParts(before, after)).toEqual([part]);
  expect(split([before], config([after])).withheld).toHaveLength(1);
});

test('a program in place of an address is new, and the other way round', () => {
  expect(split([one], config([remote('one')])).withheld).toHaveLength(1);
  expect(split([remote('one')], config([one])).withheld).toHaveLength(1);
});

test('name, settings, and the order of what has none are no part of it', () => {
  const same = server('two', {
    ...one,
    name: 'two',
    env: { B: '2', A: '1' },
    envPassthrough: ['X', 'X'],
    tools: { allow: ['*'], deny: [] },
    instances: 'session',
    start: 'lazy',
    callTimeoutMs: 1,
  });
  expect(split([one], config([same])).withheld).toEqual([]);
  const headers = { url: 'https://example.com/', tokenFile: null, oauth: null };
  const upper = remote('a', { ...headers, headers: { A: '1', B: '2' } });
  const lower = remote('b', { ...headers, headers: { b: '2', a: '1' } });
  expect(programKey(lower)).toBe(programKey(upper));
});

test('no value can pose as several, nor as a part of another kind', () => {
  const keys = [
    server('x', { command: 'a', args: ['b'] }),
    server('x', { command: 'a', args: ['b', ''] }),
    server('x', { command: 'a b', args: [] }),
    server('x', { command: 'a', args: ['b'], env: { A: '1,B=2' } }),
    server('x', { command: 'a', args: ['b'], env: { A: '1', B: '2' } }),
    server('x', { command: 'a', args: ['b'], envPassthrough: ['A', 'B'] }),
    server('x', { command: 'a', args: ['b'], envPassthrough: ['A,B'] }),
    server('x', { command: 'url', args: ['https://example.com/'] }),
    remote('x'),
  ].map(programKey);
  expect(new Set(keys).size).toBe(keys.length);
});

test('one that cannot be started neither waits nor counts as started', () => {
  const down = { ...one, unavailable: 'missing env: A' };
  expect(programKey(down)).toBeNull();
  expect(split([server('other')], config([down])).withheld).toEqual([]);
  expect(split([down], config([one])).withheld).toEqual([
    { wanted: one, running: down, prefixOf: null },
  ]);
});

test('all else of the change is put in force, in the order of the file', () => {
  const kept = server('kept');
  const gone = server('gone');
  const changed = server('changed', { tools: { allow: ['*'], deny: ['x'] } });
  const wanted = [
    server('new', { args: ['evil'] }),
    server('changed', { args: ['evil'], prefix: 'other' }),
    server('kept', { callTimeoutMs: 1 }),
    server('again'),
  ];
  const { config: inForce, withheld } = split([kept, gone, changed], {
    ...config(wanted),
    listWaitMs: 7,
  });
  expect(inForce.servers).toEqual([changed, wanted[2], wanted[3]]);
  expect(inForce.listWaitMs).toBe(7);
  expect(withheld.map(({ wanted: { name } }) => name)).toEqual(['new', 'changed']);
});

test('a prefix that is still taken holds back whoever is to have it, and so on', () => {
  const running = ['a', 'b', 'c', 'd'].map((name) => server(name));
  const [a, b, c, d] = running as [ServerConfig, ServerConfig, ServerConfig, ServerConfig];
  const wanted = [
    server('e', { prefix: 'c' }),
    { ...c, prefix: 'b' },
    { ...b, prefix: 'a' },
    { ...a, prefix: 'x', args: ['evil'] },
    { ...d, prefix: 'y' },
  ];
  const { config: inForce, withheld } = split(running, config(wanted));
  expect(inForce.servers).toEqual([c, b, a, wanted[4]]);
  expect(withheld.map(({ wanted: { name }, prefixOf }) => [name, prefixOf])).toEqual([
    ['e', 'c'],
    ['c', 'b'],
    ['b', 'a'],
    ['a', null],
  ]);
  const prefixes = inForce.servers.map(({ prefix }) => prefix);
  expect(new Set(prefixes).size).toBe(prefixes.length);
});

test('what is reserved for one that waits stays as it is, and nothing is for a new one', () => {
  const [kept, off] = [server('kept', { prefix: 'a' }), server('off')];
  const running = {
    ...config([one, kept]),
    reserved: [
      reservation('one', 'one'),
      reservation('kept', 'a', ['res://kept/*']),
      reservation('off', 'off'),
    ],
  };
  const wanted = {
    ...config([]),
    servers: [
      { ...kept, prefix: 'b', args: ['evil'] },
      server('off', { prefix: 'c', args: ['evil'] }),
      server('new', { args: ['evil'] }),
      { ...one, prefix: 'uno' },
    ],
    reserved: [
      reservation('kept', 'b'),
      reservation('off', 'c'),
      reservation('new', 'new', ['res://kept/*']),
      reservation('one', 'uno'),
    ],
  };
  const known = new Set([one, kept, off].map(programKey));
  const { config: inForce } = splitByProgram(running, wanted, (one) => known.has(programKey(one)));
  expect(inForce.reserved).toEqual([
    reservation('kept', 'a', ['res://kept/*']),
    reservation('off', 'off'),
    reservation('one', 'uno'),
  ]);
});

test('servers without a prefix keep nothing from anybody', () => {
  const bare = server('bare', { prefix: '' });
  const wanted = config([{ ...bare, args: ['evil'] }, server('two', { prefix: '' })]);
  expect(split([bare], wanted).withheld.map(({ wanted: { name } }) => name)).toEqual(['bare']);
});

test('the credit stays large enough for the messages of a server that stays as it was', () => {
  const large = server('large', { maxMessageBytes: 100 * MIB });
  const small = { ...large, maxMessageBytes: 1024, args: ['evil'] };
  const { config: inForce } = split([large], config([small], MIB));
  expect(inForce.limits.byteCreditBytes).toBe(leastCredit(100 * MIB));
  const fine = split([large], config([{ ...large, maxMessageBytes: 1024 }], MIB));
  expect(fine.config.limits.byteCreditBytes).toBe(MIB);
});
