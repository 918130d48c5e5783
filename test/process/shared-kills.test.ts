/**
 * The gateway that sessions share is killed again and again under load: every call gets one answer, nothing is done
 * twice, the sessions go on, and nobody is left at the end.
 */
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { processesOf } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

const HOUSES = SOAKS ? 8 : 1;
const KILLS = SOAKS ? 200 / HOUSES : 3;
const SESSIONS = 4;
/** Calls that each session has open at a time. */
const OPEN = 3;
/** A gateway is killed by then: as soon as its process is there, while it starts, or when it has been up for a while. */
const LONGEST_LIVES_MS = SOAKS ? [500, 0, 2_000, 15_000] : [500, 0, 2_000];

vi.setConfig({ testTimeout: 180_000 + KILLS * 40_000, hookTimeout: 60_000 });
afterAll(tidy);

const SERVERS = ['one', 'two'] as const;
const CONFIG = registry(
  { one: fixture('echo'), two: fixture('echo') },
  { idle_exit_ms: 1000, max_queue: 1000 },
);

test(`a shared gateway that is killed at ${HOUSES * KILLS} random moments`, async () => {
  await Promise.all(Array.from({ length: HOUSES }, house));
});

async function house(): Promise<void> {
  const cwd = makeDirectory();
  const sessions = await Promise.all(
    Array.from({ length: SESSIONS }, (_, at) =>
      startRea({ cwd, args: ['--shared'], ...(at === 0 ? { config: CONFIG } : {}) }),
    ),
  );
  const fileOf = (server: string) => join(cwd, `${server}.effects`);
  const ended = new Map<string, string>();
  const written = () => [...ended.values()].filter((how) => how === 'written').length;
  let kills = 0;
  let made = 0;
  const caller = async (rea: Rea) => {
    while (kills < KILLS) {
      made += 1;
      const text = String(made);
      const server = SERVERS[made % SERVERS.length] ?? 'one';
      const args = { file: fileOf(server), text, ms: made % 7 };
      const { text: said, failure, raw } = await rea.call(`${server}__side-effect`, args);
      ended.set(`${server} ${text}`, said === 'written' ? said : (failure?.outcome ?? raw));
    }
  };
  const killer = async () => {
    for (let last = 0; kills < KILLS; kills += 1) {
      const [limit = 0] = LONGEST_LIVES_MS.slice(kills % LONGEST_LIVES_MS.length);
      const { pid } = await until(() => gatewaysOf(cwd).find((one) => one.pid !== last) ?? null, {
        what: `gateway ${kills + 1}`,
        limitMs: 120_000,
      });
      // Killed five times in a row while it comes up it is given up, as it is meant to be.
      const before = written();
      if (limit === Math.max(...LONGEST_LIVES_MS)) {
        await until(() => written() > before, { what: 'it to serve', limitMs: 120_000 });
      }
      await pause(Math.random() * limit);
      last = pid;
      killOne(pid);
    }
  };
  await Promise.all([
    killer(),
    ...sessions.flatMap((rea) => Array.from({ length: OPEN }, () => caller(rea))),
  ]);
  const pids = await Promise.all(sessions.map(async (rea) => (await rea.call('one__pid')).text));
  expect([new Set(pids).size, pids[0]]).toEqual([1, expect.stringMatching(/^\d+$/)]);

  expect(ended.size).toBe(made);
  const of = (outcome: string) => [...ended].flatMap(([id, how]) => (how === outcome ? [id] : []));
  const known = [of('written'), of('unknown'), of('not_sent')].flat();
  expect([...ended].filter(([id]) => !known.includes(id))).toEqual([]);
  const effects = SERVERS.flatMap((server) =>
    linesOf(fileOf(server)).map((id) => `${server} ${id}`),
  );
  const done = new Set(effects);
  expect(effects).toHaveLength(done.size);
  expect(of('written').filter((id) => !done.has(id))).toEqual([]);
  expect(of('not_sent').filter((id) => done.has(id))).toEqual([]);

  for (const rea of sessions) {
    expect(rea.wire.faults).toEqual([]);
    expect(await rea.stop()).toEqual({ code: 0, signal: null });
  }
  await until(() => processesOf(cwd).length === 0, { what: 'the end of gateway and servers' });
  await nextTakesAway(cwd);
}

/** A gateway that is killed while it writes its first file leaves that; whoever starts a minute later removes it. */
async function nextTakesAway(cwd: string): Promise<void> {
  const run = join(cwd, '.rea', 'run');
  const names = () => readdirSync(run).filter((name) => name !== 'last.json');
  expect(names().filter((name) => !/^\..+\.tmp$/.test(name))).toEqual([]);
  const then = new Date(Date.now() - 120_000);
  for (const name of names()) utimesSync(join(run, name), then, then);
  const rea = await startRea({ cwd, args: ['--shared'] });
  expect((await rea.call('one__echo', { text: 'well' })).text).toBe('well');
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  await until(() => processesOf(cwd).length === 0, { what: 'the end of the last gateway' });
  expect(names()).toEqual([]);
}

function gatewaysOf(dir: string) {
  return processesOf(dir).filter(({ command }) => command.includes('--detached'));
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}
