/** This thread's look at the process table: the readers that the shared model asks for, synchronous. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import type { ProcessView } from '../../shared/model/process-identity.ts';
import { lookUp, type SystemReader } from '../../shared/model/process-table.ts';
import { attempt } from './system-call.ts';

const SYSTEM: SystemReader = {
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

/** One pid now. `/proc` can hide the processes of others (`hidepid`): refusing a signal is existing. */
export function viewProcess(pid: number): ProcessView {
  const view = lookUp(SYSTEM, pid);
  if (view.kind !== 'absent') return view;
  const signalled = attempt(() => process.kill(pid, 0));
  return !signalled.ok && signalled.failure.code === 'EPERM' ? { kind: 'unknown' } : view;
}
