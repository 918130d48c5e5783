/** One process at a time changes the tokens of a server: the file beside them says whose turn it is. */
import { makePrivate } from '../processes/private-directory.ts';
import { type Locked, type LockPatience, waitForLock } from '../processes/wait-for-lock.ts';
import { type LoginServer, loginFile, loginsDirectory } from './record.ts';

/** Longer than any exchange with an authorization server may take. */
const LONGEST_HELD_MS = 90_000;
const WAIT_MS = 45_000;
const AGAIN_MS = 50;

/** Waits for those who are before; they hold it for one exchange with the authorization server each. @throws the reason of the signal. */
export async function takeTurn(
  stateDir: string,
  server: LoginServer,
  { signal, onBusy }: Pick<LockPatience, 'signal' | 'onBusy'> = {},
): Promise<Locked> {
  const directory = loginsDirectory(stateDir);
  const objection = makePrivate(directory);
  if (objection !== null) return { ok: false, why: `${directory}: ${objection.message}` };
  const name = `${loginFile(server)}.lock`;
  return waitForLock(
    { directory, name, longestHeldMs: LONGEST_HELD_MS },
    {
      waitMs: WAIT_MS,
      againMs: AGAIN_MS,
      late: (by) => `${by} changes the login of ${server.name}, and does not end`,
      signal,
      onBusy,
    },
  );
}
