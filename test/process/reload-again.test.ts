/** Reloads on request, of other files than servers', and many in a row. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import type { DownstreamSnapshot } from '#src/shared/model/snapshot.ts';
import { isAlive, processesOf } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { AUTO, after, hold, LIMIT_MS, names, ready, rewrite, STAYS } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { soak } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 400_000, hookTimeout: 60_000 });

afterAll(tidy);

test.concurrent('SIGHUP reads the file again, also one that is named on the command line; a policy that changes is in force at once', async () => {
  const dir = makeDirectory();
  const file = join(dir, 'other.yaml');
  writeFileSync(file, JSON.stringify(registry({ one: fixture('echo') })));
  const rea = await startRea({ cwd: dir, args: ['--config', file] });
  const before = await ready(rea, 'one');
  await after(rea, () => rea.kill('SIGHUP'));
  expect(rea.stderr).toContain('"why":"SIGHUP"');
  expect(rea.stderr).toMatch(/"added":\[\],"removed":\[\],"restarted":\[\],"adjusted":\[\]/);
  await after(rea, () => {
    writeFileSync(file, JSON.stringify(registry({ one: { ...fixture('echo'), prefix: 'uno' } })));
    rea.kill('SIGHUP');
  });
  expect((await rea.call('uno__echo', { text: 'new' })).text).toBe('new');
  expect((await rea.call('__rea__health')).text).not.toContain('last_exit');
  const policy = 'gateway: {health: {expose_diagnostics: true}}\n';
  await after(rea, () => writeFileSync(join(dir, '.rea', 'policy.yaml'), policy));
  expect((await rea.call('__rea__health')).text).toContain('last_exit');
  rmSync(join(dir, '.rea', 'policy.yaml'));
  expect(await ready(rea, 'one')).toEqual(before);
  await rea.stop();
});

test.concurrent('what only the start of the gateway looks at is told, and so is what there is no room for', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }), ...AUTO });
  await ready(rea, 'one');
  const threads = { heap_mb: 128, stall_ms: 2_000 };
  const later = { threads, slow_client_ms: 70_000, list_wait_ms: 10 };
  await rewrite(rea, registry({ one: fixture('echo') }, later));
  await rea.waitForLog(
    'from the next start of rea serve on: defaults.threads.heap_mb, defaults.threads.stall_ms, defaults.list_wait_ms, defaults.slow_client_ms',
  );
  const large = { ...fixture('echo'), max_message_bytes: 50_000_000 };
  await after(rea, () => writeRegistry(rea.dir, registry({ one: large }, later)), STAYS);
  expect(rea.stderr).toContain('which needs a larger threads.heap_mb than the 64');
  const many = { ...fixture('echo'), instances: 'session', max_instances: 256 };
  await after(rea, () => writeRegistry(rea.dir, registry({ one: fixture('echo'), many })), STAYS);
  expect(rea.stderr).toContain(
    'has servers for 513 lanes, and this gateway was started with room for 66',
  );
  expect((await rea.call('one__echo', { text: 'goes on' })).text).toBe('goes on');
  await rea.stop();
});

test.concurrent('a server that is removed and comes back while it still ends its calls is started once more', async () => {
  const two = { ...fixture('echo'), env: { SETTING: 'x' } };
  const rea = await startRea({ config: registry({ one: fixture('echo'), two }) });
  await ready(rea, 'one');
  const old = Number((await rea.call('two__pid')).text);
  const inFlight = await hold(rea, 'two');
  await rewrite(rea, registry({ one: fixture('echo'), two: { ...two, enabled: false } }));
  await rewrite(rea, registry({ one: fixture('echo'), two }));
  const waiting = rea.begin('two__pid');
  await inFlight.end();
  const anew = Number((await waiting.answer).text);
  expect(anew).not.toBe(old);
  expect(isAlive(old)).toBe(false);
  const counted = ({ pid, calls }: DownstreamSnapshot) => pid === anew && calls === 1;
  const now = await rea.waitForServer('two', counted, { what: 'anew' });
  expect(now).toMatchObject({ phase: 'ready', errors: 0 });
  expect(echoesOf(rea)).toBe(2);
  await rea.stop();
});

/** Processes of the echo fixture that were started for this gateway. */
function echoesOf(rea: Rea): number {
  return processesOf(rea.dir).filter(({ command }) => command.includes('echo.mjs')).length;
}

test.concurrent('of many changes in a row the last one is in force and no process is left over', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo', 0) }), ...AUTO });
  await ready(rea, 'one');
  for (let at = 1; at <= 30; at += 1) {
    const servers = { one: fixture('echo', at), [`only-${at}`]: fixture('echo') };
    writeRegistry(rea.dir, registry(servers));
    if (at % 3 === 0) rea.kill('SIGHUP');
    await until(() => true, { limitMs: LIMIT_MS, what: 'a moment' });
    if (at % 6 === 0) await rea.call('one__pid');
  }
  await rea.waitForState(
    ({ downstreams }) =>
      downstreams.length === 2 &&
      downstreams[1]?.name === 'only-30' &&
      downstreams.every(({ phase }) => phase === 'ready'),
    { what: 'the last configuration', limitMs: LIMIT_MS },
  );
  const pid = Number((await rea.call('one__pid')).text);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toContain('30');
  await until(() => echoesOf(rea) === 2, { limitMs: LIMIT_MS, what: 'two processes' });
  expect((await rea.status()).exit).toBe(0);
  await rea.stop();
});

test.concurrent('changes that follow each other faster than a server starts do not keep its calls waiting', async () => {
  const slow = (version: number) => registry({ one: fixture('slow-start', 1_500, version) });
  const rea = await startRea({ config: slow(0), ...AUTO });
  await ready(rea, 'one');
  const [tool] = (await names(rea)).filter((name) => name.startsWith('one__'));
  const pids = new Set<string>();
  let changes = 0;
  const caller = async () => {
    while (pids.size < 4) {
      const answer = await rea.call(tool ?? '');
      expect(answer.failure).toBeNull();
      pids.add(answer.text);
    }
  };
  const changer = async () => {
    while (pids.size < 4) {
      changes += 1;
      writeRegistry(rea.dir, slow(changes));
      rea.kill('SIGHUP');
      // Less than a start takes.
      await pause(200);
    }
  };
  await Promise.all([caller(), changer()]);
  await rea.stop();
});

test.concurrent('a lazy server that is replaced is idle until it is used', async () => {
  const lazy = (value: string) => ({ ...fixture('echo'), start: 'lazy', env: { SETTING: value } });
  const rea = await startRea({ config: registry({ lazy: lazy('a') }), ...AUTO });
  const old = await ready(rea, 'lazy');
  // One whose tools are not known yet would be started to learn them.
  await until(async () => (await names(rea)).includes('lazy__pid'), { what: 'its tools' });
  await rewrite(rea, registry({ lazy: lazy('b') }));
  await rea.waitForPhase('lazy', 'idle');
  expect(isAlive(old.pid ?? 0)).toBe(false);
  const { exit, text } = await rea.status();
  expect([exit, exit === 0 ? '' : text]).toEqual([0, '']);
  const pid = Number((await rea.call('lazy__pid')).text);
  expect(pid).not.toBe(old.pid);
  await rea.waitForServer('lazy', (one) => one.pid === pid, { what: 'used' });
  await rea.stop();
});

test.concurrent('of calls while their server is changed again and again none is lost and none made twice', {
  timeout: 1_800_000,
}, async () => {
  const file = join(makeDirectory(), 'effects');
  const config = (version: number) =>
    registry(
      { echo: fixture('echo', version), still: fixture('echo') },
      { max_concurrency: 32, max_queue: 1000 },
    );
  const rea = await startRea({ config: config(0), ...AUTO });
  const still = await ready(rea, 'still');
  const CALLS = soak(10_000);
  const CALLERS = 16;
  const CHANGES = soak(50);
  let made = 0;
  let changes = 0;
  const unlike: string[] = [];
  const caller = async () => {
    while (made < CALLS || changes < CHANGES) {
      made += 1;
      const answer = await rea.call('echo__side-effect', { file, text: String(made), ms: 2 });
      if (answer.text !== 'written') unlike.push(answer.raw);
    }
  };
  const changer = async () => {
    while (changes < CHANGES) {
      const share = (changes * CALLS) / CHANGES;
      await until(() => made > share, { limitMs: 200_000, what: `${share} calls` });
      await rewrite(rea, config(changes + 1));
      changes += 1;
    }
  };
  await Promise.all([changer(), ...Array.from({ length: CALLERS }, caller)]);
  expect(unlike).toEqual([]);
  const effects = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(effects).toHaveLength(made);
  expect(new Set(effects).size).toBe(made);
  expect(await ready(rea, 'still')).toEqual(still);
  await until(() => echoesOf(rea) === 2, { limitMs: LIMIT_MS, what: 'two processes' });
  await rea.stop();
  expect(processesOf(rea.dir)).toEqual([]);
});
