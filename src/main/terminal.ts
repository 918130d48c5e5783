/** The terminal that this process belongs to, which is the reason for a SIGHUP when it is closed. */
import { closeSync, constants, openSync } from 'node:fs';
import { errorCode } from '../shared/platform/errno.ts';

const NONE = ['ENXIO', 'EIO', 'ENODEV', 'ENOENT'];

/** Whether there is one, and it has not been closed. */
export function hasTerminal(): boolean {
  try {
    const flags = constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK;
    closeSync(openSync('/dev/tty', flags));
    return true;
  } catch (error) {
    return !NONE.includes(errorCode(error));
  }
}
