/** The process has no file descriptor left: nothing works that needs one, and nothing ends because of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { stateDirectory } from '#src/main/processes/state-directory.ts';
import { environment, FAST_CLOCKS } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const LOOK = 'main looks at a thread';

test.concurrent('a gateway without file descriptors goes on, and serves as before once there are some', async () => {
  const rea = await startTold();
  await rea.waitForPhase('echo', 'ready');
  const { incarnation } = await rea.waitForServer('echo', ({ thread }) => thread.heap_mb !== null, {
    what: 'having been looked at',
  });

  await withoutFiles(rea);
  expect(rea.stderr).not.toContain('could not be looked at');

  await until(async () => (await rea.call('echo__echo', { text: 'back' })).text === 'back', {
    what: 'a call to be served again',
  });
  const seq = rea.state()?.seq ?? 0;
  const record = await rea.waitForState(
    (state) => state.seq > seq && state.downstreams.find(({ name }) => name === 'echo'),
    { what: 'a newer picture' },
  );
  expect(record).toMatchObject({ incarnation, thread: { state: 'running', restarts: 0 } });
});

test.concurrent('definitions that come while there are none are pinned afterwards', async () => {
  const dir = makeDirectory();
  const file = (name: string) => join(dir, name);
  const define = (...names: string[]) =>
    writeFileSync(file('told'), JSON.stringify({ tools: names.map((name) => ({ name })) }));
  define('first');
  writeFileSync(file('gate'), '');
  const files = { definitions: 'told', 'announce-without': 'gate', journal: 'journal' };
  const options = Object.entries(files).flatMap(([name, path]) => [`--${name}`, file(path)]);
  const rea = await startTold(fixture('drifts', ...options), dir);
  const pins = join(stateDirectory({ cwd: rea.dir, env: environment() }), 'pins.json');
  const isPinned = (name: string) => existsSync(pins) && readFileSync(pins, 'utf8').includes(name);
  await until(() => isPinned('first'), { what: 'what came first to be pinned' });
  const lists = () => readFileSync(file('journal'), 'utf8').split('"tools/list"').length;
  const before = lists();
  await withoutFiles(rea, async () => {
    define('first', 'second');
    rmSync(file('gate'));
    await until(() => lists() > before, { what: 'the new list to be asked for' });
  });
  await until(() => isPinned('second'), { what: 'the new definitions to be pinned' });
  const served = await until(async () => (await rea.call('echo__second')).text === 'second', {
    what: 'a call to be served again',
  });
  expect(served).toBe(true);
});

function startTold(server: ServerSpec = fixture('echo'), cwd = makeDirectory()): Promise<Rea> {
  const teller = new URL('../support/tell-probes.mjs', import.meta.url).href;
  return startRea({
    cwd,
    config: registry({ echo: server }),
    env: { ...FAST_CLOCKS, NODE_OPTIONS: `--import=${teller}` },
  });
}

/** Until main has looked at both kinds of threads, twice: the first looks have been answered by then. */
async function withoutFiles(rea: Rea, meanwhile?: () => Promise<void>): Promise<void> {
  const limit = openFilesLimit(rea);
  setOpenFilesLimit(rea, '4');
  const looks = () => rea.stderr.split(LOOK).length;
  await meanwhile?.();
  const before = looks();
  await until(() => rea.exit ?? looks() >= before + 4, {
    limitMs: 40_000,
    what: 'main to have looked at its threads',
  });
  expect(rea.exit, rea.stderr).toBeNull();
  setOpenFilesLimit(rea, limit);
}

function openFilesLimit({ pid }: Rea): string {
  const columns = ['--nofile', '--output=SOFT', '--noheadings'];
  return execFileSync('prlimit', ['--pid', String(pid), ...columns], { encoding: 'utf8' }).trim();
}

/** The soft limit alone: descriptors that are open stay, and no further one is given out. */
function setOpenFilesLimit({ pid }: Rea, limit: string): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
}
