/** Changes of a configuration file while the gateway runs. */
import { expect } from 'vitest';
import type { DownstreamSnapshot } from '#src/shared/model/snapshot.ts';
import { Hold } from './hold.ts';
import { type Rea, writeRegistry } from './rea-process.ts';
import { type Registry } from './servers.ts';
import { until } from './wait-for.ts';

export const LIMIT_MS = 60_000;

export const IN_FORCE = '"msg":"the configuration is in force"';

export const STAYS = '"msg":"the earlier configuration stays in force"';

export const CHANGED = 'notifications/tools/list_changed';

/** New programs are put in force like anything else; reload-asks.test.ts is about those that wait. */
export const AUTO = { args: ['--reload', 'auto'] };

export function count(rea: Rea, text: string): number {
  return rea.stderr.split(text).length - 1;
}

/** Does something to the file, and waits until the gateway has judged what is there then. */
export async function after(rea: Rea, change: () => void, verdict = IN_FORCE): Promise<void> {
  const before = count(rea, verdict);
  change();
  await until(() => count(rea, verdict) > before, { limitMs: LIMIT_MS, what: verdict });
}

export const rewrite = (rea: Rea, config: Registry | string) =>
  after(rea, () => writeRegistry(rea.dir, config));

/** Who a server is: the same as long as it was not started again. */
export function identity({ pid, incarnation, since, restarts }: DownstreamSnapshot) {
  return { pid, incarnation, since, restarts };
}

/** A call that is in flight until `end`. */
export async function hold(rea: Rea, server: string) {
  const held = new Hold();
  const call = rea.begin(`${server}__hold`, held.args);
  await held.begun();
  const end = async () => {
    expect(call.answered()).toBe(false);
    held.end();
    expect((await call.answer).text).toBe('held');
  };
  return { end };
}

/** How often the client has been told that the tools have changed. */
export function changes(rea: Rea): number {
  return rea.wire.notifications(CHANGED).length;
}

export async function ready(rea: Rea, name: string) {
  return identity(await rea.waitForPhase(name, 'ready'));
}

export async function names(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}
