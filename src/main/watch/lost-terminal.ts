/**
 * Node sets the terminal back when it exits, and aborts with a stack trace when the terminal is gone. What is closed
 * then is left alone.
 */
import { closeSync, fstatSync } from 'node:fs';
import { unlessRefused } from '../../shared/platform/errno.ts';

const STDIO = [0, 1, 2];

let isLost = false;

/** The terminal is gone: it is let go of when this process exits. May be called again. */
export function terminalLost(): void {
  if (!isLost) process.once('exit', letGo);
  isLost = true;
}

function letGo(): void {
  for (const fd of STDIO) {
    unlessRefused(undefined, () => {
      if (fstatSync(fd).isCharacterDevice()) closeSync(fd);
    });
  }
}
