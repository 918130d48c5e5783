/** A server's death and its own errors: what the caller gets, what happens once, what stays untouched. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { isAlive } from '../support/processes.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

test('rea status shows a killed server with signal and the end of its stderr within a second', async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  await rea.call('echo__stderr', { text: 'last words on stderr' });
  const pid = Number((await rea.call('echo__pid')).text);
  const time = stopwatch();
  killOne(pid);
  const exit = await rea.waitForStatus(
    ({ json }) => json.serve.downstreams?.[0]?.last_exit ?? null,
    { what: 'rea status to show the death' },
  );
  report('kill -9 of a server: seen in rea status after', time.ms());
  expect(exit).toMatchObject({ code: null, signal: 'SIGKILL' });
  expect(exit.stderr_tail).toContain('last words on stderr');
});

test('each call in flight at a death gets one answer at once, its effect happens once, and the breaker counts one incident', async () => {
  const dir = makeDirectory();
  const effects = join(dir, 'effects');
  const rea = await startRea({
    cwd: dir,
    config: registry({ echo: fixture('echo') }, { breaker: { failures: 2, cooldown_ms: 30_000 } }),
  });
  const pid = Number((await rea.call('echo__pid')).text);
  const calls = [1, 2, 3, 4, 5].map((n) =>
    rea.begin('echo__side-effect', { file: effects, text: `effect ${n}`, ms: 60_000 }),
  );
  await until(() => lines(effects).length === 5, { what: 'five side effects' });

  const time = stopwatch();
  killOne(pid);
  const answers = await Promise.all(calls.map(({ answer }) => answer));
  report('kill -9 of a server: calls in flight answered after', time.ms());
  for (const { message, failure } of answers) {
    expect(message.result.isError).toBe(true);
    expect(failure).toMatchObject({
      code: 'ERR_OUTCOME_UNKNOWN',
      server: 'echo',
      outcome: 'unknown',
      retryable: false,
    });
  }

  const next = await rea.call('echo__pid');
  expect(next.failure).toBeNull();
  expect(Number(next.text)).not.toBe(pid);
  report('kill -9 of a server: next call succeeded after', time.ms());
  expect(lines(effects).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `effect ${n}`));
  const echo = await rea.waitForServer('echo', ({ calls }) => calls === 7, { what: 'counted' });
  expect(echo).toMatchObject({ circuit_state: 'closed', open_transitions: 0 });
});

test('twenty concurrent calls onto a dead server start one process', async () => {
  const dir = makeDirectory();
  const journal = join(dir, 'journal');
  const rea = await startRea({
    cwd: dir,
    config: registry({ echo: fixture('echo', '--journal', journal) }),
  });
  const pid = Number((await rea.call('echo__pid')).text);
  killOne(pid);
  await until(() => !isAlive(pid), { what: 'the server to be dead' });
  const answers = await Promise.all(Array.from({ length: 20 }, () => rea.call('echo__pid')));
  const pids = new Set(answers.filter(({ failure }) => failure === null).map(({ text }) => text));
  // A call that was posted before the death was noticed is unknown; all others went to one process.
  for (const { failure } of answers) {
    if (failure !== null) expect(failure.code).toBe('ERR_OUTCOME_UNKNOWN');
  }
  const last = await rea.call('echo__pid');
  pids.add(last.text);
  expect(pids.size).toBe(1);
  expect(lines(journal).filter((line) => line.startsWith('{"started"'))).toHaveLength(2);
});

test('restarts a server that exits while nobody calls it', async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  const before = await rea.waitForPhase('echo', 'ready');
  killOne(before.pid ?? 0, 'SIGTERM');
  const after = await rea.waitForServer(
    'echo',
    ({ phase, restarts }) => phase === 'ready' && restarts === 1,
    { what: 'being ready again' },
  );
  expect(after.incarnation).toBeGreaterThan(before.incarnation);
  expect(after.pid).not.toBe(before.pid);
});

test("passes a tool's own errors and big integers through byte for byte, and the server lives on", async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  const pid = (await rea.call('echo__pid')).text;
  const other = rea.begin('echo__sleep', { ms: 500 });

  const error = rea.begin('echo__error');
  expect((await error.answer).raw).toBe(
    `{"jsonrpc":"2.0","id":"${error.id}","error":{"code":-32602,"message":"no such file","data":{"inode":9007199254740993,"extra":[1.0,1e2]}}}`,
  );
  const isError = rea.begin('echo__is-error');
  expect((await isError.answer).raw).toBe(
    `{"result":{"content":[{"type":"text","text":"it did not work","x-inode":9007199254740993}],"isError":true,"unknown":{"kept":true}},"jsonrpc":"2.0","id":"${isError.id}"}`,
  );
  const integers = rea.begin('echo__big-integers');
  expect((await integers.answer).raw).toBe(
    `{"result":{"content":[{"type":"text","text":"9007199254740993"}],"structuredContent":{"a":9007199254740993,"b":-18446744073709551616,"c":1.10,"d":1E400,"e":"\\u00e9\\/"}},"jsonrpc":"2.0","id":"${integers.id}"}`,
  );

  expect((await other.answer).text).toBe('slept 500 ms');
  expect((await rea.call('echo__pid')).text).toBe(pid);
  const echo = await rea.waitForServer('echo', ({ calls }) => calls === 6, { what: 'counted' });
  expect(echo).toMatchObject({ restarts: 0, circuit_state: 'closed' });
});

test('delivers an answer that was written before the exit, and half an answer as an unknown outcome', async () => {
  const dir = makeDirectory();
  const effects = join(dir, 'effects');
  const rea = await startRea({
    cwd: dir,
    config: registry({ last: fixture('exit-on-call'), half: fixture('half-line-then-exit') }),
  });
  const answered = await rea.call('last__exit', { answer: true });
  expect(answered.failure).toBeNull();
  expect(answered.text).toBe('last words');
  // A call sent before that exit was noticed would be lost with it.
  await rea.waitForServer('last', ({ phase, restarts }) => phase === 'ready' && restarts === 1, {
    what: 'being restarted',
  });
  const unanswered = await rea.call('last__exit', { file: effects, code: 9 });
  expect(unanswered.failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
  expect((await rea.call('half__half')).failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
  const last = await rea.waitForServer('last', ({ last_exit }) => last_exit?.code === 9, {
    what: 'its second exit',
  });
  expect(last.last_exit?.stderr_tail).toContain('the call was fatal');
  expect((await rea.call('last__pid')).failure).toBeNull();
  expect(lines(effects)).toEqual(['done']);
});

test('notices an exit although a grandchild keeps the pipes open, and kills the grandchild', async () => {
  const rea = await startRea({ config: registry({ family: fixture('grandchild-keeps-pipe') }) });
  const [, grandchild]: number[] = JSON.parse((await rea.call('family__pids')).text);
  const time = stopwatch();
  const answer = await rea.call('family__exit');
  report('exit with the pipes held open: call answered after', time.ms());
  expect(answer.failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
  expect((await rea.call('family__pids')).failure).toBeNull();
  await until(() => !isAlive(grandchild ?? 0), {
    what: 'the grandchild of the dead server to be gone',
  });
});

test('restarts a server behind a wrapper of which only the wrapper dies, and leaves nothing of it', async () => {
  const rea = await startRea({
    config: registry({ npx: fixture('wrapper', 'ignore-sigterm.mjs') }),
  });
  const server = Number((await rea.call('npx__pid')).text);
  const { pid: wrapper } = await rea.waitForPhase('npx', 'ready');
  expect(wrapper).not.toBe(server);
  killOne(wrapper ?? 0);
  await rea.waitForServer('npx', ({ phase, restarts }) => phase === 'ready' && restarts === 1, {
    what: 'being restarted',
  });
  expect(Number((await rea.call('npx__pid')).text)).not.toBe(server);
  await until(() => !isAlive(server), { what: 'the old server to be gone' });
});

function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
