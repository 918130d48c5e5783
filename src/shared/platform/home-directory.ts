/** The user's home directory. */
import { homedir, userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { unlessRefused } from './errno.ts';

/**
 * Absolute. A relative `HOME` is ignored: it would lie below wherever the program was started. A user without an entry
 * in the system's list has the root as home.
 */
export function homeDirectory(env: NodeJS.ProcessEnv): string {
  const home = env['HOME'];
  if (home !== undefined && isAbsolute(home)) return home;
  // The system's answer may be that variable again.
  const known = homedir();
  return isAbsolute(known) ? known : unlessRefused('/', () => userInfo().homedir);
}
