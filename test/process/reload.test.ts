/** The configuration of a running gateway changes: what differs is done, and nothing else is touched. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import type { DownstreamSnapshot } from '#src/shared/model/snapshot.ts';
import { isAlive } from '../support/processes.ts';
import { type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import {
  AUTO,
  after,
  CHANGED,
  changes,
  count,
  hold,
  IN_FORCE,
  LIMIT_MS,
  names,
  ready,
  rewrite,
  STAYS,
} from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 400_000, hookTimeout: 60_000 });

afterAll(tidy);

function waitForChange(rea: Rea, before: number): Promise<true> {
  return rea.waitForFrames(({ message }) => message.method === CHANGED, before + 1);
}

test.concurrent('a server that is added is started and listed, and clients are told; order, comments and form of the file are no change', async () => {
  const rea = await startRea({ ...AUTO, config: registry({ one: fixture('echo') }) });
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

  const both = [await ready(rea, 'one'), await ready(rea, 'two')];
  const { defaults, servers: entries } = registry({ two: fixture('echo'), one: fixture('echo') });
  const lines = entries.map((server) => `  # the same\n  - ${JSON.stringify(server)}\n`);
  await rewrite(
    rea,
    `# said otherwise\nservers:\n${lines.join('')}defaults: ${JSON.stringify(defaults)}\nversion: 1\n`,
  );
  const [judged = ''] = rea.stderr
    .split('\n')
    .filter((line) => line.includes(IN_FORCE))
    .slice(-1);
  expect(judged).toMatch(/"added":\[\],"removed":\[\],"restarted":\[\],"adjusted":\[\]/);
  await rea.waitForState(({ downstreams }) => downstreams[0]?.name === 'two', {
    what: 'the order',
  });
  expect([await ready(rea, 'one'), await ready(rea, 'two')]).toEqual(both);
  const { downstreams } = JSON.parse((await rea.call('__rea__health')).text);
  expect(downstreams.map(({ name }: { name: string }) => name)).toEqual(['two', 'one']);
  await rea.stop();
});

test.concurrent('a server that is removed ends its calls, then its processes, and is gone everywhere', async () => {
  const rea = await startRea({
    ...AUTO,
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

test.concurrent('only the server that changed is started anew; calls meanwhile wait for it, and those that waited before are made by the one that follows', async () => {
  const env = (value: string) => ({
    ...fixture('echo'),
    env: { SETTING: value },
    max_concurrency: 1,
  });
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

  const holdsAll = await hold(rea, 'two');
  const queued = [rea.begin('two__pid'), rea.begin('two__pid')];
  await rea.waitForServer('two', (server) => server.queued === 2, { what: 'waited for' });
  await rewrite(rea, registry({ one: fixture('echo'), two: env('c') }));
  await holdsAll.end();
  const pids = await Promise.all(queued.map(async ({ answer }) => Number((await answer).text)));
  expect(new Set(pids).size).toBe(1);
  expect(pids).not.toContain(anew);
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

test.concurrent('a file that is wrong as a whole changes nothing, each mistake is told, and the next good one counts', async () => {
  const rea = await startRea({ ...AUTO, config: registry({ one: fixture('echo') }) });
  const before = await ready(rea, 'one');
  const bad = 'version: "2"\nservers:\n  - name: one\n    comand: x\n  - {name: TWO, command: y}\n';
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
