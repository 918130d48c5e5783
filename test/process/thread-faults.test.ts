/** The gateway's own threads are injured from outside: what dies is replaced, what is stuck is seen. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { sourcesOf } from '../support/loaded-sources.ts';
import { isAlive } from '../support/processes.ts';
import { FAST_CLOCKS, runRea } from '../support/rea-command.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const NAMES = ['one', 'two'] as const;
const STALL_MS = 1_500;

test.concurrent.each(['throw', 'reject', 'exit', 'heap', 'loop'] as const)(
  'replaces a supervisor thread after the fault "%s" with no orphan and its calls answered',
  async (fault) => {
    const rea = await startRea({
      faults: true,
      config: registry(
        // They ignore the end of their stdin: nobody but the gateway can end them.
        { one: fixture('ignore-sigterm'), two: fixture('ignore-sigterm') },
        { threads: { stall_ms: STALL_MS } },
      ),
    });
    const before: Record<string, number> = {};
    for (const name of NAMES) before[name] = Number((await rea.call(`${name}__pid`)).text);
    const waiting = { one: rea.begin('one__wait'), two: rea.begin('two__wait') };
    // A round trip later both calls have reached their servers.
    for (const name of NAMES) await rea.call(`${name}__pid`);

    await rea.faults.inject('supervisor', fault);
    const time = stopwatch();
    const victim = await Promise.race(
      NAMES.map((name) => waiting[name].answer.then(({ failure }) => ({ name, failure }))),
    );
    report(`supervisor thread, ${fault}: its call answered after`, time.ms());
    expect(victim.failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
    const pid = await ownAnswer(rea, `${victim.name}__pid`);
    report(`supervisor thread, ${fault}: server answers again after`, time.ms());
    expect(Number(pid)).not.toBe(before[victim.name]);
    const old = before[victim.name] ?? 0;
    await until(() => !isAlive(old), { what: 'the old server to be gone' });

    const record = await rea.waitForServer(
      victim.name,
      ({ thread, phase }) => thread.restarts === 1 && phase === 'ready',
      { what: 'having a new thread' },
    );
    expect(record.thread.state).toBe('running');
    expect(record.incarnation).toBeGreaterThan(1);
    const bystander = victim.name === 'one' ? 'two' : 'one';
    expect(waiting[bystander].answered()).toBe(false);
    expect(Number((await rea.call(`${bystander}__pid`)).text)).toBe(before[bystander]);
    const untouched = rea.state()?.downstreams.find(({ name }) => name === bystander);
    expect(untouched?.thread.restarts).toBe(0);
  },
);

test.concurrent.each(['throw', 'exit', 'heap', 'loop'] as const)(
  'replaces the state writer after the fault "%s"; no call notices and the file goes on',
  async (fault) => {
    const rea = await startRea({
      faults: true,
      env: FAST_CLOCKS,
      config: registry({ echo: fixture('echo') }),
    });
    const { pid } = await rea.waitForPhase('echo', 'ready');
    const seq = rea.state()?.seq ?? 0;
    const session = rea.state()?.session_id;
    const call = rea.begin('echo__sleep', { ms: 300 });

    await rea.faults.inject('state-writer', fault);
    const time = stopwatch();
    expect((await call.answer).text).toBe('slept 300 ms');
    killOne(pid ?? 0);
    await rea.waitForServer('echo', ({ restarts }) => restarts === 1, {
      what: 'its restart, written by the new state writer',
      limitMs: 90_000,
    });
    report(`state writer, ${fault}: the file goes on after`, time.ms());
    expect(rea.state()).toMatchObject({ session_id: session, owner_pid: rea.pid });
    expect(rea.state()?.seq).toBeGreaterThan(seq);
    rea.faults.release('state-writer');
  },
);

test.concurrent('rea status says that the main thread is stalled, and running again afterwards', async () => {
  const rea = await startRea({ faults: true, config: registry({ echo: fixture('echo') }) });
  await rea.waitForPhase('echo', 'ready');
  await rea.faults.inject('main', 'loop');
  const time = stopwatch();
  await until(
    async () => {
      const { code, stdout } = await runRea(['status', '--cwd', rea.dir]);
      return code === 1 && stdout.includes('stalled');
    },
    { what: 'rea status to say stalled' },
  );
  report('main looping: rea status says stalled after', time.ms());
  expect(rea.state()?.main).toMatchObject({ state: 'stalled' });
  expect(rea.state()?.main.stalled_since).not.toBeNull();

  rea.faults.release('main');
  await rea.waitForState(({ main }) => main.state === 'running', { what: 'a running main thread' });
  expect((await rea.call('echo__echo', { text: 'back' })).text).toBe('back');
  expect((await rea.status()).exit).toBe(0);
});

test.concurrent('rea status exits 4 while the whole process is stopped', async () => {
  const rea = await startRea({
    env: FAST_CLOCKS,
    config: registry({ echo: fixture('echo') }),
  });
  await rea.waitForPhase('echo', 'ready');
  rea.kill('SIGSTOP');
  const time = stopwatch();
  const heartbeat = rea.state()?.heartbeat_ms ?? 0;
  expect(heartbeat).toBe(500);
  await rea.waitForLog('REA_TEST_CLOCKS is set');
  await until(
    async () => {
      const { exit } = await rea.status();
      if (exit !== 4) await sleep(200);
      return exit === 4;
    },
    { limitMs: 5 * 3 * heartbeat, what: 'rea status to exit 4' },
  );
  report('process stopped: rea status exits 4 after', time.ms());
  rea.kill('SIGCONT');
  await rea.waitForStatus(({ exit }) => exit === 0, {
    what: 'rea status to exit 0 again',
  });
  expect((await rea.call('echo__echo', { text: 'back' })).text).toBe('back');
});

test.concurrent('an uncaught error in main leaves one fatal record, exit code 70 and no process', async () => {
  const rea = await startRea({
    faults: true,
    config: registry({ stubborn: fixture('ignore-sigterm') }),
  });
  await rea.waitForPhase('stubborn', 'ready');
  await rea.faults.inject('main', 'throw');
  expect(await until(() => rea.exit, { what: 'rea to exit' })).toEqual({
    code: 70,
    signal: null,
  });
  expect(rea.stderr.match(/injected: uncaught error/g)?.length).toBeGreaterThanOrEqual(1);
});

test.concurrent('a supervisor thread loads of all packages from npm only comlink and canonicalize, the state writer comlink alone', async () => {
  const rea = await startRea({ faults: true, config: registry({ echo: fixture('echo') }) });
  await rea.waitForPhase('echo', 'ready');
  for (const kind of ['supervisor', 'state-writer'] as const) {
    const urls = sourcesOf(await rea.faults.modules(kind));
    expect(urls.some((url) => url.includes(`/workers/${kind}/`))).toBe(true);
    const packages = urls
      .map((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
      .filter((name) => name !== undefined);
    const expected = kind === 'supervisor' ? ['canonicalize', 'comlink'] : ['comlink'];
    expect([...new Set(packages)].sort()).toEqual(expected);
    expect(urls.filter((url) => /\/(src|dist)\/main\//.test(url))).toEqual([]);
  }
});

/** Text of the first answer that is the server's own. */
function ownAnswer(rea: Rea, tool: string): Promise<string> {
  return until(
    async () => {
      const { failure, text } = await rea.call(tool);
      return failure === null ? text : null;
    },
    { what: `${tool} to answer` },
  );
}
