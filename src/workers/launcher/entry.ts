/**
 * Entry of the launcher process. Argument: the path of its socket, in a directory of its own, which goes
 * with it. Says `ready` on stdout and ends when its stdin does, which is when the gateway ends.
 */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Launcher } from './launcher.ts';

const [path = ''] = process.argv.slice(2);

process.title = 'rea-launcher';
const launcher = new Launcher(path, () => process.stdout.write('ready\n'));
process.stdin.resume().once('close', () => {
  launcher.killAll();
  rmSync(dirname(path), { recursive: true, force: true });
  process.exit(0);
});
