/** Holders of locks for tests: this process, which lives, and one of the same machine that does not. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import type { LockHolder } from '#src/shared/machines/lock-line.ts';
import { identify } from '#src/shared/model/process-table.ts';

/** Above every `pid_max`. */
const NO_PID = 4_194_305;

export function livingHolder(nonce = 'test'): LockHolder {
  const identity = identify(
    {
      platform: process.platform,
      readFile: (path) => readFileSync(path, 'utf8'),
      readLink: (path) => readlinkSync(path),
      run: (command, args) => execFileSync(command, args, { encoding: 'utf8' }),
    },
    process.pid,
  );
  if (identity === null) throw new Error('this process cannot be read');
  return { ...identity, nonce };
}

export function deadHolder(nonce = 'dead'): LockHolder {
  return { ...livingHolder(), pid: NO_PID, start_time: '1', nonce };
}
