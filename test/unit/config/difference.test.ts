/** What differs between two configurations, and what it takes to get from one to the other. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { difference, keysOfNextStart } from '#src/main/config/difference.ts';
import type { GatewayConfig, ServerConfig } from '#src/shared/model/config.ts';
import { NO_RULES } from '#src/shared/model/policy.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

function server(name: string, more: Partial<ServerConfig> = {}): ServerConfig {
  return { ...serverConfig('echo'), name, lane: name, prefix: name, ...more };
}

function names(before: readonly ServerConfig[], after: readonly ServerConfig[]) {
  const found = difference(before, after);
  return Object.fromEntries(
    Object.entries(found).map(([kind, servers]) => [
      kind,
      (servers as readonly ServerConfig[]).map(({ name }) => name),
    ]),
  );
}

const NOTHING = { added: [], removed: [], replaced: [], adjusted: [] };

test('servers come, go and change, each for itself', () => {
  const before = [server('same'), server('goes'), server('changes'), server('tuned')];
  const after = [
    server('comes'),
    server('tuned', { callTimeoutMs: 1 }),
    server('changes', { args: ['other'] }),
    server('same'),
  ];
  expect(names(before, after)).toEqual({
    added: ['comes'],
    removed: ['goes'],
    replaced: ['changes'],
    adjusted: ['tuned'],
  });
  expect(names(after, after)).toEqual(NOTHING);
});

const OF_MAIN: readonly [keyof ServerConfig, unknown][] = [
  ['prefix', 'other'],
  ['asks', { elicitation: 'deny', sampling: 'allow', unsolicited: 'deny' }],
  ['tools', { allow: ['a'], deny: [] }],
  ['tierOverrides', { a: 'read' }],
  ['trusted', true],
  ['maxCallsPerMinute', 7],
  ['resources', { owner: ['u://*'] }],
  ['instructions', 'off'],
  ['pin', 'off'],
  ['callTimeoutMs', 1],
  ['callTotalTimeoutMs', 1],
  ['askTimeoutMs', 1],
  ['maxConcurrency', 1],
  ['maxQueue', 1],
  ['breaker', { failures: 99, cooldownMs: 1 }],
  ['start', 'lazy'],
  ['idleStopMs', 1],
  ['maxRssMb', 1],
  ['maxResultBytes', 1],
  ['maxInstances', 99],
];

test.each(OF_MAIN)('%s is changed without the process', (key, value) => {
  expect(names([server('one')], [server('one', { [key]: value })])).toEqual({
    ...NOTHING,
    adjusted: ['one'],
  });
});

test('rules of the policy are changed without the process', () => {
  const rules = { ...NO_RULES, level: 'L0' } as const;
  expect(names([server('one')], [server('one', { rules })])).toEqual({
    ...NOTHING,
    adjusted: ['one'],
  });
});

test('the documentation names just those', () => {
  const text = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const row = text.split('\n').find((line) => line.includes('the server goes on, with')) ?? '';
  const documented = [...row.matchAll(/`(\w+)`/g)].map(([, key]) => key);
  const snake = (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  expect(documented).toEqual(OF_MAIN.map(([key]) => snake(key)));
});

test.each<[keyof ServerConfig, unknown]>([
  ['command', 'other'],
  ['args', ['b', 'a']],
  ['cwd', '/'],
  ['env', { A: '2' }],
  ['envPassthrough', ['A']],
  ['endpoint', { url: 'https://example.com/', headers: {}, tokenFile: null }],
  ['clientCapabilities', '{"roots":{}}'],
  ['startTimeoutMs', 1],
  ['maxMessageBytes', 2048],
  ['restart', { intensity: 9, periodMs: 1, backoffMs: 1, backoffMaxMs: 1, stableMs: 1 }],
  ['liveness', { idleMs: 1, timeoutMs: 1, misses: 9 }],
  ['instances', 'session'],
  ['priority', 'low'],
  ['protocol', 'modern'],
  ['unavailable', 'missing env: A'],
  ['blocked', 'its program is new'],
])('%s takes another process', (key, value) => {
  const one = server('one', { args: ['a', 'b'], env: { A: '1' } });
  expect(names([one], [{ ...one, [key]: value }])).toEqual({ ...NOTHING, replaced: ['one'] });
});

test('how something is written makes no difference', () => {
  const one = server('one', {
    env: { A: '1', B: '2' },
    envPassthrough: ['X', 'Y'],
    clientCapabilities: '{"roots":{},"sampling":{}}',
  });
  const same = server('one', {
    env: { B: '2', A: '1' },
    envPassthrough: ['Y', 'X'],
    clientCapabilities: '{"sampling":{},"roots":{}}',
  });
  expect(names([one, server('two')], [server('two'), same])).toEqual(NOTHING);
});

test('settings that are looked at once are named as they are written', () => {
  const running: GatewayConfig = {
    file: '',
    servers: [],
    reserved: [],
    threads: { mode: 'auto', dedicatedUpTo: 32, mostShared: 8, heapMb: 64, stallMs: 1500 },
    limits: { byteCreditBytes: 1, slowClientMs: 1000 },
    http: { maxSessions: 256, maxConnections: 1024 },
    listWaitMs: 0,
    idleExitMs: 1,
    variables: [],
    warnings: [],
  };
  expect(keysOfNextStart(running, running)).toEqual([]);
  const wanted: GatewayConfig = {
    ...running,
    threads: { mode: 'shared', dedicatedUpTo: 33, mostShared: 9, heapMb: 65, stallMs: 1501 },
    limits: { byteCreditBytes: 2, slowClientMs: 1001 },
    http: { maxSessions: 1, maxConnections: 2 },
    listWaitMs: 1,
    idleExitMs: 2,
  };
  expect(keysOfNextStart(running, wanted)).toEqual([
    'defaults.threads.mode',
    'defaults.threads.dedicated_up_to',
    'defaults.threads.most_shared',
    'defaults.threads.heap_mb',
    'defaults.threads.stall_ms',
    'defaults.list_wait_ms',
    'defaults.idle_exit_ms',
    'defaults.slow_client_ms',
    'defaults.http.max_sessions',
    'defaults.http.max_connections',
  ]);
});
