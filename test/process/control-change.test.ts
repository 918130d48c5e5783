/** `rea enable`, `disable`, `add` and `remove`: the file says it, and the gateways that run do it. */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { stateDirectory } from '#src/main/processes/state-directory.ts';
import { isAlive } from '../support/processes.ts';
import { beginRea, environment, runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { hold, names } from '../support/reloading.ts';
import { fixture, fixturePath, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

const YAML = `version: "1"
# What is mine.
servers:
  - name: one # the first
    command: ${process.execPath}
    args: ["${fixturePath('echo')}"]
  - name: spare
    enabled: false # until it is needed
    command: ${process.execPath}
    args: ["${fixturePath('echo')}", "spare"]
`;

const fileOf = (rea: Pick<Rea, 'dir'>) => join(rea.dir, '.rea', 'registry.yaml');
const run = (rea: Pick<Rea, 'dir'>, ...args: string[]) =>
  runRea([...args.slice(0, 1), '--cwd', rea.dir, ...args.slice(1)]);

test('a server is switched off once its calls have ended, and on again', async () => {
  const rea = await startRea({ config: YAML });
  const pid = Number((await rea.call('one__pid')).text);
  const inFlight = await hold(rea, 'one');
  const disabling = run(rea, 'disable', 'one');
  await rea.waitForState(({ disabled }) => disabled.includes('one'), { what: 'one being off' });
  expect(isAlive(pid)).toBe(true);
  await inFlight.end();
  const disabled = await disabling;
  expect(disabled.code).toBe(0);
  expect(disabled.stdout).toMatch(
    /^one: written to \.rea\/registry\.yaml:5\none: off after [\d.]+ s\n$/,
  );
  expect(isAlive(pid)).toBe(false);
  expect(readFileSync(fileOf(rea), 'utf8')).toBe(
    YAML.replace('# the first\n', '# the first\n    enabled: false\n'),
  );
  expect((await rea.call('one__pid')).message.error).toMatchObject({ code: -32602 });
  const restart = await run(rea, 'restart', 'one');
  expect([restart.code, restart.stderr]).toEqual([1, 'server "one" is off: rea enable one\n']);
  const again = await run(rea, 'disable', 'one');
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('says so already')]);
  const enabled = await run(rea, 'enable', 'one');
  expect([enabled.code, enabled.stdout]).toEqual([0, expect.stringMatching(/\none: ready after/)]);
  expect((await rea.call('one__echo', { text: 'on' })).text).toBe('on');
  // It was off from the start: its program is new to the run, and a person asks for it.
  const spare = await run(rea, 'enable', 'spare');
  expect(spare.code).toBe(0);
  expect(spare.stderr).toContain(`spare: its program is new, and taken: ${process.execPath} `);
  expect((await rea.call('spare__echo', { text: 'on' })).text).toBe('on');
  await rea.stop();
});

test('a server is added as clients add theirs, and removed; the file keeps its comments', async () => {
  const rea = await startRea({ config: YAML });
  await rea.tools();
  const words = ['add', 'more', '-e', 'SETTING=a=b', '--', process.execPath, fixturePath('echo')];
  const added = await run(rea, ...words);
  expect([added.code, added.stdout]).toEqual([
    0,
    expect.stringMatching(/^more: written to .*\nmore: ready after/),
  ]);
  expect(JSON.parse((await rea.call('more__env')).text)).toContain('SETTING');
  const text = readFileSync(fileOf(rea), 'utf8');
  expect(text.startsWith(YAML)).toBe(true);
  const exists = await run(rea, 'add', 'more', '--', 'x');
  expect([exists.code, exists.stderr]).toEqual([
    2,
    '.rea/registry.yaml has a server "more" already\n',
  ]);
  const removed = await run(rea, 'remove', 'more');
  expect([removed.code, removed.stdout]).toEqual([
    0,
    expect.stringMatching(/\nmore: removed after/),
  ]);
  expect(readFileSync(fileOf(rea), 'utf8')).toBe(YAML);
  expect((await names(rea)).filter((name) => name.startsWith('more'))).toEqual([]);
  const gone = await run(rea, 'remove', 'mor');
  expect(gone.code).toBe(2);
  for (const bad of [
    ['add', 'x'],
    ['add', 'x', '--url', 'http://127.0.0.1:1/mcp', '--', 'y'],
    ['add', 'x', '-e', 'A=1', '--url', 'http://127.0.0.1:1/mcp'],
    ['add', 'x', '-e', 'A', '--', 'y'],
    ['add', 'x', '-t', 'sse', 'http://127.0.0.1:1/mcp'],
    ['add', 'X Y', '--', 'y'],
  ]) {
    expect([bad, (await run(rea, ...bad)).code]).toEqual([bad, 2]);
  }
  expect(readFileSync(fileOf(rea), 'utf8')).toBe(YAML);
  await rea.stop();
});

test('one that does not start stays in the file, with its cause', async () => {
  const rea = await startRea({ config: YAML });
  await rea.tools();
  const { code, stdout, stderr } = await run(
    rea,
    'add',
    'bad',
    '--',
    process.execPath,
    fixturePath('exit-at-start'),
    '7',
  );
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^bad: written to .*\n$/)]);
  expect(stderr).toContain('bad: cannot find the licence file');
  expect(readFileSync(fileOf(rea), 'utf8')).toContain('name: bad');
  const away = await run(rea, 'add', 'away', '--transport', 'http', 'http://127.0.0.1:1/mcp');
  expect([away.code, away.stderr]).toEqual([1, expect.stringContaining('away: ')]);
  await rea.stop();
});

test('what somebody else has put into the file goes on waiting', async () => {
  const rea = await startRea({ config: YAML });
  await rea.tools();
  writeFileSync(
    fileOf(rea),
    `${YAML}  - name: sneaked\n    command: ${process.execPath}\n    args: ["${fixturePath('echo')}", "--x"]\n`,
  );
  await rea.waitForState(({ reload }) => reload.waiting.length === 1, { what: 'one that waits' });
  expect((await run(rea, 'enable', 'spare')).code).toBe(0);
  expect((await rea.call('spare__echo', { text: 'on' })).text).toBe('on');
  expect(rea.state()?.reload.waiting).toMatchObject([{ name: 'sneaked' }]);
  expect((await names(rea)).filter((name) => name.startsWith('sneaked'))).toEqual([]);
  // Nor does a reload take it: a person has to accept what it runs.
  await run(rea, 'reload');
  expect(rea.state()?.reload.waiting).toMatchObject([{ name: 'sneaked' }]);
  expect((await run(rea, 'pins', 'accept', 'sneaked')).code).toBe(0);
  await rea.waitForPhase('sneaked', 'ready');
  writeFileSync(fileOf(rea), 'version: "1"\nservers: [');
  const broken = await run(rea, 'reload');
  expect(broken.code).toBe(1);
  expect(broken.stderr).toMatch(
    /^\.rea\/registry\.yaml:\d+: [^]*\nthe earlier configuration stays in force\n$/,
  );
  await rea.stop();
});

test('without a gateway the file is written all the same; a file of a client, too', async () => {
  const dir = makeDirectory();
  writeRegistry(dir, YAML);
  const none = await run({ dir }, 'disable', 'one');
  expect(none.code).toBe(3);
  expect(none.stdout).toBe('one: written to .rea/registry.yaml:5\n');
  expect(none.stderr).toContain('no gateway is running that serves this file');
  const rea = await startRea({
    config: { mcpServers: { one: fixture('echo'), two: fixture('echo') } },
  });
  await rea.waitForPhase('two', 'ready');
  // The file is the one that the gateway serves.
  const { code, stdout } = await run(rea, 'disable', 'two');
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^two: written to mcp\.json:\d+\ntwo: off/),
  ]);
  expect(JSON.parse(readFileSync(join(rea.dir, 'mcp.json'), 'utf8')).mcpServers.two.disabled).toBe(
    true,
  );
  await rea.stop();
});

test('a gateway that does not answer: what was written is said, and what the gateway is doing', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  await rea.tools();
  rea.kill('SIGSTOP');
  const { code, stdout, stderr } = await run(rea, 'disable', 'one');
  rea.kill('SIGCONT');
  expect(code).toBe(4);
  expect(stdout).toMatch(/^one: written to/);
  expect(stderr).toContain(`(pid ${rea.pid}) is stopped by a signal`);
  await rea.stop();
});

test('a gateway that cannot be asked, stopped or dead: the file that it serves is edited, and no other', async () => {
  const rea = await startRea({ config: { mcpServers: { one: fixture('echo') } } });
  await rea.waitForPhase('one', 'ready');
  // It has the same server, and nobody serves it.
  writeFileSync(fileOf(rea), YAML);
  const isOff = () =>
    JSON.parse(readFileSync(join(rea.dir, 'mcp.json'), 'utf8')).mcpServers.one.disabled === true;
  rea.kill('SIGSTOP');
  const stopped = await run(rea, 'disable', 'one');
  expect([stopped.code, stopped.stdout]).toEqual([4, expect.stringContaining('to mcp.json')]);
  expect(isOff()).toBe(true);
  // Without its record nobody knows.
  const records = join(stateDirectory({ cwd: rea.dir, env: environment() }), 'run');
  renameSync(records, `${records}.away`);
  const unknown = await run(rea, 'enable', 'one');
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toMatch(/^the gateway \(pid \d+\) does not say .*--config\n$/);
  expect(isOff()).toBe(true);
  renameSync(`${records}.away`, records);
  rea.kill('SIGKILL');
  await rea.exited;
  // Its guard has done its work, and took the record in `.rea` along.
  const gone = () =>
    readdirSync(join(rea.dir, '.rea', 'run')).every((name) => !/^(?!last).*\.json$/.test(name));
  await until(gone, { what: 'no record' });
  const dead = await run(rea, 'enable', 'one');
  expect([dead.code, dead.stdout]).toEqual([3, expect.stringContaining('to mcp.json')]);
  expect([isOff(), readFileSync(fileOf(rea), 'utf8')]).toEqual([false, YAML]);
});

test('a server that is just starting and has calls is waited for, and nobody is left in doubt', async () => {
  const cwd = makeDirectory();
  const gate = join(cwd, 'gate');
  const rea = await startRea({ cwd, config: registry({ one: fixture('start-on-demand', gate) }) });
  await rea.waitForPhase('one', 'starting');
  writeFileSync(gate, '');
  await rea.waitForPhase('one', 'ready');
  await rea.tools();
  rmSync(gate);
  const restart = run(rea, 'restart', 'one', '--now');
  await rea.waitForServer('one', ({ phase, calls }) => phase === 'starting' && calls === 0, {
    what: 'starting again',
  });
  const waiting = rea.begin('one__pid');
  await rea.waitForServer('one', ({ queued }) => queued === 1, { what: 'waited for' });
  const disable = beginRea(['disable', 'one', '--cwd', rea.dir]);
  const waits = 'one: waits for a server that is just starting and has calls\n';
  await until(() => disable.said.stderr.includes(waits), { what: 'why it takes long' });
  writeFileSync(gate, '');
  expect((await waiting.answer).failure).toBeNull();
  expect(await disable.ended).toBe(0);
  expect((await restart).code).not.toBe(4);
  await rea.stop();
});

test('what is added while no gateway runs is accepted for the next start', async () => {
  const first = await startRea({ config: YAML });
  await first.waitForLog('is pinned as it comes');
  await first.stop();
  const program = [process.execPath, fixturePath('echo')];
  const added = await runRea(['add', 'later', '--cwd', first.dir, '--', ...program]);
  expect(added).toMatchObject({ code: 3, stdout: expect.stringContaining('accepted: later: ') });
  const next = await startRea({ cwd: first.dir });
  expect((await next.call('later__echo', { text: 'here' })).text).toBe('here');
});
