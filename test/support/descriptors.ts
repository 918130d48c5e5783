/** What becomes of a process that can open nothing more. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** Runs `action` while this process can open nothing. */
export function withoutDescriptors(action: () => void): void {
  const limitTo = (soft: string) =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${soft}:`]);
  const columns = ['--nofile', '--output=SOFT', '--noheadings'];
  const limit = execFileSync('prlimit', ['--pid', String(process.pid), ...columns]);
  const opened: number[] = [];
  // Few enough to be used up at once.
  limitTo('256');
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
    action();
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
    limitTo(limit.toString().trim());
  }
}
