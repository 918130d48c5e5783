/** Calls go on while a person restarts, disables, enables, adds and removes servers again and again. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { processesOf } from '../support/processes.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, fixturePath, registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 400_000, hookTimeout: 60_000 });

afterAll(tidy);

/** Some are only restarted, so that no call of theirs may be refused. */
const STAY = ['s0', 's1', 's2', 's3'] as const;
const COME_AND_GO = ['s4', 's5', 's6'] as const;
const ADDED = 's7';
const ALL = [...STAY, ...COME_AND_GO, ADDED];
const CALLS = SOAKS ? 10_000 : 400;
const ROUNDS = SOAKS ? 30 : 2;
const CALLERS = 16;

test('no call is lost, none is made twice, and none is refused but for a server that is off', {
  timeout: 1_800_000,
}, async () => {
  const files = makeDirectory();
  const servers = Object.fromEntries(
    [...STAY, ...COME_AND_GO].map((name) => [name, fixture('echo')]),
  );
  const rea = await startRea({
    config: registry(servers, { max_concurrency: 32, max_queue: 1000 }),
  });
  await rea.tools();
  const effectsOf = (server: string) => join(files, server);
  let made = 0;
  let rounds = 0;
  const written = new Map<string, string>();
  const refused = new Set<string>();
  const wrong: string[] = [];
  const caller = async () => {
    while (made < CALLS || rounds < ROUNDS) {
      made += 1;
      const id = String(made);
      const server = ALL[made % ALL.length] ?? ADDED;
      const answer = await rea.call(`${server}__side-effect`, {
        file: effectsOf(server),
        text: id,
        ms: 2,
      });
      const isOff = answer.failure?.outcome === 'not_sent' || answer.message.error?.code === -32602;
      if (answer.text === 'written') written.set(id, server);
      else if (isOff && !STAY.some((one) => one === server)) refused.add(id);
      else wrong.push(`${server}: ${answer.raw}`);
    }
  };
  const verb = async (name: string, server: string, ...rest: string[]) => {
    let args = [name, '--cwd', rea.dir, server, ...rest];
    for (;;) {
      const { code, stderr } = await runRea(args);
      // On a busy machine the gateway may be silent for 1.5 s; the file is written all the same.
      if (code !== 4) return expect([args, code, code === 0 ? '' : stderr]).toEqual([args, 0, '']);
      if (name !== 'restart') args = ['reload', '--cwd', rea.dir];
    }
  };
  const operator = async () => {
    while (made < CALLS || rounds < ROUNDS) {
      const stays = STAY[rounds % STAY.length] ?? 's0';
      const goes = COME_AND_GO[rounds % COME_AND_GO.length] ?? 's4';
      await Promise.all([verb('restart', stays), verb('disable', goes)]);
      await verb('add', ADDED, '--', process.execPath, fixturePath('echo'));
      await Promise.all([verb('enable', goes), verb('restart', 's3')]);
      await verb('remove', ADDED);
      rounds += 1;
    }
  };
  await Promise.all([operator(), ...Array.from({ length: CALLERS }, caller)]);
  expect(wrong).toEqual([]);
  expect(written.size + refused.size).toBe(made);
  // What was answered `written` was done once, and what was refused not at all.
  const effects = ALL.flatMap((server) => {
    const file = effectsOf(server);
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    return lines.map((id) => `${server} ${id}`);
  });
  expect(effects.toSorted()).toEqual(
    [...written].map(([id, server]) => `${server} ${id}`).toSorted(),
  );
  expect([written.size > CALLS / 2, refused.size > 0]).toEqual([true, true]);
  await rea.stop();
  expect(processesOf(rea.dir)).toEqual([]);
});
