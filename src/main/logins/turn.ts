/** One process at a time changes the tokens of a server: the file beside them says whose turn it is. */
import { makePrivate } from '../processes/private-directory.ts';
import { type Locked, type LockPatience, waitForLock } from '../processes/wait-for-lock.ts';
import { type LoginServer, loginFile, loginsDirectory } from './record.ts';

/** Longer than any exchange with an authorization server may take. */
const LONGEST_HELD_MS = 90_000;
const WAIT_MS = 45_000;
const AGAIN_MS = 50;
/** A busy machine holds a process up for some seconds; then others only tell why they cannot go on. */
export const STILL_MS = 5000;
const BEATS = 5;

/** `stillMs`: a holder that shows no sign of work for so long is not waited for. @default 5000 */
export type TurnOptions = Pick<LockPatience, 'signal' | 'onBusy' | 'stillMs'>;

/**
 * Waits for those who are before; they hold it for one exchange with the authorization server each. Nobody's turn is
 * taken away while its process lives, however long it hangs: it may have sent the refresh token already.
 *
 * @throws the reason of the signal.
 */
export async function takeTurn(
  stateDir: string,
  server: LoginServer,
  { signal, onBusy, stillMs = STILL_MS }: TurnOptions = {},
): Promise<Locked> {
  const directory = loginsDirectory(stateDir);
  const objection = makePrivate(directory);
  if (objection !== null) return { ok: false, why: `${directory}: ${objection.message}` };
  const name = `${loginFile(server)}.lock`;
  return waitForLock(
    { directory, name, longestHeldMs: LONGEST_HELD_MS, beatMs: stillMs / BEATS },
    {
      waitMs: WAIT_MS,
      stillMs,
      againMs: AGAIN_MS,
      late: (by, still) => {
        if (still <= stillMs) return `${by} changes the login of ${server.name}, and does not end`;
        return `${by} is stopped or hangs while it changes the login of ${server.name}`;
      },
      signal,
      onBusy,
    },
  );
}
