import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test } from 'vitest';
import { livingProcesses } from '../support/processes.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { environment } from '../support/rea-command.ts';
import { closeTerminals, onTerminal } from '../support/terminal.ts';

const FOLDER = fileURLToPath(new URL('../../examples/quickstart', import.meta.url));
const STATE = join(FOLDER, '.rea');
const hadState = existsSync(STATE);
const running: ChildProcessWithoutNullStreams[] = [];

afterEach(async () => {
  closeTerminals();
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});

afterAll(() => {
  if (!hadState) rmSync(STATE, { recursive: true, force: true });
});

const START = [join(FOLDER, 'start.mjs'), '--port', '0', '--entry', reaCommand().args[0] ?? ''];
/** The line to paste, with what stands for the token. */
const CONNECT =
  /claude mcp add --transport http rea http:\/\/127\.0\.0\.1:\d+\/mcp --header "Authorization: Bearer (.+)"\n/;

function quickstart(...args: string[]): {
  child: ChildProcessWithoutNullStreams;
  text: () => string;
} {
  const child = spawn(process.execPath, [...START, ...args], { env: environment() });
  running.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, text: () => output };
}

/** The servers run in the quickstart's folder; nobody else does. */
function serversAlive(): number[] {
  return livingProcesses().flatMap(({ pid, cwd }) => (cwd === FOLDER ? [pid] : []));
}

test('the quickstart serves its three real servers, checks itself and leaves nothing', async () => {
  const before = serversAlive();
  const { child, text } = quickstart('--once');
  const [code] = await once(child, 'exit');
  expect(code, text()).toBe(0);
  expect(text()).toMatch(/rea is serving http:\/\/127\.0\.0\.1:\d+\/mcp/);
  const [, bearer = ''] = CONNECT.exec(text()) ?? [];
  const [, file = ''] = /^\$\(cat (\S+)\)$/.exec(bearer) ?? [];
  expect(text()).not.toContain(readFileSync(file, 'utf8').trim());
  expect(text()).toMatch(/\d\d tools from one endpoint/);
  expect(text()).toMatch(/everything__echo +Echo: hello/);
  expect(text()).toMatch(/files__read_text_file +Hello from the quickstart\./);
  expect(serversAlive()).toEqual(before);
}, 240_000);

test('on a terminal it ends in the live status, and the line to paste holds the token itself', async () => {
  const before = serversAlive();
  const size = { columns: 200, rows: 40, keyboard: true };
  const terminal = onTerminal(START, { command: process.execPath, ...size });
  await terminal.see(/^rea: \d of 4 servers serve[\s\S]*^. flaky +(?:backoff|failed)/m);
  for (const name of ['everything', 'memory', 'files']) {
    expect(terminal.screen.text).toMatch(new RegExp(`^. ${name} +ready`, 'm'));
  }
  terminal.type('c');
  await terminal.see(/Authorization: Bearer [0-9a-f]{64}"/);
  terminal.type('\u0003');
  await terminal.ended;
  expect(terminal.child.exitCode).toBe(0);
  const { main, isOther, hasCursor } = terminal.screen;
  expect([isOther, hasCursor]).toEqual([false, true]);
  expect(CONNECT.exec(main)?.[1]).toMatch(/^[0-9a-f]{64}$/);
  expect(serversAlive()).toEqual(before);
}, 300_000);

test('on a pipe it tells that the flaky server crashes, and ends on a signal', async () => {
  const before = serversAlive();
  const { child, text } = quickstart();
  const exit = once(child, 'exit');
  const told = [
    / flaky: .*→ failed, \d+ restarts: /,
    ...['everything', 'memory', 'files'].map(
      (name) => new RegExp(` ${name}: (?:starting → )?ready\n`),
    ),
  ];
  while (!told.every((line) => line.test(text()))) {
    await Promise.race([once(child.stdout, 'data'), exit]);
    expect(child.exitCode, text()).toBeNull();
  }
  // They are none of its business.
  expect(text()).not.toMatch(/ (?:everything|memory|files): .*restart/);
  child.kill('SIGINT');
  const [code] = await exit;
  expect(code, text()).toBe(0);
  expect(serversAlive()).toEqual(before);
}, 240_000);
