/** The end of stdin is half a close: what was read is answered, and soon nothing is left. */
import { afterAll, expect, test, vi } from 'vitest';
import { Hold } from '../support/hold.ts';
import { isAlive } from '../support/processes.ts';
import { startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const CLEAN = { code: 0, signal: null };

test('requests that are piped in are all answered, before any server is up', async () => {
  const rea = await startRea({
    config: registry({ echo: fixture('echo') }),
    initialize: false,
  });
  const opened = rea.initialize();
  const asked = [
    rea.request('tools/list'),
    rea.call('echo__echo', { text: 'one' }),
    rea.call('echo__echo', { text: 'two' }),
    rea.request('ping'),
  ] as const;
  rea.endInput();
  expect((await opened).message.result).toBeDefined();
  const [list, one, two] = await Promise.all(asked);
  expect(list.message.result.tools.length).toBeGreaterThan(0);
  // A busy machine may not get the server up in the time that there is.
  for (const { text, failure } of [one, two]) {
    expect(failure?.outcome ?? text).toMatch(/^(?:one|two|not_sent|unknown)$/);
  }
  expect(await rea.exited).toEqual(CLEAN);
});

test('calls that come with the end of stdin are made', async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  await rea.tools();
  const asked = ['one', 'two', 'three'].map((text) => rea.call('echo__echo', { text }));
  rea.endInput();
  expect((await Promise.all(asked)).map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  expect(await rea.exited).toEqual(CLEAN);
});

test('a call in flight is answered, and a server that has none ends meanwhile', async () => {
  const rea = await startRea({
    config: registry({ echo: fixture('echo'), other: fixture('echo') }),
  });
  const pid = Number((await rea.call('other__pid')).text);
  const held = new Hold();
  const inFlight = rea.begin('echo__hold', held.args);
  await held.begun();
  rea.endInput();
  await until(() => !isAlive(pid), { what: 'the other server to end' });
  expect(rea.exit).toBeNull();
  held.end();
  expect((await inFlight.answer).text).toBe('held');
  expect(await rea.exited).toEqual(CLEAN);
});

test('a call that is still open after that is told to be unknown', async () => {
  const rea = await startRea({ config: registry({ stubborn: fixture('ignore-sigterm') }) });
  const pid = Number((await rea.call('stubborn__pid')).text);
  const pending = rea.begin('stubborn__wait');
  await rea.waitForServer('stubborn', ({ in_flight }) => in_flight === 1, { what: 'the call' });
  rea.endInput();
  const { failure } = await pending.answer;
  expect(failure).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' });
  expect(await rea.exited).toEqual(CLEAN);
  expect(isAlive(pid)).toBe(false);
});

test('what waits for a server that does not come up is refused', async () => {
  const rea = await startRea({ config: registry({ mute: fixture('hang-at-initialize') }) });
  const asked = [rea.call('mute__anything'), rea.request('tools/list')] as const;
  rea.endInput();
  const [call, list] = await Promise.all(asked);
  expect(call.failure).toMatchObject({ outcome: 'not_sent' });
  expect(list.message.result.tools.length).toBeGreaterThan(0);
  expect(await rea.exited).toEqual(CLEAN);
});

test('a signal after it hurries, and is still a clean stop', async () => {
  const rea = await startRea({
    config: registry({ stubborn: fixture('ignore-sigterm'), echo: fixture('echo') }),
  });
  const pids = await Promise.all(['stubborn__pid', 'echo__pid'].map((tool) => rea.call(tool)));
  const pending = rea.begin('stubborn__wait');
  await rea.waitForServer('stubborn', ({ in_flight }) => in_flight === 1, { what: 'the call' });
  rea.endInput();
  // It has noticed the end of its stdin.
  await until(() => !isAlive(Number(pids[1]?.text)), { what: 'the other server to end' });
  rea.kill('SIGTERM');
  expect((await pending.answer).failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
  expect(await rea.exited).toEqual(CLEAN);
  expect(isAlive(Number(pids[0]?.text))).toBe(false);
});

test('a client that does not read is not waited for', async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  await rea.waitForPhase('echo', 'ready');
  await rea.tools();
  rea.stopReading();
  const big = rea.begin('echo__big', { bytes: 4_000_000 });
  big.answer.catch(() => undefined);
  await rea.waitForServer(
    'echo',
    (one) => one.calls === 1 && one.in_flight === 0 && one.queued === 0,
    {
      what: 'the answer',
    },
  );
  // What it has not read by then is cut off.
  rea.expectKill();
  rea.endInput();
  expect(await until(() => !isAlive(rea.pid), { what: 'its end' })).toBe(true);
  rea.goOnReading();
  expect(await rea.exited).toEqual(CLEAN);
});
