/** One process at a time changes the tokens of a server: the file beside them says whose turn it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FileLock, type HeldLock } from '../processes/file-lock.ts';
import { makePrivate } from '../processes/private-directory.ts';
import { type LoginServer, loginFile, loginsDirectory } from './record.ts';

/** Longer than any exchange with an authorization server may take. */
const LONGEST_HELD_MS = 90_000;
const WAIT_MS = 45_000;
const LOOK_MS = 50;

export type Turn =
  | { readonly ok: true; readonly lock: HeldLock }
  /** In one line. */
  | { readonly ok: false; readonly why: string };

/** Waits for those who are before; they hold it for one exchange with the authorization server each. */
export async function takeTurn(stateDir: string, server: LoginServer): Promise<Turn> {
  const directory = loginsDirectory(stateDir);
  const objection = makePrivate(directory);
  if (objection !== null) return { ok: false, why: `${directory}: ${objection.message}` };
  const name = `${loginFile(server)}.lock`;
  const lock = new FileLock({ directory, name, longestHeldMs: LONGEST_HELD_MS });
  const until = performance.now() + WAIT_MS;
  for (;;) {
    const tried = lock.try();
    if (tried.kind === 'held') return { ok: true, lock: tried.lock };
    if (tried.kind === 'blocked') return { ok: false, why: tried.why };
    if (performance.now() > until) {
      return {
        ok: false,
        why: `${tried.by} changes the login of ${server.name}, and does not end`,
      };
    }
    await sleep(LOOK_MS * (0.5 + Math.random()));
  }
}
