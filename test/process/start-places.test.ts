/** Who starts when many want to: servers that crash again and again leave room for those that are needed. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';

import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const PLACES = Math.max(2, availableParallelism());
const AT_ONCE = { intensity: 1000, period_ms: 3_600_000, backoff_ms: 1, backoff_max_ms: 1 };

/** One process of a server that never gets ready; `end` is Infinity while it lives. */
interface Life {
  readonly name: string;
  readonly begin: number;
  end: number;
}

function livesIn(file: string): Life[] {
  const lives: Life[] = [];
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  for (const line of text.split('\n').slice(0, -1)) {
    const [what = '', name = '', at = ''] = line.split(' ');
    if (what === 'begin') lives.push({ name, begin: Number(at), end: Number.POSITIVE_INFINITY });
    const life = lives.findLast((one) => one.name === name);
    if (what === 'end' && life !== undefined) life.end = Number(at);
  }
  return lives;
}

/** Servers that die `ms` after they have begun, and begin again at once. */
function dying(count: number, file: string, ms: number): Record<string, ServerSpec> {
  const names = Array.from({ length: count }, (_, at) => `dies-${at}`);
  return Object.fromEntries(
    names.map((name) => [name, { ...fixture('slow-death', file, name, ms), restart: AT_ONCE }]),
  );
}

test.concurrent('those that come back from a crash never start in all places at once', async () => {
  const dir = makeDirectory();
  const file = join(dir, 'lives');
  const count = PLACES + 1;
  const rea = await startRea({ cwd: dir, config: registry(dying(count, file, 300)) });
  const again = () => {
    const lives = livesIn(file);
    return lives.filter((life) => lives.find(({ name }) => name === life.name) !== life);
  };
  await until(() => again().length >= 2 * count, { limitMs: 100_000, what: 'many restarts' });
  await rea.stop();
  const restarts = again();
  const mostAtOnce = Math.max(
    ...restarts.map(({ begin }) => {
      return restarts.filter((one) => one.begin <= begin && one.end > begin).length;
    }),
  );
  expect(mostAtOnce).toBeLessThan(PLACES);
});

test.concurrent('those that were used last in the run before start first', async () => {
  const cwd = makeDirectory();
  const file = join(cwd, 'serve');
  const names = Array.from({ length: 10 }, (_, at) => `server-${at}`);
  const config = registry(
    Object.fromEntries(names.map((name) => [name, fixture('start-on-demand', file)])),
  );
  const allReady = (rea: Rea) =>
    rea.waitForState(({ downstreams }) => downstreams.every(({ phase }) => phase === 'ready'), {
      what: 'all being ready',
    });
  writeFileSync(file, '');
  const first = await startRea({ cwd, config });
  await allReady(first);
  // The last in the file, which would otherwise be the last to start.
  const used = names.slice(-5);
  for (const name of used) await first.call(`${name}__pid`);
  await first.stop();
  rmSync(file);
  const second = await startRea({ cwd, config, env: { REA_LOG_LEVEL: 'debug' } });
  await until(() => saidBy(second, 'starting').length === names.length, {
    what: 'all to have asked for a place',
  });
  writeFileSync(file, '');
  await allReady(second);
  // Whose thread is up first asks first, whoever it is. Of those that wait the one that was used last is next.
  const rank = (name: string) => used.indexOf(name);
  const waiting = new Set<string>();
  let choices = 0;
  for (const { msg, server } of saidBy(second, 'starting', 'may start')) {
    waiting.add(server);
    if (msg === 'starting') continue;
    const ranks = [...waiting].map(rank);
    expect(rank(server)).toBe(Math.max(...ranks));
    if (Math.min(...ranks) < rank(server)) choices += 1;
    waiting.delete(server);
  }
  expect(waiting).toEqual(new Set());
  expect(choices).toBeGreaterThan(0);
  await second.stop();
});

/** Who has said these things in the log, in order. */
function saidBy(rea: Rea, ...messages: readonly string[]): { msg: string; server: string }[] {
  return rea.stderr
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => messages.includes(msg));
}

test.concurrent('one that a call waits for starts beside them', async () => {
  const dir = makeDirectory();
  const file = join(dir, 'lives');
  // Each keeps its place for nearly as long as it may.
  const servers = { ...dying(PLACES, file, 4500), echo: { ...fixture('echo'), restart: AT_ONCE } };
  const rea = await startRea({ cwd: dir, config: registry(servers, { call_timeout_ms: 60_000 }) });
  await rea.waitForPhase('echo', 'ready');
  const startsBesides = async (): Promise<boolean> => {
    const before = livesIn(file).length;
    const begun = () => livesIn(file)[before];
    const other = await until(begun, { what: 'another one to begin' });
    const killed = (await rea.call('echo__pid')).text;
    killOne(Number(killed), 'SIGKILL');
    // A call that is made before the death is noticed ends with it.
    await until(
      async () => {
        const { failure, text } = await rea.call('echo__pid');
        return failure === null && text !== killed;
      },
      { what: 'the next process' },
    );
    return (
      livesIn(file).find(({ begin }) => begin === other.begin)?.end === Number.POSITIVE_INFINITY
    );
  };
  // From then on all of them come back from a crash.
  await until(() => livesIn(file).length > PLACES, { limitMs: 60_000, what: 'restarts' });
  let attempts = 0;
  // On a busy machine the other may have died before the server that was killed is ready again.
  while (attempts < 10 && !(await startsBesides())) attempts += 1;
  expect(attempts).toBeLessThan(10);
  await rea.stop();
});
