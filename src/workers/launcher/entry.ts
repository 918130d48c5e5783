/**
 * Entry of the launcher process. Argument: the path of its socket, in a directory of its own, which goes
 * with it. The first line of stdin is the token. Says `ready`, or what is wrong, on stdout, and ends when
 * its stdin does, which is when the gateway ends; a signal that was meant for the gateway does nothing.
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
    launcher?.killAll();
    for (const remove of [() => unlinkSync(path), () => rmdirSync(dirname(path))]) {
      try {
        remove();
      } catch (error) {
        // Gone already, or something else is in it.
        if (errorCode(error) === '') throw error;
      }
    }
    process.exit(0);
  });
