/** Looks for the terminal of this process: when it is closed, the process gets a SIGHUP. */
import { closeSync, constants, openSync } from 'node:fs';
import { errorCode } from '../shared/platform/errno.ts';

const NONE = ['ENXIO', 'EIO', 'ENODEV', 'ENOENT'];

/** True while the process has a terminal that is not closed. */
export function hasTerminal(): boolean {
  try {
    const flags = constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK;
    closeSync(openSync('/dev/tty', flags));
    return true;
  } catch (error) {
    return !NONE.includes(errorCode(error));
  }
}
