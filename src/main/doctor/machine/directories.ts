/** Whether the directories of a gateway are as private as they must be, can be written, and have room. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { errorText, unlessRefused } from '../../../shared/platform/errno.ts';
import { directoryProblem } from '../../processes/directory.ts';
import { lookAtPrivate } from '../../processes/private-directory.ts';
import { type Finding, finding } from '../finding.ts';
import type { Place } from '../place.ts';

/** Below this a state file, an audit log or a package may find no room. */
const LEAST_BYTES = 100 * 1024 * 1024;
const MIB = 1024 * 1024;

export function checkDirectories({ cwd, stateDir }: Place): Finding[] {
  const places = [join(cwd, '.rea'), stateDir];
  return [
    ...judgePrivate(cwd, stateDir),
    ...places.flatMap((path) => judgeWritable(path, whyNotWritable(path))),
    ...judgeSpace([...places, tmpdir()].map((path) => ({ path, free: freeBytes(path) }))),
  ];
}

function judgePrivate(cwd: string, stateDir: string): Finding[] {
  const own = directoryProblem(cwd);
  const state = lookAtPrivate(stateDir);
  const all = [own, state === null ? null : { path: stateDir, ...state }];
  return all.flatMap((one) => {
    if (one === null) return [];
    const fix = one.fix ?? 'give rea a directory of its own: --cwd, or --state-dir';
    return [finding('directory', null, one.path, one.message, fix)];
  });
}

/** @param why the system's word; null: it can be written. */
export function judgeWritable(path: string, why: string | null): Finding[] {
  return why === null ? [] : [finding('not_writable', null, path, why)];
}

/** @param places with the free bytes of their disks; null: not known. */
export function judgeSpace(
  places: readonly { readonly path: string; readonly free: number | null }[],
): Finding[] {
  return places.flatMap(({ path, free }) => {
    if (free === null || free >= LEAST_BYTES) return [];
    return [finding('disk_space', null, path, `${Math.floor(free / MIB)} MB`)];
  });
}

/** Of the directory itself or, where it is not there yet, of the one that it will be made in. */
function whyNotWritable(path: string): string | null {
  try {
    accessSync(nearestOf(path), constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return errorText(error);
  }
}

function freeBytes(path: string): number | null {
  return unlessRefused(null, () => {
    const { bavail, bsize } = statfsSync(nearestOf(path));
    return bavail * bsize;
  });
}

function nearestOf(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}
