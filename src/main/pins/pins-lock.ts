/** The lock of `pins.json`: several gateways and commands write it, each for some milliseconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FileLock, type HeldLock } from '../processes/file-lock.ts';

export type Locked =
  | { readonly ok: true; readonly lock: HeldLock }
  /** A part of a line. */
  | { readonly ok: false; readonly why: string };

const LOCK_FILE = 'pins.lock';
const WAIT_MS = 5000;
const AGAIN_MS = 5;
const LONGEST_HELD_MS = 10_000;

/** @param stateDir exists. */
export async function lockPins(stateDir: string): Promise<Locked> {
  const lock = new FileLock({
    directory: stateDir,
    name: LOCK_FILE,
    longestHeldMs: LONGEST_HELD_MS,
  });
  const until = performance.now() + WAIT_MS;
  for (;;) {
    const tried = lock.try();
    if (tried.kind === 'held') return { ok: true, lock: tried.lock };
    if (tried.kind === 'blocked') return { ok: false, why: tried.why };
    if (performance.now() > until) {
      return { ok: false, why: `${tried.by} has held ${LOCK_FILE} for ${WAIT_MS} ms` };
    }
    await sleep(AGAIN_MS);
  }
}
