/** Faults that people meet: the status names the cause of each, and the table of causes what to do. */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Cause, causeOf } from '#src/main/causes/causes.ts';
import type { DownstreamSnapshot } from '#src/shared/model/snapshot.ts';
import { type FaultyWorld, openFaultyWorld } from '../support/faulty-world.ts';
import { servePage } from '../support/page.ts';
import { FAULTY_ENV, type PlantedFault } from '../support/planted-faults.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

let world: FaultyWorld;
let rea: Rea;
let faults: Readonly<Record<string, PlantedFault>>;
/** By server, as the status tells them at the end. */
let servers: readonly any[];

beforeAll(async () => {
  const dir = makeDirectory();
  world = await openFaultyWorld(dir);
  faults = world.faults;
  const specs = Object.fromEntries(
    Object.entries(faults).map(([name, { server }]) => [name, server]),
  );
  // Those that are restarted keep their trouble meanwhile: none is stable before the end, and all soon fail for good.
  const restart = {
    ...QUICK.restart,
    intensity: 2,
    backoff_max_ms: 600_000,
    stable_ms: 600_000,
  };
  rea = await startRea({
    cwd: dir,
    config: registry({ good: fixture('echo'), ...specs }, { list_wait_ms: 200, restart }),
    env: FAULTY_ENV,
  });
  for (const name of Object.keys(faults)) {
    const isDown = ({ phase, last_error, last_exit }: DownstreamSnapshot) =>
      last_error !== null && (phase === 'failed' || last_exit?.reason === 'connect');
    await rea.waitForServer(name, isDown, { what: 'failing' });
  }
  const { json } = await rea.status();
  servers = json.serve.downstreams;
});
afterAll(async () => {
  await world.close();
  await tidy();
});

function causeNamed(name: string): Cause | null {
  return causeOf(servers.find((one) => one.name === name));
}

test('each cause is known, with what to do about it', () => {
  for (const [name, { why, action, reason = 'handshake' }] of Object.entries(faults)) {
    const cause = causeNamed(name);
    expect(cause?.why, name).toMatch(why);
    expect(cause?.action, name).toMatch(action);
    // Two rows at eighty columns.
    expect(cause?.action?.length, name).toBeLessThanOrEqual(100);
    const { last_exit } = servers.find((one) => one.name === name);
    expect(last_exit?.reason ?? null, name).toBe(reason);
  }
  expect(causeNamed('good')).toBeNull();
  expect(Object.keys(faults).length).toBe(33);
});

test.each([40, 80, 160])(
  'the status names each cause and what to do on %i columns',
  async (columns) => {
    const args = ['status', '--verbose', '--cwd', rea.dir];
    const page = (await onTerminal(args, { columns }).ended).replaceAll(/\s+/g, '');
    for (const name of Object.keys(faults)) {
      const { why = 'none', action = null } = causeNamed(name) ?? {};
      // The rest of a long one may be cut.
      const [first = ''] = why.slice(0, 120).split('; ');
      expect(page, name).toContain(first.replaceAll(/\s+/g, ''));
      expect(page, name).toContain(`→${action}`.replaceAll(/\s+/g, ''));
    }
  },
);

test('the page names the same causes and actions, and how each server stands', async () => {
  const { state } = await (await servePage(rea)).look();
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  expect(state.summary.text).toBe(stdout.split('\n', 1)[0]);
  const [{ servers: shown }] = state.gateways;
  for (const name of Object.keys(faults)) {
    const { word, notes } = shown.find((one: any) => one.name === name);
    const { why = '', action = null } = causeNamed(name) ?? {};
    expect(stdout, name).toMatch(new RegExp(`^${name} +${word}`, 'm'));
    // What a person reads is the lines of the status. A very long one is cut.
    expect(notes.at(-2).text.slice(0, 400), name).toContain(`  ${why}`.slice(0, 400));
    expect(notes.at(-1).text, name).toBe(`  → ${action}`);
    expect(stdout, name).toContain(notes.at(-1).text);
  }
});

test('the health tool says of each how the page and the status say that it stands', async () => {
  const page = await servePage(rea);
  // Those that cannot be connected to are tried again meanwhile.
  const same = await until(
    async () => {
      const [{ state }, { json }, { text }] = await Promise.all([
        page.look(),
        rea.status(),
        rea.call('__rea__health'),
      ]);
      const health: any[] = JSON.parse(text).downstreams;
      const [{ servers: shown }] = state.gateways;
      const told: any[] = json.serve.downstreams;
      const isSame = told.every(
        ({ name, phase, restarts, circuit_state: circuit, tools_count: tools }) => {
          const seen = shown.find((one: any) => one.name === name);
          const known = health.find((one) => one.name === name);
          const all = [known.phase, known.restarts, known.circuit_state, known.tools_count];
          const own = [phase, restarts, circuit, tools];
          const onPage = [phase, seen.restarts, seen.circuit, seen.tools];
          return isDeepStrictEqual(all, own) && isDeepStrictEqual(onPage, own);
        },
      );
      return isSame && told.length;
    },
    { what: 'the same of all' },
  );
  expect(same).toBe(Object.keys(faults).length + 1);
});

test('a refused call names the same cause and action', async () => {
  // These have listed tools, and others are not theirs.
  const tools: Readonly<Record<string, string>> = { crashes: 'pid', 'hangs-later': 'echo' };
  const calls = Object.keys(faults).map(async (name) => {
    const { message, failure } = await rea.call(`${name}__${tools[name] ?? 'anything'}`);
    return [name, JSON.stringify([message, failure])] as const;
  });
  for (const [name, said] of await Promise.all(calls)) {
    const { why = 'none', action = null } = causeNamed(name) ?? {};
    const [first = ''] = JSON.stringify(why).slice(1, -1).slice(0, 120).split('; ');
    expect(said, name).toContain(first);
    expect(said, name).toContain(`what helps: ${action}`);
  }
});

test('the doctor, who starts them anew, names the same causes and actions, word for word', async () => {
  const args = ['doctor', '--json', '--jobs', '8', '--cwd', rea.dir];
  const { code, stdout, stderr } = await runRea(args, { env: FAULTY_ENV });
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const { findings, servers: seen, gateways } = JSON.parse(stdout);
  for (const [name, { reason = 'handshake' }] of Object.entries(faults)) {
    const found = findings.filter((one: any) => one.subject === name && one.severity === 'error');
    expect(found, name).toHaveLength(1);
    const [{ why, action, code: told }] = found;
    const { why: shown = '', action: advice } = causeNamed(name) ?? {};
    // How long it was given depends on how busy it was.
    const timeless = (text: string) => text.replaceAll(/within \d+ ms/g, 'within N ms');
    expect(timeless(why), name).toBe(timeless(shown));
    expect(action, name).toBe(advice);
    expect(told, name).toBe(reason ?? 'entry');
  }
  const states = Object.fromEntries(seen.map(({ name, state }: any) => [name, state]));
  expect(states).toEqual({
    good: 'ok',
    ...Object.fromEntries(Object.keys(faults).map((name) => [name, 'failed'])),
  });
  expect(findings.filter((one: any) => one.subject === 'good')).toEqual([]);
  expect(gateways).toEqual([{ pid: rea.pid, situation: 'running' }]);
});

test('a file that cannot be read at a reload is named, with its line', async () => {
  writeRegistry(rea.dir, 'version: "1"\nservers: [\n');
  await rea.waitForState(({ reload }) => reload.problems?.refused === true, { what: 'refused' });
  for (const columns of [40, 80, 160]) {
    const page = await onTerminal(['status', '--cwd', rea.dir], { columns }).ended;
    expect(page.replaceAll(/\s+/g, '')).toMatch(/registry\.yaml:\d+:/);
  }
});
