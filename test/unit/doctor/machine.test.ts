/** What the doctor says of a machine and a project, from facts that are handed in. */
import { expect, test } from 'vitest';
import type { Written } from '#src/main/config/written.ts';
import type { Finding } from '#src/main/doctor/finding.ts';
import { judgeSpace, judgeWritable } from '#src/main/doctor/machine/directories.ts';
import { judgeGateways } from '#src/main/doctor/machine/gateways.ts';
import { writtenSecrets } from '#src/main/doctor/machine/literal-secrets.ts';
import { judgeNode } from '#src/main/doctor/machine/node.ts';
import { judgePorts } from '#src/main/doctor/machine/ports.ts';
import { judgeSearchPath, pathIn } from '#src/main/doctor/machine/search-path.ts';
import { judgeShares } from '#src/main/doctor/machine/shares.ts';
import { judgeVersionControl } from '#src/main/doctor/machine/version-control.ts';
import type { Gateway, GatewaySituation } from '#src/main/status/gateways.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

const codes = (findings: readonly Finding[]) => findings.map(({ code }) => code);

test.each([
  ['20.19.0', []],
  ['20.18.3', ['node_version']],
  ['18.20.4', ['node_version']],
  ['22.1.0', []],
  ['100.0.0', []],
])('Node %s', (present, expected) => {
  expect(codes(judgeNode(present, '>=20.19'))).toEqual(expected);
});

test('an old Node is told with the one that is needed', () => {
  expect(judgeNode('18.20.4', '>=20.19')[0]).toMatchObject({
    severity: 'error',
    why: 'it is Node 18.20.4, and rea needs 20.19 or newer',
  });
});

test('a disk with less than 100 MB is told once for each place on it', () => {
  const mib = 1024 * 1024;
  const findings = judgeSpace([
    { path: '/a', free: 100 * mib },
    { path: '/b', free: 100 * mib - 1 },
    { path: '/c', free: null },
  ]);
  expect(findings).toMatchObject([{ code: 'disk_space', why: '99 MB are left for /b' }]);
});

test('a place that cannot be written is told with the word of the system', () => {
  expect(judgeWritable('/p/.rea', null)).toEqual([]);
  const why = 'EROFS: read-only file system';
  expect(judgeWritable('/p/.rea', why)).toMatchObject([
    { code: 'not_writable', severity: 'error', what: '/p/.rea cannot be written', why },
  ]);
});

test('a program that only this shell finds is told for each server that needs it', () => {
  const server = (name: string, changes: object) => serverConfig('echo', [], { name, ...changes });
  const servers = [
    server('nvm', { command: 'npx' }),
    server('system', { command: 'sh' }),
    server('full', { command: '/opt/tool' }),
    server('own-path', { command: 'npx', env: { PATH: '/opt' } }),
    server('remote', {
      command: 'npx',
      endpoint: { url: 'https://x/', headers: {}, tokenFile: null },
    }),
  ];
  const path = { own: '/home/u/.nvm/bin:/usr/bin', desktop: '/usr/bin' };
  const find = (command: string, where: string) => {
    if (command === 'sh') return '/usr/bin/sh';
    return where.includes('.nvm') ? `/home/u/.nvm/bin/${command}` : null;
  };
  const findings = judgeSearchPath(servers, path, find);
  expect(findings).toMatchObject([
    {
      code: 'desktop_path',
      subject: 'nvm',
      severity: 'note',
      action: 'write its full path as command: /home/u/.nvm/bin/npx',
    },
  ]);
});

test('the PATH is told once, where something is found nowhere', () => {
  const servers = ['one', 'other'].map((name) =>
    serverConfig('echo', [], { name, command: 'uvx' }),
  );
  const findings = judgeSearchPath(servers, { own: '/x:/y', desktop: '/z' }, () => null);
  expect(findings).toMatchObject([{ code: 'search_path', subject: null, why: 'it is /x:/y' }]);
});

test.each([
  ['PATH="/usr/local/bin:/usr/bin"', '/usr/local/bin:/usr/bin'],
  ['LANG=C\nexport PATH=/a:/b  \n', '/a:/b'],
  ['', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
])('the PATH in %j', (text, expected) => {
  expect(pathIn(text)).toBe(expected);
});

test('ports that others have are told, and those of gateways here are not', async () => {
  const isTaken = async () => true;
  const none = { metrics: undefined, own: new Set<number>() };
  expect(codes(await judgePorts({ ...none, isTaken: async () => false }))).toEqual([]);
  expect(codes(await judgePorts({ ...none, isTaken }))).toEqual(['port_taken']);
  expect(codes(await judgePorts({ ...none, own: new Set([7332]), isTaken }))).toEqual([]);
  const metrics = { own: new Set([7332]), isTaken };
  expect(codes(await judgePorts({ ...metrics, metrics: '9090' }))).toEqual(['metrics_port']);
  expect(codes(await judgePorts({ ...metrics, metrics: '0' }))).toEqual([]);
  expect(codes(await judgePorts({ ...metrics, metrics: 'x' }))).toEqual(['metrics_port']);
  const own = { own: new Set([7332, 9090]), isTaken };
  expect(codes(await judgePorts({ ...own, metrics: '9090' }))).toEqual([]);
});

test('what git keeps or would take is told, apart from what people write', () => {
  const shared = [
    '.rea/registry.yaml',
    '.rea/policy.yaml',
    '.rea/.gitignore',
    '.rea/env.example',
    '.rea/registry.schema.json',
    '.rea/policy.schema.json',
  ];
  expect(judgeVersionControl(shared, () => true, false)).toEqual([]);
  const own = [...shared, '.rea/env', ".rea/log/it's.log"];
  const kept = judgeVersionControl(own, () => true, false);
  expect(kept).toMatchObject([
    { code: 'git_tracked', action: "git rm --cached -- .rea/env '.rea/log/it'\\''s.log'" },
  ]);
  const taken = (isSecret: boolean) =>
    judgeVersionControl([], (path) => !path.startsWith('.rea/log'), isSecret);
  const code = 'git_not_ignored';
  const why = 'a git add . would take .rea/log with it';
  const rules = (registry: string) =>
    `printf '%s\\n' '*' '!.gitignore' ${registry}'!policy.*' '!env.example' > .rea/.gitignore`;
  expect(taken(false)).toMatchObject([{ code, why, action: rules("'!registry.*' ") }]);
  // Git would take the secrets in it.
  expect(taken(true)).toMatchObject([{ code, why, action: rules('') }]);
});

test.each([
  [{ kind: 'autogroup', canRaise: true, gapMs: 0 }, []],
  [{ kind: 'nice', canRaise: true, normal: 0 }, []],
  [{ kind: 'nice', canRaise: false, normal: 0 }, ['one_way_shares']],
  [{ kind: 'none', canRaise: true }, ['no_shares']],
] as const)('shares by %j', (mechanism, expected) => {
  expect(codes(judgeShares(mechanism, 'ann'))).toEqual(expected);
});

test('gateways that are dead or silent are told, and the kill switch', () => {
  const gateway = (situation: GatewaySituation, pid: number): Gateway => ({
    sessionId: null,
    pid,
    alive: null,
    owner: false,
    situation,
    instance: null,
    view: null,
    ageMs: null,
  });
  const off = { active: false, reason: null, entry: null };
  expect(judgeGateways([gateway('running', 1), gateway('starting', 2)], off)).toEqual([]);
  const all = [gateway('dead', 3), gateway('dead', 4), gateway('stale', 5), gateway('silent', 6)];
  const halt = { active: true, reason: 'a bad release', entry: 'HALT' };
  expect(judgeGateways(all, halt).map(({ code, why }) => [code, why])).toEqual([
    ['halted', 'a bad release'],
    ['leftovers', '2 gateways ended without a clean stop: pid 3, pid 4'],
    ['silent_gateway', 'pid 5 lives, and what it wrote last is old'],
    ['silent_gateway', 'pid 6 lives, and what it wrote last is old'],
  ]);
});

test('secrets that are written out are told by their places, and what is a reference or harmless is not', () => {
  const program = {
    kind: 'program',
    command: 'x',
    cwd: '/',
    envFile: null,
    passthrough: [],
  } as const;
  const secret = 'hunter2-hunter2';
  const token = `ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`;
  const places = writtenSecrets(
    new Map<string, Written>([
      [
        'one',
        {
          ...program,
          args: ['--api-key', secret, '--level', 'debug', token],
          env: [
            ['DB_PASSWORD', secret],
            ['NOTE', token],
            ['LOG_LEVEL', 'debug'],
            ['API_TOKEN', `\${API_TOKEN}`],
            ['TOKEN_FILE', '/run/secrets/token'],
          ],
        },
      ],
      [
        'two',
        {
          kind: 'address',
          url: `https://user:${secret}@x.invalid/`,
          headers: { Authorization: `Bearer ${secret}`, Accept: 'text/html' },
          tokenFile: null,
          oauth: null,
          insecureHttp: false,
        },
      ],
      ['three', { ...program, args: ['--token', '${TOKEN}'], env: [] }],
    ]),
  );
  expect(places).toEqual([
    'one: env.DB_PASSWORD',
    'one: env.NOTE',
    'one: argument 2',
    'one: argument 5',
    'two: headers.Authorization',
    'two: url',
  ]);
});
