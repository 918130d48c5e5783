/** Whether the machine is calm enough to measure on. */
import { setTimeout as pause } from 'node:timers/promises';

/** Of the last minute. Above it others have most of a core, and ratios of starts and calls are theirs. */
export const CALM_LOAD = 1.5;
const PATIENCE_MS = 60_000;
const LOOK_MS = 2000;

/**
 * Waits up to a minute for the load to fall.
 *
 * @param load of the last minute.
 * @param wait milliseconds.
 * @returns null when it is calm, else one line that says why nothing is measured.
 */
export async function untilCalm(
  load: () => number,
  wait: (ms: number) => Promise<unknown> = pause,
): Promise<string | null> {
  for (let waited = 0; load() > CALM_LOAD; waited += LOOK_MS) {
    if (waited >= PATIENCE_MS) {
      return `the load of the last minute is ${load()}, above ${CALM_LOAD}, and does not fall: run this when the machine is calm, or with --noisy`;
    }
    await wait(LOOK_MS);
  }
  return null;
}
