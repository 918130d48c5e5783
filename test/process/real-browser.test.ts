/**
 * A real browser, started by @playwright/mcp: none of its processes is left, whatever ends its server. Skipped
 * unless REA_TEST_PLAYWRIGHT names the `cli.js` of @playwright/mcp and there is a `chromium` in PATH.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { isAlive, livingProcesses } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { registry, type ServerSpec } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 90_000 });
afterAll(tidy);

const PLAYWRIGHT = process.env['REA_TEST_PLAYWRIGHT'];
const CHROMIUM = spawnSync('/bin/sh', ['-c', 'command -v chromium']).stdout.toString().trim();
const CAN_RUN = PLAYWRIGHT !== undefined && CHROMIUM !== '';
const PAGE = 'data:text/html,<h1>here</h1>';
const LIMIT_MS = 5 * 1_000;

test.skipIf(!CAN_RUN).each([
  ['the end of stdin', async ({ rea }: Running): Promise<void> => void (await rea.stop())],
  ['SIGTERM of the gateway', async ({ rea }: Running): Promise<void> => rea.kill('SIGTERM')],
  ['SIGKILL of the gateway', async ({ rea }: Running): Promise<void> => rea.kill('SIGKILL')],
  ['SIGKILL of the server', async ({ server }: Running): Promise<void> => void killOne(server)],
  [
    'a reload that removes it',
    async ({ rea }: Running): Promise<void> => writeRegistry(rea.dir, registry({})),
  ],
  ['a stall', async ({ server }: Running): Promise<void> => void killOne(server, 'SIGSTOP')],
] as const)('%s leaves nothing of the browser', async (how, end) => {
  const running = await start();
  expect(running.browser.length).toBeGreaterThan(3);
  const time = stopwatch();
  await end(running);
  if (how.includes('gateway')) await running.rea.exited;
  const left = () => running.browser.filter(isAlive);
  // A stall is found out after some pings.
  const limitMs = how === 'a stall' ? 60_000 : LIMIT_MS;
  await until(() => left().length === 0, { limitMs, what: 'its end' }).catch(() => undefined);
  expect(left().map((pid) => livingProcesses().find((one) => one.pid === pid)?.command)).toEqual(
    [],
  );
  report(`${how}: the browser was gone after`, time.ms());
});

interface Running {
  readonly rea: Rea;
  readonly server: number;
  /** Its processes. */
  readonly browser: readonly number[];
}

async function start(): Promise<Running> {
  const dir = makeDirectory();
  mkdirSync(join(dir, 'tmp'));
  const liveness = { idle_ms: 1_000, timeout_ms: 1_000, misses: 2 };
  const web: ServerSpec = {
    command: process.execPath,
    args: [
      PLAYWRIGHT ?? '',
      '--headless',
      '--isolated',
      '--no-sandbox',
      '--executable-path',
      CHROMIUM,
    ],
    env: { TMPDIR: join(dir, 'tmp') },
    liveness,
  };
  const rea = await startRea({ cwd: dir, config: registry({ web }) });
  await rea.tools();
  const { pid } = await rea.waitForPhase('web', 'ready');
  const { failure, text } = await rea.call('web__browser_navigate', { url: PAGE });
  expect(failure, text).toBeNull();
  return { rea, server: pid ?? 0, browser: below(pid ?? 0) };
}

/** All that a process has started, and what its descendants say of the same directory. */
function below(root: number): number[] {
  const all = livingProcesses();
  const found = new Set([root]);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const { pid, ppid } of all) if (found.has(ppid)) found.add(pid);
  }
  found.delete(root);
  for (const { pid, command } of all)
    if (command.includes('crashpad') && isNew(pid)) found.add(pid);
  return [...found];
}

const before = new Set(livingProcesses().map(({ pid }) => pid));

function isNew(pid: number): boolean {
  return !before.has(pid);
}
