/** Many light servers behind one gateway, and in which threads they run. */
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Rea } from './rea-process.ts';
import type { ServerSpec } from './servers.ts';

const LIGHT = fileURLToPath(new URL('../fixtures/servers/light.sh', import.meta.url));

const light = (name: string): ServerSpec => ({ command: 'sh', args: [LIGHT, name] });
export const nameAt = (at: number) => `light-${at}`;

export function fleet(count: number): Record<string, ServerSpec> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [nameAt(at), light(nameAt(at))]),
  );
}

/** In how many threads the servers run. */
export function threadsOf(rea: Rea): number {
  const shares = rea.state()?.downstreams.map(({ thread }) => 1 / (thread.mates + 1)) ?? [];
  return Math.round(shares.reduce((sum, share) => sum + share, 0) * 1000) / 1000;
}

/** What the state file says of servers that are all ready. */
export async function readyRecords(rea: Rea, names: readonly string[]) {
  const records = await Promise.all(names.map((name) => rea.waitForPhase(name, 'ready')));
  return new Map(records.map((record) => [record.name, record]));
}

/** Every server's own answer. */
export async function callAll(rea: Rea, names: readonly string[]): Promise<void> {
  const answers = await Promise.all(names.map((name) => rea.call(`${name}__name`)));
  expect(answers.map(({ text }) => text)).toEqual(names);
}

export async function matesOf(rea: Rea, name: string): Promise<number> {
  return (await rea.waitForPhase(name, 'ready')).thread.mates;
}
