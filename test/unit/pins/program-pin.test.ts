/** What is a part of a program, and what may change without anybody being asked. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import type { Written, WrittenProgram } from '#src/main/config/written.ts';
import { withBlocked } from '#src/main/pins/blocked.ts';
import { programsInProject } from '#src/main/pins/in-project.ts';
import { withPrograms } from '#src/main/pins/pin-programs.ts';
import { differing, mayChange, pinOf } from '#src/main/pins/program-pin.ts';
import { acceptArguments, digestOf, ProgramPins } from '#src/main/pins/program-pins.ts';
import type { GatewayConfig, ServerConfig } from '#src/shared/model/config.ts';
import { NO_PINS, type Pins } from '#src/shared/model/pins.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

const key = Buffer.alloc(32, 7);
const nowhere = () => null;
const program = (more: Partial<WrittenProgram> = {}): WrittenProgram => ({
  kind: 'program',
  command: '/bin/x',
  args: ['a', 'b'],
  cwd: '/work',
  env: [
    ['SETTING', 'plain'],
    ['API_TOKEN', 'first'],
  ],
  envFile: null,
  passthrough: ['HOME', 'PATH'],
  ...more,
});
const address = (more: object = {}): Written => ({
  kind: 'address',
  url: 'https://a.example/mcp',
  headers: { 'X-Setting': 'plain', 'X-Api-Key': 'first' },
  tokenFile: null,
  oauth: null,
  insecureHttp: false,
  ...more,
});
const one: ServerConfig = { ...serverConfig('one'), cwd: '/work', env: { SETTING: 'plain' } };
const pinned = (written: Written, server: ServerConfig = one) =>
  pinOf(key, server, written, nowhere);

describe('another program', () => {
  it.each<[part: string, Partial<WrittenProgram>]>([
    ['command', { command: '/bin/y' }],
    ['args', { args: ['a'] }],
    ['args', { args: ['b', 'a'] }],
    ['args', { args: ['a b'] }],
    ['args', { args: ['a', '${B}'] }],
    ['cwd', { cwd: '/work/' }],
    [
      'env',
      {
        env: [
          ['SETTING', 'other'],
          ['API_TOKEN', 'first'],
        ],
      },
    ],
    ['env', { env: [['SETTING', 'plain']] }],
    [
      'env',
      {
        env: [
          ['SETTING', 'plain'],
          ['API_TOKEN', 'first'],
          ['NODE_OPTIONS', '-r x'],
        ],
      },
    ],
    [
      'env',
      {
        env: [
          ['SETTING', 'plain'],
          ['API_TOKEN', '${OTHER_TOKEN}'],
        ],
      },
    ],
    [
      'env',
      {
        env: [
          ['SETTING', 'plain'],
          ['OTHER_TOKEN', 'first'],
        ],
      },
    ],
    ['env_file', { envFile: '.env' }],
    ['env_passthrough', { passthrough: ['HOME', 'PATH', 'AWS_PROFILE'] }],
  ])('differs in its %s', (part, more) => {
    const [before, after] = [pinned(program()), pinned(program(more))];
    expect(after.pin).not.toBe(before.pin);
    expect(differing(before.parts, after.parts)).toEqual([part]);
  });

  it.each<[part: string, object]>([
    ['url', { url: 'https://b.example/mcp' }],
    ['headers', { headers: { 'X-Setting': 'other', 'X-Api-Key': 'first' } }],
    ['headers', { headers: { 'X-Setting': 'plain', 'X-Api-Key': '${AWS_SECRET}' } }],
    ['headers', { headers: { 'X-Setting': 'plain' } }],
    ['token_file', { tokenFile: 'token' }],
  ])('is another address with another %s', (part, more) => {
    const [before, after] = [pinned(address()), pinned(address(more))];
    expect(after.pin).not.toBe(before.pin);
    expect(differing(before.parts, after.parts)).toEqual([part]);
  });

  it('is one whose file of variables says something else', () => {
    const written = program({ envFile: '.env' });
    const withFile = (env: Record<string, string>) =>
      pinned(written, { ...one, env: { SETTING: 'plain', ...env } });
    const before = withFile({ FROM_FILE: 'first', FILE_TOKEN: 'first' });
    expect(withFile({ FROM_FILE: 'second', FILE_TOKEN: 'first' }).pin).not.toBe(before.pin);
    expect(withFile({ FROM_FILE: 'first', FILE_TOKEN: 'second' }).pin).not.toBe(before.pin);
    expect(withFile({ FROM_FILE: 'first', FILE_TOKEN: 'first', MORE: 'x' }).pin).not.toBe(
      before.pin,
    );
    expect(withFile({ FILE_TOKEN: 'first', FROM_FILE: 'first' }).pin).toBe(before.pin);
  });

  it('is the same under another key only by chance', () => {
    const other = pinOf(Buffer.alloc(32, 8), one, program(), nowhere);
    expect(differing(pinned(program()).parts, other.parts)).toHaveLength(6);
  });
});

test('the same program: a renewed secret, another order, what the gateway has', () => {
  const before = pinned(program()).pin;
  const same: Partial<WrittenProgram>[] = [
    {
      env: [
        ['API_TOKEN', 'second'],
        ['SETTING', 'plain'],
      ],
    },
    { passthrough: ['PATH', 'HOME', 'PATH'] },
  ];
  for (const more of same) expect(pinned(program(more)).pin).toBe(before);
  expect(pinned(program(), { ...one, env: { SETTING: 'put in' }, args: ['c'] }).pin).toBe(before);
  const headers = { 'x-api-key': 'second', 'x-setting': 'plain' };
  expect(pinned(address({ headers })).pin).toBe(pinned(address()).pin);
});

test('with pin: off it is the name alone', () => {
  const off = { ...one, pin: 'off' } as const;
  expect(pinned(program(), off).pin).toBe(pinned(program({ command: 'y' }), off).pin);
  expect(pinned(program(), off).pin).not.toBe(pinned(program(), { ...off, name: 'two' }).pin);
  expect(pinned(program(), off).pin).not.toBe(pinned(program()).pin);
});

it.each([['API_TOKEN', 'X-Api-Key', 'DB_PASSWORD', 'clientSecret', 'GITHUB_TOKEN', 'KEY']])(
  '%s and the like may change',
  (...names) => {
    expect(names.filter((name) => !mayChange(name))).toEqual([]);
  },
);

it('a name that speaks of something else too may not', () => {
  const names = [
    'NODE_OPTIONS',
    'PATH',
    'Authorization',
    'TOKEN_URL',
    'KEY_FILE',
    'SSLKEYLOGFILE',
    'PASSWORD_COMMAND',
    'PASSWORD_STORE_DIR',
    'GIT_CONFIG_KEY_0',
    'PYTHON_KEYRING_BACKEND',
    'SECRET_SERVICE_HOST',
    'TOKEN_HELPER',
  ];
  expect(names.filter(mayChange)).toEqual([]);
});

describe('the command', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rea-command-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const project = join(dir, 'project');
  const bin = join(project, 'node_modules', '.bin');
  const outside = join(dir, 'outside');
  for (const one of [bin, outside]) mkdirSync(one, { recursive: true });
  const put = (path: string, mode = 0o755) => {
    writeFileSync(path, '#!/bin/sh\n');
    chmodSync(path, mode);
  };
  const found = (command: string, env: Record<string, string>, own: Record<string, string> = {}) =>
    programsInProject(project, env)(command, { ...one, env: own, cwd: project });

  it('is found where the system finds it, and named only where it lies in the project', () => {
    put(join(outside, 'tool'));
    expect(found('tool', { PATH: `${bin}:${outside}` })).toBeNull();
    put(join(bin, 'tool'));
    expect(found('tool', { PATH: `${outside}:${bin}` })).toBeNull();
    expect(found('tool', { PATH: `${bin}:${outside}` })).toBe(join(bin, 'tool'));
    expect(found('tool', { PATH: outside }, { PATH: bin })).toBe(join(bin, 'tool'));
    expect(found('tool', { PATH: 'node_modules/.bin' })).toBe(join(bin, 'tool'));
    put(join(bin, 'not-executable'), 0o644);
    expect(found('not-executable', { PATH: bin })).toBeNull();
    mkdirSync(join(bin, 'directory'));
    expect(found('directory', { PATH: bin })).toBeNull();
    symlinkSync(project, join(dir, 'link'));
    expect(programsInProject(join(dir, 'link'), { PATH: bin })('tool', one)).toBe(
      join(bin, 'tool'),
    );
  });

  it('counts with its place when it is relative, and as it is written else', () => {
    const at = (cwd: string) => pinned(program({ command: './run' }), { ...one, cwd }).pin;
    expect(at('/a')).not.toBe(at('/b'));
    const named = (place: string | null) =>
      pinOf(key, one, program({ command: 'npx' }), () => place).pin;
    expect(named('/project/npx')).not.toBe(named(null));
    expect(named(null)).toBe(pinned(program({ command: 'npx' })).pin);
  });
});

test('a blocked server is shown once, owns nothing, and of very many some are left out', () => {
  const names = Array.from({ length: 70 }, (_, at) => `n${at}`);
  const servers = names.map((name) => ({ ...serverConfig(name), instances: 'session' as const }));
  const reserved = names.map((server) => ({ server, prefix: server, resources: ['res://*'] }));
  const config = { servers, reserved } as unknown as GatewayConfig;
  const why = new Map(names.slice(2).map((name) => [name, `${name} is new`]));
  const { servers: shown, reserved: kept } = withBlocked(config, why);
  expect(
    shown.map(({ name, blocked, instances }) => [name, blocked, instances]).slice(0, 3),
  ).toEqual([
    ['n0', null, 'session'],
    ['n1', null, 'session'],
    ['n2', 'n2 is new', 'shared'],
  ]);
  expect(shown).toHaveLength(66);
  expect(kept.map(({ server }) => server)).toEqual(['n0', 'n1']);
  expect(withBlocked(config, new Map())).toBe(config);
});

describe('pins of a directory', () => {
  const options = { key, inProject: nowhere, acceptArguments: '', takesAll: false };
  const accepted = (name: string, written: Written) => [
    { name, pin: pinned(written), shown: 'as it was shown' },
  ];
  const at = '2026-01-01T00:00:00.000Z';
  const pins = (all: Pins) => new ProgramPins(all, options);

  it('allow what is accepted, by its name and in any of its forms', () => {
    const both = withPrograms(
      withPrograms(NO_PINS, accepted('one', program()), at),
      accepted('one', program({ args: [] })),
      at,
    );
    const held = pins(both);
    expect(held.isPinned(one, program())).toBe(true);
    expect(held.isPinned(one, program({ args: [] }))).toBe(true);
    expect(held.isPinned(one, program({ args: ['c'] }))).toBe(false);
    expect(held.isPinned({ ...one, name: 'two' }, program())).toBe(false);
    expect(held.isPinned(one, undefined)).toBe(false);
    expect(held.why(one, program({ args: ['c'] }))).toBe(
      'its program is not the one that was pinned (changed: args); to accept it: rea pins accept one',
    );
    expect(held.why({ ...one, name: 'two' }, program())).toBe(
      'its program is new and not pinned; to accept it: rea pins accept two',
    );
  });

  it('are the same object when there is nothing to add, and keep what is not known of a form', () => {
    const once = withPrograms(NO_PINS, accepted('one', program()), at);
    expect(withPrograms(once, accepted('one', program()), 'later')).toBe(once);
    const [form] = once.programs?.['one'] ?? [];
    const noted = { ...once, programs: { one: [{ ...form, note: 'kept' }] } } as unknown as Pins;
    const changed = withPrograms(noted, accepted('one', program({ args: [] })), at);
    const back = withPrograms(changed, accepted('one', program()), 'later');
    expect(back.programs?.['one']?.map((one) => [one.at, 'note' in one])).toEqual([
      [at, false],
      ['later', true],
    ]);
    expect(digestOf(back)).toBe(digestOf(changed));
    expect(digestOf(changed)).not.toBe(digestOf(once));
    expect(digestOf({ ...once, programs_action: 'off' })).not.toBe(digestOf(once));
  });

  it('say the command with what it takes to find the same files', () => {
    const given = acceptArguments({ config: '/a b/mcp.json', stateDir: '/state' });
    expect(given).toBe(" --config '/a b/mcp.json' --state-dir /state");
    expect(acceptArguments({})).toBe('');
  });
});
