/**
 * A change of the file alone starts no program and reaches no address that this run did not start with:
 * it waits for a person, is shown as waiting, and everything else of the change is put in force.
 */
import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import {
  fixture,
  fixturePath,
  type Registry,
  registry,
  type ServerSpec,
} from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 30_000 });
afterEach(tidy);

const LIMIT_MS = 30_000;
const IN_FORCE = '"msg":"the configuration is in force"';
const STAYS = '"msg":"the earlier configuration stays in force"';

type Waiting = StateSnapshot['reload']['waiting'];

function count(rea: Rea, text: string): number {
  return rea.stderr.split(text).length - 1;
}

/** Does something, and waits until the gateway has judged what is in the file then. */
async function after(rea: Rea, change: () => void, verdict = IN_FORCE): Promise<void> {
  const before = count(rea, verdict);
  change();
  await until(() => count(rea, verdict) > before, { limitMs: LIMIT_MS, what: verdict });
}

const rewrite = (rea: Rea, config: Registry | string) =>
  after(rea, () => writeRegistry(rea.dir, config));

/** Waits until just these servers are shown as waiting. */
function waitFor(rea: Rea, names: readonly string[]): Promise<Waiting> {
  return rea.waitForState(
    ({ reload }) =>
      reload.waiting.map(({ name }) => name).join() === names.join() && reload.waiting,
    { what: `waiting: ${names.join()}`, limitMs: LIMIT_MS },
  );
}

/** Warnings of the log, as text. */
function warnings(rea: Rea): string[] {
  return rea.stderr
    .split('\n')
    .filter((line) => line.includes('"level":"warn"'))
    .map((line) => JSON.parse(line).msg);
}

const asks = (rea: Rea) => warnings(rea).filter((line) => line.includes('kill -HUP'));

/** An echo server that leaves a file when it is executed, whatever happens to it then. */
function telltale(file: string, ...more: readonly string[]): ServerSpec {
  return fixture('echo', ...more, '--journal', file);
}

async function identity(rea: Rea, name: string) {
  const { pid, incarnation, since, restarts } = await rea.waitForPhase(name, 'ready');
  return { pid, incarnation, since, restarts };
}

async function names(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}

test('a new program waits, is told with its command line, and runs once a person says so', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const one = await identity(rea, 'one');
  const evidence = join(makeDirectory(), 'executed');
  const evil = { command: '/bin/sh', args: ['-c', `echo ran > ${evidence}; sleep 60`] };
  const config = registry({
    evil: telltaleAfter(evil),
    one: { ...fixture('echo'), prefix: 'uno' },
  });
  await rewrite(rea, config);
  const [waiting] = await waitFor(rea, ['evil']);
  expect(waiting).toMatchObject({ name: 'evil', change: 'new' });
  expect(Date.parse(waiting?.since ?? '')).toBeGreaterThan(Date.parse(one.since));
  // What else there was in the change is in force.
  const listed = await names(rea);
  expect(listed).toContain('uno__echo');
  expect(listed.filter((name) => name.includes('evil'))).toEqual([]);
  const unknown = await rea.call('evil__echo', { text: 'x' });
  expect(unknown.message.error).toMatchObject({ code: -32602 });
  expect(rea.state()?.downstreams.map(({ name }) => name)).toEqual(['one']);
  expect(await identity(rea, 'one')).toEqual(one);

  const [told, ...others] = asks(rea);
  expect(others).toEqual([]);
  expect(told).toContain('.rea/registry.yaml: server "evil" waits');
  expect(told).toContain(`/bin/sh -c 'echo ran > ${evidence}; sleep 60'`);
  expect(told).toContain(`kill -HUP ${rea.pid}, or restart rea serve`);
  expect(waiting?.what).toContain(`/bin/sh -c 'echo ran > ${evidence}; sleep 60'`);
  const { exit, json } = await rea.status();
  expect(exit).toBe(1);
  expect(json.serve.reload.waiting).toEqual([waiting]);
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  expect(stdout).toContain(`kill -HUP ${rea.pid}`);
  expect(stdout).toContain('evil');
  expect(existsSync(evidence)).toBe(false);

  await after(rea, () => rea.kill('SIGHUP'));
  await until(() => existsSync(evidence), { limitMs: LIMIT_MS, what: 'the program to run' });
  await waitFor(rea, []);
  expect(rea.stderr).toContain('server \\"evil\\" is taken at SIGHUP: ');
  expect(asks(rea)).toHaveLength(1);
  await rea.stop();
});

/** A program that is no server; what becomes of it does not matter. */
function telltaleAfter(program: ServerSpec): ServerSpec {
  return { ...program, restart: { intensity: 1, backoff_ms: 60_000, backoff_max_ms: 60_000 } };
}
