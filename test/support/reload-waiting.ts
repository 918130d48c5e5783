/** Changes of a configuration file whose programs wait for a person, and what is told of them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { makeDirectory, type Rea } from './rea-process.ts';
import { LIMIT_MS } from './reloading.ts';
import { type ServerSpec } from './servers.ts';
import { until } from './wait-for.ts';

export type Waiting = StateSnapshot['reload']['waiting'];

/** Waits until just these servers are shown as waiting. */
export function waitFor(rea: Rea, names: readonly string[]): Promise<Waiting> {
  return rea.waitForState(
    ({ reload }) =>
      reload.waiting.map(({ name }) => name).join() === names.join() && reload.waiting,
    { what: `waiting: ${names.join()}`, limitMs: LIMIT_MS },
  );
}

/** Warnings of the log, as text. */
export function warnings(rea: Rea): string[] {
  return rea.stderr
    .split('\n')
    .filter((line) => line.includes('"level":"warn"'))
    .map((line) => JSON.parse(line).msg);
}

export const asks = (rea: Rea) => warnings(rea).filter((line) => line.includes('rea pins accept'));

/** A program that leaves a file when it is executed; it is no server, and what becomes of it does not matter. */
export function writes(file: string): ServerSpec {
  return {
    command: '/bin/sh',
    args: ['-c', `echo ran >> ${file}; sleep 60`],
    // A list waits for it until it is given up.
    start_timeout_ms: 1_000,
    restart: { intensity: 1, backoff_ms: 60_000, backoff_max_ms: 60_000 },
  };
}

/** A path where nothing is yet. */
export function evidencePath(): string {
  return join(makeDirectory(), 'executed');
}

export function executed(file: string): Promise<true> {
  return until(() => existsSync(file), { limitMs: LIMIT_MS, what: `${file} to be written` });
}

export async function identity(rea: Rea, name: string) {
  const { pid, incarnation, since, restarts } = await rea.waitForPhase(name, 'ready');
  return { pid, incarnation, since, restarts };
}

export async function names(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}
