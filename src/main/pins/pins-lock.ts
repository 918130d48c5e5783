/** The lock of `pins.json`: several gateways and commands write it, each for some milliseconds. */
import { type Locked, waitForLock } from '../processes/wait-for-lock.ts';

const LOCK_FILE = 'pins.lock';
const WAIT_MS = 5000;
const AGAIN_MS = 5;
const LONGEST_HELD_MS = 10_000;

/** @param stateDir exists. */
export function lockPins(stateDir: string): Promise<Locked> {
  return waitForLock(
    { directory: stateDir, name: LOCK_FILE, longestHeldMs: LONGEST_HELD_MS },
    {
      waitMs: WAIT_MS,
      againMs: AGAIN_MS,
      late: (by) => `${by} has held ${LOCK_FILE} for ${WAIT_MS} ms`,
    },
  );
}
