/** What a client still gets when the gateway stops, and what may go wrong on the way out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { isAlive } from '../support/processes.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { removeAll } from '../support/remove-all.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

test.concurrent('a call still in flight when the grace ends gets its one answer', async () => {
  const rea = await startRea({
    args: ['--grace', '200'],
    config: registry({ hung: fixture('never-answer') }),
  });
  await rea.waitForPhase('hung', 'ready');
  const [{ name: tool } = { name: '' }] = (await rea.tools()).filter(({ name }) =>
    name.startsWith('hung__'),
  );
  const pending = rea.begin(tool);
  await rea.waitForServer('hung', ({ in_flight }) => in_flight === 1, { what: 'the call' });
  rea.kill('SIGTERM');
  const { failure } = await pending.answer;
  expect(failure).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' });
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});

test.concurrent('a large answer reaches a slow client whole although the gateway is stopping', async () => {
  const dir = makeDirectory();
  const bytes = 10_000_000;
  const rea = await startRea({ cwd: dir, config: registry({ echo: fixture('echo') }) });
  await rea.waitForPhase('echo', 'ready');
  await rea.stop();

  const { command, args } = reaCommand();
  const child = spawn(command, [...args, 'serve', '--cwd', dir], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  const send = (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`);
  send({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'echo__big', arguments: { bytes } },
  });
  // The first bytes have come: the answer is under way, and nobody reads on until the signal is out.
  await once(child.stdout, 'readable');
  child.kill('SIGTERM');
  let received = 0;
  let tail = '';
  for await (const chunk of child.stdout) {
    received += chunk.length;
    tail = chunk.toString().slice(-1);
  }
  expect(received).toBeGreaterThan(bytes);
  expect(tail).toBe('\n');
  expect(await exited).toEqual([0, null]);
});

test.concurrent('with HTTP beside stdio it ends when stdin does and no HTTP client is there', async () => {
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token', '--stdio'],
    config: registry({ echo: fixture('echo') }),
  });
  await rea.waitForPhase('echo', 'ready');
  await rea.stop();
  expect(rea.exit).toEqual({ code: 0, signal: null });
});

test.concurrent('stops cleanly although its directory has been removed', async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  const { pid } = await rea.waitForPhase('echo', 'ready');
  // The gateway may be writing into it.
  removeAll(join(rea.dir, '.rea'));
  await rea.stop();
  expect(rea.exit).toEqual({ code: 0, signal: null });
  expect(rea.stderr).not.toContain('uncaught error');
  await until(() => pid === null || !isAlive(pid), { what: 'the server to end' });
});
