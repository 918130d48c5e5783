/** Programs that wait: many of them, files that flap, and what a person accepts of them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { accept } from '../support/pins.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { asks, evidencePath, identity, names, waitFor, writes } from '../support/reload-waiting.ts';
import { after, count, IN_FORCE, LIMIT_MS, rewrite, STAYS } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

test.concurrent('of seventy new servers none is executed; each is told, or counted where there are too many', async () => {
  const evidence = evidencePath();
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const one = await identity(rea, 'one');
  const many = Object.fromEntries(
    Array.from({ length: 70 }, (_, at) => [`n${at}`, writes(`${evidence}-${at}`)]),
  );
  await rewrite(rea, registry({ ...many, one: fixture('echo') }));
  const { waiting, more } = await rea.waitForState(
    ({ reload }) => reload.waiting.length > 0 && reload,
    { what: 'waiting servers', limitMs: LIMIT_MS },
  );
  expect(waiting.map(({ name }) => name)).toEqual(Object.keys(many).slice(0, 64));
  expect(more).toBe(6);
  // Each that is shown as a server needs room, which others must find as well.
  const { downstreams } = rea.state() ?? { downstreams: [] };
  expect(downstreams.filter(({ phase }) => phase === 'blocked')).toHaveLength(16);
  const all = Object.keys(many);
  expect(asks(rea)).toHaveLength(21);
  for (const [at, line] of asks(rea).slice(0, 20).entries()) {
    expect(line).toContain(`server "n${at}" is not started: its program is not pinned: `);
  }
  expect(asks(rea).at(-1)).toContain(`50 more servers wait: ${all.slice(20).join(' ')}`);
  expect(await identity(rea, 'one')).toEqual(one);
  for (const at of Object.keys(many).keys()) expect(existsSync(`${evidence}-${at}`)).toBe(false);
  await rewrite(rea, registry({ one: fixture('echo') }));
  await waitFor(rea, []);
  expect(rea.state()?.reload.more).toBe(0);
  await rea.stop();
});

test.concurrent('a file that flaps executes nothing, and the last of it is what waits', async () => {
  const evidence = evidencePath();
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const one = await identity(rea, 'one');
  for (let at = 0; at < 12; at += 1) {
    const evil = writes(`${evidence}-${at}`);
    const flap = { [`evil-${at}`]: evil, ...(at % 2 === 0 ? { one: evil } : {}) };
    const config = registry({ one: fixture('echo'), ...flap });
    // Some are seen by the gateway and some are gone before it looks.
    if (at % 3 === 0) await rewrite(rea, config);
    else writeRegistry(rea.dir, config);
  }
  const [waiting] = await waitFor(rea, ['evil-11']);
  expect(waiting?.what).toContain(`${evidence}-11`);
  for (let at = 0; at < 12; at += 1) expect(existsSync(`${evidence}-${at}`)).toBe(false);
  expect(await identity(rea, 'one')).toEqual(one);
  await rea.stop();
});

test.concurrent('what waits is told again only when it differs', async () => {
  const evidence = evidencePath();
  const one = fixture('echo');
  const evil = writes(evidence);
  const rea = await startRea({ config: registry({ one }) });
  await identity(rea, 'one');
  await rewrite(rea, registry({ one, evil }));
  const [first] = await waitFor(rea, ['evil']);
  await rewrite(rea, registry({ evil: { ...evil, call_timeout_ms: 5_000 }, one }));
  await rewrite(rea, `# the same\n${JSON.stringify(registry({ one, evil }))}`);
  expect(await waitFor(rea, ['evil'])).toEqual([first]);
  expect(asks(rea)).toHaveLength(1);
  const other = { ...evil, args: [...(evil.args ?? []), 'other'] };
  await rewrite(rea, registry({ one, evil: other }));
  await until(() => asks(rea).length === 2, { limitMs: LIMIT_MS, what: 'another question' });
  expect(asks(rea)[1]).toMatch(/sleep 60' other \(/);
  expect(existsSync(evidence)).toBe(false);
  await rea.stop();
});

test.concurrent('nothing of a file that is refused is accepted, and what waits is still shown', async () => {
  const evidence = evidencePath();
  const one = fixture('echo');
  const rea = await startRea({ config: registry({ one }) });
  await identity(rea, 'one');
  const config = registry({ one, evil: writes(evidence) });
  await rewrite(rea, config);
  const waiting = await waitFor(rea, ['evil']);
  const text = JSON.stringify(config);
  // Found by the gateway itself, and then asked for.
  await after(rea, () => writeRegistry(rea.dir, text.slice(0, -10)), STAYS);
  await after(rea, () => rea.kill('SIGHUP'), STAYS);
  const refused = await runRea(['pins', 'accept', 'evil', '--cwd', rea.dir]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('.rea/registry.yaml') });
  const large = { ...one, max_message_bytes: 50_000_000 };
  const tooLarge = registry({ one: large, evil: writes(evidence) }, { threads: { heap_mb: 128 } });
  await after(rea, () => writeRegistry(rea.dir, tooLarge), STAYS);
  await after(rea, () => rea.kill('SIGHUP'), STAYS);
  await rewrite(rea, text);
  expect(await waitFor(rea, ['evil'])).toEqual(waiting);
  expect(existsSync(evidence)).toBe(false);
  await rea.stop();
});

test.concurrent('accepted is what was in the file then, not what is written while that is put off', async () => {
  const evidence = evidencePath();
  const gates = makeDirectory();
  const open = (version: number) => writeFileSync(join(gates, String(version)), '');
  const slow = (version: number) => fixture('start-on-demand', join(gates, String(version)));
  open(0);
  open(2);
  const rea = await startRea({ config: registry({ one: slow(0) }) });
  await rea.waitForPhase('one', 'ready');
  const [tool = ''] = (await names(rea)).filter((name) => name.startsWith('one__'));
  await rewrite(rea, registry({ one: slow(1) }));
  await accept(rea.dir, 'one');
  // A call waits for the server that is starting: what would replace it is put off.
  const call = rea.begin(tool);
  await rea.waitForServer('one', ({ queued, phase }) => queued === 1 && phase === 'starting', {
    what: 'starting and waited for',
  });
  await rewrite(rea, registry({ one: slow(2) }));
  await waitFor(rea, ['one']);
  const inForce = count(rea, IN_FORCE);
  await accept(rea.dir, 'one');
  await after(
    rea,
    () => writeRegistry(rea.dir, registry({ one: slow(2), evil: writes(evidence) })),
    '"why":"a file has changed"',
  );
  expect(count(rea, IN_FORCE)).toBe(inForce);
  open(1);
  expect((await call.answer).failure).toBeNull();
  await waitFor(rea, ['evil']);
  const pid = Number((await rea.call(tool)).text);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toContain(join(gates, '2'));
  expect(existsSync(evidence)).toBe(false);
  await rea.stop();
});

test.concurrent('a change while the gateway starts is measured by what it starts with', async () => {
  const evidence = evidencePath();
  const dir = makeDirectory();
  const one = fixture('echo');
  writeRegistry(dir, registry({ one }));
  writeFileSync(join(dir, '.rea', 'policy.yaml'), 'installed_by: somebody\n', { mode: 0o600 });
  const rea = await startRea({ cwd: dir, initialize: false });
  // Told between the reading of the file and the first start of a server.
  await rea.waitForLog('installed_by: has no effect on the gateway');
  writeRegistry(dir, registry({ one, evil: writes(evidence) }));
  await rea.initialize();
  await waitFor(rea, ['evil']);
  expect(existsSync(evidence)).toBe(false);
  await rea.stop();
});
