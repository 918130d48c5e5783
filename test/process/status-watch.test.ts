/** `rea status --watch` on a real terminal: what a person sees, what keys do, and that the terminal is as before afterwards. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { livingProcesses } from '../support/processes.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { beginRea, FAST_CLOCKS } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { hold } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { noTerminal, onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
const lacks = noTerminal('bash');
beforeEach(({ skip }) => skip(lacks !== null, lacks ?? ''));
afterEach(tidy);

const ENTER = '\r';
const DOWN = '\u001b[B';
const BACKSPACE = '\u007f';

function watchIn(rea: Rea, size: { columns: number; rows: number }) {
  return onTerminal(['status', '--watch', '--cwd', rea.dir], { ...size, keyboard: true });
}

test('a person sees what fails first, looks at a server, restarts it, switches it off and on, and freezes', async () => {
  const servers = { one: fixture('echo'), two: fixture('echo'), broken: fixture('exit-at-start') };
  const rea = await startRea({ config: registry(servers) });
  await rea.waitForPhase('one', 'ready');
  await rea.waitForPhase('two', 'ready');
  const terminal = watchIn(rea, { columns: 100, rows: 30 });
  await terminal.see(/^rea: 2 of 3 servers serve, .*\n[\s\S]*^> broken +(backoff|failed)/m);
  expect(terminal.screen.text).toMatch(/^ {2}one +ready/m);
  expect(terminal.screen.text).toMatch(/^q quit {2}\? keys/m);

  terminal.type(DOWN);
  await terminal.see(/^> one +ready/m);
  const inFlight = await hold(rea, 'one');
  await terminal.see(/^> one .* 1 call open/m);
  terminal.type(ENTER);
  await terminal.see(/^ {4}hold of rea-test 1\.0\.0, runs for \d/m);
  expect(terminal.screen.text).toMatch(/^\d\d:\d\d:\d\d one +ready/m);
  const old = rea.state()?.downstreams.find(({ name }) => name === 'one')?.pid;
  terminal.type('r');
  await terminal.see(/^one: 1 call in flight ends first \(rea restart --now does not wait\)$/m);
  terminal.type('r');
  await terminal.see(/^restart one: what was asked before is still going on$/m);
  await inFlight.end();
  await terminal.see(/^one: ready after \d+\.\d s$/m);
  await rea.waitForServer('one', ({ pid, phase }) => phase === 'ready' && pid !== old, {
    what: 'restarted',
  });

  terminal.type(ENTER);
  terminal.type('/TW');
  await terminal.see(/^> two +ready(?![\s\S]*^ {2}one)[\s\S]*1 of 3 servers: \/TW[\s\S]*^\/TW_/m);
  terminal.type(`${ENTER}e`);
  await terminal.see(/^> two +off[\s\S]*^two: off after/m);
  expect(readFileSync(join(rea.dir, '.rea', 'registry.yaml'), 'utf8')).toMatch(/"enabled": ?false/);
  terminal.type('e');
  await terminal.see(/^> two +ready[\s\S]*^two: ready after/m);
  // Escape: without the filter, and the same server is chosen.
  terminal.type('\u001b');
  await terminal.see(/^ {2}one +ready[\s\S]*^> two +ready/m);
  terminal.type('s');
  await terminal.see(/^-- sorted by name/m);
  expect(terminal.screen.text).toMatch(/^ {2}broken [\s\S]*^ {2}one [\s\S]*^> two /m);

  terminal.type(`fevening${BACKSPACE}`);
  await terminal.see(/^reason: evenin_$/m);
  expect(existsSync(join(rea.dir, '.rea', 'HALT'))).toBe(false);
  terminal.type(ENTER);
  await terminal.see(/^HALT: every call is refused: evenin$[\s\S]*^1 gateway frozen in \d+ ms$/m);
  terminal.type('fn');
  await terminal.see(/^q quit/m);
  expect(existsSync(join(rea.dir, '.rea', 'HALT'))).toBe(true);
  terminal.type('fy');
  await terminal.see(/^1 gateway unfrozen in \d+ ms$/m);
  expect(existsSync(join(rea.dir, '.rea', 'HALT'))).toBe(false);

  terminal.resize(40, 12);
  await until(() => terminal.screen.rows.length === 12, { what: '12 rows' });
  await terminal.see(/^> two +ready/m);
  terminal.resize(60, 40);
  await until(() => terminal.screen.rows.length === 40, { what: '40 rows' });
  expect(terminal.screen.tooWide).toEqual([]);
  terminal.type('q');
  await terminal.ended;
  expect(terminal.child.exitCode).toBe(0);
  expect(terminal.screen).toMatchObject({ isOther: false, hasCursor: true, wraps: true });
  await rea.stop();
});

test('a gateway that hangs or is dead is shown as it is, and keys that act say so', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }), env: FAST_CLOCKS });
  await rea.waitForPhase('one', 'ready');
  const terminal = watchIn(rea, { columns: 80, rows: 24 });
  await terminal.see(/^rea: 1 server serves$[\s\S]*^> one +ready/m);
  rea.kill('SIGSTOP');
  terminal.type('r');
  await terminal.see(
    /^the gateway \(pid \d+\) is stopped by a signal; [\s\S]*rea stop --force ends it$/m,
  );
  await terminal.see(/^rea: STALE: the gateway [\s\S]*^> one +was ready/m);
  rea.expectKill();
  rea.kill('SIGKILL');
  await terminal.see(
    /^rea: DEAD, last seen [\s\S]*^→ to start one: rea serve[\s\S]*^> one +was ready/m,
  );
  terminal.type('r');
  await terminal.see(/^no gateway is running in /m);
  // It lives as well without any gateway, and shows the next one.
  const next = await startRea({ cwd: rea.dir });
  await terminal.see(/^rea: 1 server serves$[\s\S]*^> one +ready/m);
  process.kill(terminal.pid(), 'SIGHUP');
  await terminal.ended;
  expect(terminal.screen).toMatchObject({ isOther: false, hasCursor: true, wraps: true });
  await next.stop();
});

/** How the terminal is after the watch: line by line with echo, or as programs like it that draw. */
const MODES = 'stty -a | tr ";" "\\n"';

/** The watch in a shell that touches no modes, which then tells how it has ended. */
async function inShell(dir: string, preload: readonly string[] = []) {
  const { command, args } = reaCommand();
  const line = [command, ...preload, ...args, 'status', '--watch', '--cwd', dir].join(' ');
  const terminal = onTerminal(['-c', `echo before; ${line}; echo code $?; ${MODES}`], {
    command: 'sh',
    columns: 80,
    rows: 24,
    keyboard: true,
  });
  await terminal.see(/^rea: not running$/m);
  expect(terminal.screen).toMatchObject({ hasCursor: false, wraps: false });
  expect(terminal.screen.main).toBe('before\n');
  const watcher = livingProcesses().find(
    ({ command: one }) => one.includes(`--watch --cwd ${dir}`) && !one.startsWith('s'),
  );
  return { terminal, pid: watcher?.pid ?? 0 };
}

test('whatever ends the watch, the terminal is as it was before', async () => {
  const planted = new URL('../support/planted-exception.mjs', import.meta.url).pathname;
  const endings = [
    { signal: 'SIGTERM', code: 143 },
    { signal: 'SIGINT', code: 130 },
    { signal: 'SIGUSR2', code: 1, says: 'Error: a planted mistake' },
    { keys: 'q', code: 0 },
    { keys: '\u0003', code: 0 },
  ] as const;
  for (const ending of endings) {
    const { terminal, pid } = await inShell(makeDirectory(), ['--import', planted]);
    if ('signal' in ending) process.kill(pid, ending.signal);
    else terminal.type(ending.keys);
    const text = await terminal.ended;
    const { screen } = terminal;
    expect([ending, screen.isOther, screen.hasCursor, screen.wraps]).toEqual([
      ending,
      false,
      true,
      true,
    ]);
    expect(screen.main).toContain(`code ${ending.code}\n`);
    if ('says' in ending) expect(screen.main).toContain(ending.says);
    for (const mode of ['icanon', 'echo', 'isig', 'opost'])
      expect(text).toMatch(new RegExp(`\\s${mode}\\b`));
  }
});

test('a terminal that is gone while nobody hears of it ends the watch without a word', async () => {
  const dir = makeDirectory();
  const { command, args } = reaCommand();
  const line = [command, ...args, 'status', '--watch', '--cwd', dir].join(' ');
  const said = join(dir, 'said');
  const terminal = onTerminal(
    [
      '-c',
      `trap "" HUP; ${line} 2>${said}; echo code $? >${dir}/code.new; mv ${dir}/code.new ${dir}/code`,
    ],
    { command: 'sh', columns: 80, rows: 24, keyboard: true },
  );
  await terminal.see(/^rea: not running$/m);
  terminal.child.kill('SIGKILL');
  await until(() => existsSync(join(dir, 'code')), { what: 'the watch to end' });
  expect(readFileSync(said, 'utf8')).toBe('');
  expect(readFileSync(join(dir, 'code'), 'utf8')).toBe('code 0\n');
});

test('Ctrl-Z gives the terminal back to the shell, and fg goes on with the same', async () => {
  const dir = makeDirectory();
  const { command, args } = reaCommand();
  const line = [command, ...args, 'status', '--watch', '--cwd', dir].join(' ');
  // Nothing that is typed here may appear in the history of whoever runs the tests.
  const env = { PS1: '$ ', HISTFILE: '/dev/null' };
  const options = { command: 'bash', columns: 80, rows: 24, keyboard: true, env };
  const terminal = onTerminal(['--norc', '--noprofile', '-i'], options);
  await terminal.see(/\$ $/, 'main');
  terminal.type(`${line}\r`);
  await terminal.see(/^rea: not running$/m);
  terminal.type('?');
  await terminal.see(/^Enter +shows all/m);
  terminal.type('\u001a');
  await terminal.see(/Stopped .*\n[\s\S]*\$ $/, 'main');
  expect(terminal.screen).toMatchObject({ hasCursor: true, wraps: true });
  terminal.type('echo typed $((40 + 2)); fg\r');
  await terminal.see(/^Enter +shows all/m);
  expect(terminal.screen.main).toContain('typed 42\n');
  expect(terminal.screen).toMatchObject({ hasCursor: false, wraps: false });
  terminal.type('q');
  await terminal.see(/status --watch --cwd \S+\n[\s\S]*\$ $/, 'main');
  terminal.type('exit\r');
  await terminal.ended;
});

test('not on a terminal it tells each change in a line, or as JSON, until nobody reads', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo'), two: fixture('echo') }) });
  await rea.waitForPhase('one', 'ready');
  await rea.waitForPhase('two', 'ready');
  const lines = beginRea(['status', '--watch', '--cwd', rea.dir]);
  const json = beginRea(['status', 'one', '--watch', '--json', '--cwd', rea.dir]);
  onTestFinished(() => void [lines, json].map(({ child }) => child.kill()));
  const values = () =>
    json.said.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  await until(() => lines.said.stdout.includes(' two: ready\n') && values().length === 2, {
    what: 'how everything is',
  });
  const pid = rea.state()?.downstreams.find(({ name }) => name === 'one')?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  const died = / one: \S.*, 1 restart: .*killed by SIGKILL/;
  const isDeath = (value: { restarts: number; cause: string | null }) =>
    value.restarts === 1 && value.cause?.includes('SIGKILL') === true;
  await until(() => died.test(lines.said.stdout) && values().some(isDeath), { what: 'its death' });
  for (const line of lines.said.stdout.trimEnd().split('\n')) {
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\S+Z (?:gateway \d+|one|two): \S/);
  }
  expect(values()[0]).toMatchObject({ pid: rea.pid, what: 'gateway', from: null, to: 'running' });
  expect(values()[1]).toMatchObject({ pid: rea.pid, server: 'one', from: null, to: 'ready' });
  expect(values().map(({ server }) => server)).not.toContain('two');
  for (const { child } of [lines, json]) child.stdout?.destroy();
  await rea.stop();
  expect(await Promise.all([lines.ended, json.ended])).toEqual([0, 0]);
});
