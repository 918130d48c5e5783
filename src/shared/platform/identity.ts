/**
 * This process's view of the process table: the readers that `shared/model` asks for, on node:fs and
 * execFileSync. Synchronous and quick; starts nothing that outlives the call.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import type { ProcessView } from '../model/process-identity.ts';
import { identify, lookUp, type SystemReader } from '../model/process-table.ts';
import type { ProcessIdentity } from '../model/snapshot.ts';
import { errorCode } from './errno.ts';

/** Reads one pid of the process table. */
export type Look = (pid: number) => ProcessView;

/** Reads the process table of this machine. */
export function systemReader(): SystemReader {
  return {
    platform: process.platform,
    readFile: (path) => readFileSync(path, 'utf8'),
    readLink: (path) => readlinkSync(path),
    run: (command, args) =>
      execFileSync(command, args, {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 5000,
      }),
  };
}

/**
 * Looks at one pid. A process that the table hides but that refuses a signal with EPERM exists
 * (`/proc` mounted with `hidepid`): `unknown`, not `absent`.
 */
export function systemLook(system: SystemReader = systemReader()): Look {
  return (pid) => {
    const view = lookUp(system, pid);
    return view.kind === 'absent' && refusesSignals(pid) ? { kind: 'unknown' } : view;
  };
}

/** Read once: it never changes, and later there may be no file descriptor left to read it with. */
let own: ProcessIdentity | null = null;

/** The identity of this process. Throws when the process table cannot be read: nothing can be owned then. */
export function ownIdentity(): ProcessIdentity {
  own ??= identify(systemReader(), process.pid);
  if (own === null) throw new Error(`cannot read the process table (pid ${process.pid})`);
  return own;
}

function refusesSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
