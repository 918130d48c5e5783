/** The configuration of a running gateway changes: what differs is done, and nothing else is touched. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import type { DownstreamSnapshot } from '#src/shared/model/snapshot.ts';
import { Hold } from '../support/hold.ts';
import { isAlive, processesOf } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, type Registry, registry } from '../support/servers.ts';
import { soak } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 400_000, hookTimeout: 60_000 });
afterAll(tidy);

const LIMIT_MS = 45_000;
const IN_FORCE = '"msg":"the configuration is in force"';
const STAYS = '"msg":"the earlier configuration stays in force"';
const CHANGED = 'notifications/tools/list_changed';
/** New programs are put in force like anything else; reload-asks.test.ts is about those that wait. */
const AUTO = { args: ['--reload', 'auto'] };

function count(rea: Rea, text: string): number {
  return rea.stderr.split(text).length - 1;
}

/** Does something to the file, and waits until the gateway has judged what is there then. */
async function after(rea: Rea, change: () => void, verdict = IN_FORCE): Promise<void> {
  const before = count(rea, verdict);
  change();
  await until(() => count(rea, verdict) > before, { limitMs: LIMIT_MS, what: verdict });
}

const rewrite = (rea: Rea, config: Registry | string) =>
  after(rea, () => writeRegistry(rea.dir, config));

/** Who a server is: the same as long as it was not started again. */
function identity({ pid, incarnation, since, restarts }: DownstreamSnapshot) {
  return { pid, incarnation, since, restarts };
}

/** A call that is in flight until `end`. */
async function hold(rea: Rea, server: string) {
  const held = new Hold();
  const call = rea.begin(`${server}__hold`, held.args);
  await held.begun();
  const end = async () => {
    expect(call.answered()).toBe(false);
    held.end();
    expect((await call.answer).text).toBe('held');
  };
  return { end };
}

/** How often the client has been told that the tools have changed. */
function changes(rea: Rea): number {
  return rea.wire.notifications(CHANGED).length;
}

function waitForChange(rea: Rea, before: number): Promise<true> {
  return rea.waitForFrames(({ message }) => message.method === CHANGED, before + 1);
}

async function ready(rea: Rea, name: string) {
  return identity(await rea.waitForPhase(name, 'ready'));
}

async function names(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}

test.concurrent('a server that is added is started and listed, and clients are told', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const before = await ready(rea, 'one');
  expect(await names(rea)).not.toContain('two__echo');
  const told = changes(rea);
  await rewrite(rea, registry({ one: fixture('echo'), two: fixture('echo') }));
  await waitForChange(rea, told);
  expect(await names(rea)).toContain('two__echo');
  expect((await rea.call('two__echo', { text: 'new' })).text).toBe('new');
  expect(await ready(rea, 'one')).toEqual(before);
  const servers = await rea.waitForState(
    ({ downstreams }) => downstreams.length === 2 && downstreams.map(({ name }) => name),
    { what: 'two servers' },
  );
  expect(servers).toEqual(['one', 'two']);
  await rea.stop();
});

test.concurrent('a server that is removed ends its calls, then its processes, and is gone everywhere', async () => {
  const rea = await startRea({
    config: registry({ one: fixture('echo'), two: fixture('wrapper', 'keeps') }),
    env: { REA_METRICS_PORT: '0' },
  });
  const config = registry({ one: fixture('echo'), old: fixture('echo') });
  await rewrite(rea, config);
  await ready(rea, 'old');
  const kept = await ready(rea, 'one');
  const scrape = async () => {
    const { metrics_port: port } = rea.state() ?? {};
    return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  };
  const pid = Number((await rea.call('old__pid')).text);
  expect(await scrape()).toContain('rea_server_phase{server="old",phase="ready"} 1');
  const inFlight = await hold(rea, 'old');
  const told = changes(rea);
  await rewrite(rea, registry({ one: fixture('echo') }));
  expect(isAlive(pid)).toBe(true);
  await waitForChange(rea, told);
  expect(await names(rea)).not.toContain('old__hold');
  expect((await rea.call('old__echo', { text: 'x' })).message.error).toMatchObject({
    code: -32602,
  });
  await inFlight.end();
  await until(() => !isAlive(pid), { limitMs: LIMIT_MS, what: 'the removed server to be gone' });
  await rea.waitForState(({ downstreams }) => downstreams.length === 1, { what: 'one server' });
  const after = await scrape();
  expect(after).toContain('rea_server_phase{server="one",phase="ready"} 1');
  expect(after).not.toContain('rea_server_phase{server="old"');
  expect(await ready(rea, 'one')).toEqual(kept);
  await rea.stop();
});

test.concurrent('only the server that changed is started anew; calls meanwhile wait for it', async () => {
  const env = (value: string) => ({ ...fixture('echo'), env: { SETTING: value } });
  const rea = await startRea({
    config: registry({ one: fixture('echo'), two: env('a') }),
    ...AUTO,
  });
  const one = await ready(rea, 'one');
  const old = Number((await rea.call('two__pid')).text);
  const inFlight = await hold(rea, 'two');
  await rewrite(rea, registry({ one: fixture('echo'), two: env('b') }));
  const waiting = rea.begin('two__pid');
  await rea.waitForServer('two', ({ queued }) => queued === 1, { what: 'waited for' });
  expect(isAlive(old)).toBe(true);
  await inFlight.end();
  const anew = Number((await waiting.answer).text);
  expect(anew).not.toBe(old);
  // One process at a time: that of before was gone when the next one answered.
  expect(isAlive(old)).toBe(false);
  const isAnew = ({ pid, phase }: DownstreamSnapshot) => pid === anew && phase === 'ready';
  const two = await rea.waitForServer('two', isAnew, { what: 'anew' });
  expect(two).toMatchObject({ phase: 'ready', restarts: 0, last_error: null, errors: 0 });
  expect(await ready(rea, 'one')).toEqual(one);
  await rea.stop();
});

test.concurrent('what waits at a server that is replaced is made by the one that follows', async () => {
  const env = (value: string) => ({
    one: { ...fixture('echo'), env: { SETTING: value }, max_concurrency: 1 },
  });
  const rea = await startRea({ config: registry(env('a')), ...AUTO });
  const old = Number((await rea.call('one__pid')).text);
  const inFlight = await hold(rea, 'one');
  const waiting = [rea.begin('one__pid'), rea.begin('one__pid')];
  await rea.waitForServer('one', ({ queued }) => queued === 2, { what: 'waited for' });
  await rewrite(rea, registry(env('b')));
  await inFlight.end();
  const pids = await Promise.all(waiting.map(async ({ answer }) => Number((await answer).text)));
  expect(new Set(pids).size).toBe(1);
  expect(pids).not.toContain(old);
  await rea.stop();
});

test.concurrent('settings that the server has no part in are changed without it', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo'), two: fixture('echo') }) });
  const before = [await ready(rea, 'one'), await ready(rea, 'two')];
  const [pid] = before.map((server) => server.pid);
  const other = {
    ...fixture('echo'),
    call_timeout_ms: 3_000,
    prefix: 'uno',
    tools: { deny: ['log'] },
  };
  const told = changes(rea);
  await rewrite(rea, registry({ two: fixture('echo'), one: other }));
  await waitForChange(rea, told);
  const listed = await names(rea);
  expect(listed).toContain('uno__pid');
  expect(listed).not.toContain('uno__log');
  expect(listed.filter((name) => name.startsWith('one__'))).toEqual([]);
  // In the order of the file.
  expect(listed.indexOf('two__pid')).toBeLessThan(listed.indexOf('uno__pid'));
  expect(Number((await rea.call('uno__pid')).text)).toBe(pid);
  const late = await rea.call('uno__sleep', { ms: 60_000 });
  expect(late.failure).toMatchObject({ code: 'ERR_TIMEOUT', outcome: 'unknown' });
  // What was not allowed can be again.
  await rewrite(
    rea,
    registry({ one: { ...fixture('echo'), idle_stop_ms: 200 }, two: fixture('echo') }),
  );
  expect(await names(rea)).toContain('one__log');
  expect(await ready(rea, 'two')).toEqual(before[1]);
  await rea.waitForPhase('one', 'idle');
  await rea.stop();
});

test.concurrent('order, comments and form of the file are no change', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo'), two: fixture('echo') }) });
  const before = [await ready(rea, 'one'), await ready(rea, 'two')];
  const { defaults, servers } = registry({ two: fixture('echo'), one: fixture('echo') });
  const lines = servers.map((server) => `  # the same\n  - ${JSON.stringify(server)}\n`);
  await rewrite(
    rea,
    `# said otherwise\nservers:\n${lines.join('')}defaults: ${JSON.stringify(defaults)}\nversion: 1\n`,
  );
  expect(rea.stderr).toMatch(/"added":\[\],"removed":\[\],"restarted":\[\],"adjusted":\[\]/);
  await rea.waitForState(({ downstreams }) => downstreams[0]?.name === 'two', {
    what: 'the order',
  });
  expect([await ready(rea, 'one'), await ready(rea, 'two')]).toEqual(before);
  const { downstreams } = JSON.parse((await rea.call('__rea__health')).text);
  expect(downstreams.map(({ name }: { name: string }) => name)).toEqual(['two', 'one']);
  await rea.stop();
});

test.concurrent('a file with mistakes changes nothing, each of them is told, and the next good one counts', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const before = await ready(rea, 'one');
  const bad = 'version: "1"\nservers:\n  - name: one\n    comand: x\n  - {name: TWO, command: y}\n';
  await after(rea, () => writeRegistry(rea.dir, bad), STAYS);
  expect(rea.stderr).toContain(
    '.rea/registry.yaml:4: servers[0].comand: unknown key; did you mean',
  );
  expect(rea.stderr).toContain('.rea/registry.yaml:5: servers[1].name');
  await after(
    rea,
    () => writeFileSync(join(rea.dir, '.rea', 'policy.yaml'), 'nonsense: 1\n'),
    STAYS,
  );
  expect(rea.stderr).toContain('.rea/policy.yaml:1: nonsense: unknown key');
  rmSync(join(rea.dir, '.rea', 'policy.yaml'));
  await after(rea, () => rmSync(join(rea.dir, '.rea', 'registry.yaml')), STAYS);
  await rea.waitForLog('.rea/registry.yaml: is gone; put it back');
  expect((await rea.call('one__echo', { text: 'goes on' })).text).toBe('goes on');
  await rewrite(rea, registry({ one: fixture('echo'), two: fixture('echo') }));
  expect((await rea.call('two__echo', { text: 'new' })).text).toBe('new');
  expect(await ready(rea, 'one')).toEqual(before);
  await rea.stop();
});

test.concurrent('a file is seen that is replaced, written in two steps, gone for a moment, or led to by a link', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const before = await ready(rea, 'one');
  const file = join(rea.dir, '.rea', 'registry.yaml');
  const text = (name: string) =>
    JSON.stringify(registry({ one: fixture('echo'), [name]: fixture('echo') }), null, 2);
  const has = async (name: string) => {
    await rea.waitForState(({ downstreams }) => downstreams.some((one) => one.name === name), {
      what: name,
      limitMs: LIMIT_MS,
    });
  };
  const replace = (name: string) => {
    writeFileSync(`${file}~`, text(name), { mode: 0o600 });
    renameSync(`${file}~`, file);
  };
  replace('by-rename');
  await has('by-rename');
  replace('by-rename-again');
  await has('by-rename-again');

  const whole = text('in-two-steps');
  writeFileSync(file, whole.slice(0, 100));
  writeFileSync(file, whole);
  await has('in-two-steps');

  renameSync(file, `${file}.old`);
  replace('back-again');
  await has('back-again');

  const first = join(rea.dir, 'first');
  const second = join(rea.dir, 'second');
  for (const [dir, name] of [
    [first, 'by-link'],
    [second, 'by-other-link'],
  ] as const) {
    mkdirSync(dir);
    writeFileSync(join(dir, 'registry.yaml'), text(name));
  }
  symlinkSync(first, join(rea.dir, 'current'));
  rmSync(file);
  symlinkSync(join(rea.dir, 'current', 'registry.yaml'), file);
  await has('by-link');
  symlinkSync(second, join(rea.dir, 'next'));
  renameSync(join(rea.dir, 'next'), join(rea.dir, 'current'));
  await has('by-other-link');
  expect(count(rea, STAYS)).toBe(0);
  expect(await ready(rea, 'one')).toEqual(before);
  rea.expectForeignFiles(['registry.yaml.old']);
  await rea.stop();
});

test.concurrent('SIGHUP reads the file again, also one that is named on the command line', async () => {
  const dir = makeDirectory();
  const file = join(dir, 'other.yaml');
  writeFileSync(file, JSON.stringify(registry({ one: fixture('echo') })));
  const rea = await startRea({ cwd: dir, args: ['--config', file] });
  const before = await ready(rea, 'one');
  await after(rea, () => rea.kill('SIGHUP'));
  expect(rea.stderr).toContain('"why":"SIGHUP"');
  expect(rea.stderr).toMatch(/"added":\[\],"removed":\[\],"restarted":\[\],"adjusted":\[\]/);
  await after(rea, () => {
    writeFileSync(file, JSON.stringify(registry({ one: fixture('echo'), two: fixture('echo') })));
    rea.kill('SIGHUP');
  });
  expect((await rea.call('two__echo', { text: 'new' })).text).toBe('new');
  expect(await ready(rea, 'one')).toEqual(before);
  await rea.stop();
});

test.concurrent('what only the start of the gateway looks at is told, and so is what there is no room for', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
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

test.concurrent('a policy that changes is in force at once', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  await ready(rea, 'one');
  expect((await rea.call('__rea__health')).text).not.toContain('last_exit');
  const policy = 'gateway: {health: {expose_diagnostics: true}}\n';
  await after(rea, () => writeFileSync(join(rea.dir, '.rea', 'policy.yaml'), policy));
  expect((await rea.call('__rea__health')).text).toContain('last_exit');
  rmSync(join(rea.dir, '.rea', 'policy.yaml'));
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
  await rewrite(rea, registry({ lazy: lazy('b') }));
  await rea.waitForPhase('lazy', 'idle');
  expect(isAlive(old.pid ?? 0)).toBe(false);
  expect((await rea.status()).exit).toBe(0);
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
