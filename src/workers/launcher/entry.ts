/**
 * Entry of the launcher process. Argument: the path of its socket, in a directory of its own, which is
 * removed at the end. The first line of stdin is the token. Prints `ready`, or what is wrong, on stdout.
 * Ends when its stdin ends, which means that the gateway has ended; signals that were meant for the gateway
 * are ignored.
 */
import { rmdirSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { errorCode } from '../../shared/platform/errno.ts';
import { Launcher } from './launcher.ts';

const [path = ''] = process.argv.slice(2);
let launcher: Launcher | null = null;

process.title = 'rea-launcher';
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
process.stdout.on('error', () => undefined);
createInterface(process.stdin)
  .once('line', (token) => {
    launcher = new Launcher({ path, token }, (error) => {
      process.stdout.write(error === null ? 'ready\n' : `${error.message}\n`);
    });
  })
  .once('close', () => {
    if (launcher === null) exit();
    else launcher.end(exit);
  });

function exit(): never {
  for (const remove of [() => unlinkSync(path), () => rmdirSync(dirname(path))]) {
    try {
      remove();
    } catch (error) {
      // It is gone already, or the directory is not empty.
      if (errorCode(error) === '') throw error;
    }
  }
  process.exit(0);
}
