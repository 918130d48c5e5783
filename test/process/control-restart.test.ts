/** `rea restart` on a gateway that runs: the server is another process afterwards, and no call is lost. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { auditRecords } from '../support/audit.ts';
import { isAlive } from '../support/processes.ts';
import { beginRea, runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { hold } from '../support/reloading.ts';
import { fixture, fixturePath, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

/** Servers of which each test restarts its own; the first that asks starts their gateway. */
let started: Promise<House> | null = null;
interface House {
  readonly rea: Rea;
  /** The server `loop` can start while it is there. */
  readonly flag: string;
}

function house(): Promise<House> {
  started ??= start();
  return started;
}

async function start(): Promise<House> {
  const cwd = makeDirectory();
  const flag = join(cwd, 'works');
  const script = `test -e ${flag} && exec ${process.execPath} ${fixturePath('echo')}; echo no licence >&2; exit 3`;
  const config = registry({
    one: { ...fixture('echo'), max_concurrency: 1 },
    two: fixture('echo'),
    hurried: fixture('echo'),
    own: { ...fixture('echo'), instances: 'session' },
    loop: {
      command: '/bin/sh',
      args: ['-c', script],
      restart: {
        intensity: 2,
        period_ms: 60_000,
        backoff_ms: 10,
        backoff_max_ms: 600_000,
        stable_ms: 1000,
      },
      breaker: { failures: 2, cooldown_ms: 600_000 },
    },
  });
  return { rea: await startRea({ cwd, config }), flag };
}

test('a server is restarted: calls in flight end, those that wait go to the new process', async () => {
  const { rea } = await house();
  const old = Number((await rea.call('one__pid')).text);
  const other = Number((await rea.call('two__pid')).text);
  const inFlight = await hold(rea, 'one');
  const waiting = rea.begin('one__pid');
  await rea.waitForServer('one', ({ queued }) => queued === 1, { what: 'waited for' });
  const restart = beginRea(['restart', 'one', '--cwd', rea.dir]);
  const step = 'one: 1 call in flight ends first (rea restart --now does not wait)\n';
  await until(() => restart.said.stderr.includes(step), { what: 'the first step' });
  expect(isAlive(old)).toBe(true);
  await inFlight.end();
  expect(await restart.ended).toBe(0);
  expect(restart.said.stdout).toMatch(/^one: ready after \d+\.\d s\n$/);
  const asked = ({ event }: { event: string }) => event === 'restart_asked';
  await until(
    () =>
      auditRecords(rea.dir).some(
        ({ metadata, server_name }) => asked(metadata) && server_name === 'one',
      ),
    {
      what: 'the restart in the audit log',
    },
  );
  const anew = Number((await waiting.answer).text);
  expect(anew).not.toBe(old);
  expect(isAlive(old)).toBe(false);
  expect(Number((await rea.call('two__pid')).text)).toBe(other);
});

test('--now does not wait: the outcome of calls in flight is unknown, also of an earlier restart', async () => {
  const { rea } = await house();
  const old = Number((await rea.call('hurried__pid')).text);
  const inFlight = rea.begin('hurried__hold', { file: join(rea.dir, 'never') });
  await until(() => existsSync(join(rea.dir, 'never.begun')), { what: 'the held call' });
  const first = beginRea(['restart', 'hurried', '--cwd', rea.dir]);
  await until(() => first.said.stderr.includes('in flight'), { what: 'the first step' });
  const now = await runRea(['restart', 'hurried', '--now', '--cwd', rea.dir]);
  expect([now.code, now.stderr]).toEqual([0, expect.not.stringContaining('in flight end')]);
  expect(await first.ended).toBe(0);
  const { failure, text } = await inFlight.answer;
  expect(failure).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' });
  expect(text).toContain('was restarted by rea restart --now');
  expect(Number((await rea.call('hurried__pid')).text)).not.toBe(old);
  expect(isAlive(old)).toBe(false);
});

test('a restart ends a crash loop and an open circuit, or says why the server is not ready', async () => {
  const { rea, flag } = await house();
  await rea.waitForServer(
    'loop',
    ({ phase, circuit_state }) => phase === 'failed' && circuit_state === 'open',
    {
      what: 'given up',
    },
  );
  const vain = await runRea(['restart', 'loop', '--cwd', rea.dir]);
  expect(vain.code).toBe(1);
  expect(vain.stderr).toContain('loop: no licence');
  writeFileSync(flag, '');
  const { code, stdout } = await runRea(['restart', 'loop', '--cwd', rea.dir]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^loop: ready after/)]);
  expect((await rea.call('loop__echo', { text: 'back' })).text).toBe('back');
  await rea.waitForServer(
    'loop',
    ({ circuit_state, restarts }) => circuit_state === 'closed' && restarts === 0,
    {
      what: 'as new',
    },
  );
});

test('each client gets a new instance of a server of its own', async () => {
  const { rea } = await house();
  const old = Number((await rea.call('own__pid')).text);
  const { code } = await runRea(['restart', 'own', '--cwd', rea.dir]);
  expect(code).toBe(0);
  expect(isAlive(old)).toBe(false);
  expect(Number((await rea.call('own__pid')).text)).not.toBe(old);
});

test('every gateway of the directory that has the server restarts it; none has another one', async () => {
  const one = await startRea({ config: registry({ files: fixture('echo') }) });
  const other = await startRea({ cwd: one.dir });
  const old = [];
  for (const rea of [one, other]) old.push(Number((await rea.call('files__pid')).text));
  const { code, stdout } = await runRea(['restart', 'files', '--cwd', one.dir]);
  expect(code).toBe(0);
  for (const { pid } of [one, other]) expect(stdout).toContain(`pid ${pid}: files: ready after`);
  for (const pid of old) expect(isAlive(pid)).toBe(false);
  const single = await runRea(['restart', 'files', '--pid', String(other.pid), '--cwd', one.dir]);
  expect([single.code, single.stdout]).toEqual([0, expect.stringMatching(/^files: ready after/)]);
  const wrong = await runRea(['restart', 'fils', '--cwd', one.dir]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('there is no server "fils"; did you mean "files"?');
  const nobody = await runRea(['restart', 'files', '--pid', '1', '--cwd', one.dir]);
  expect([nobody.code, nobody.stderr]).toEqual([
    3,
    `no gateway with pid 1 is running in ${one.dir}; start one: rea serve\n`,
  ]);
  await Promise.all([one.stop(), other.stop()]);
});

test('a gateway that hangs in the middle of it keeps no command waiting', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const inFlight = await hold(rea, 'one');
  const restart = beginRea(['restart', 'one', '--cwd', rea.dir]);
  await until(() => restart.said.stderr.includes('1 call in flight ends first'), {
    what: 'the first step',
  });
  rea.kill('SIGSTOP');
  expect(await restart.ended).toBe(4);
  rea.kill('SIGCONT');
  expect(restart.said.stderr).toContain(`the gateway (pid ${rea.pid}) is stopped by a signal`);
  // It was asked, and goes on with it.
  await inFlight.end();
  const { code } = await runRea(['restart', 'one', '--cwd', rea.dir]);
  expect(code).toBe(0);
  await rea.stop();
});
