/**
 * Prepares the `.rea` directory before anything is written into it: created private, and refused when
 * another user could write there or a symlink is in its place. No thread creates it after start.
 */
import { join, resolve } from 'node:path';
import { lookAtPrivate, makePrivate, type Objection } from './private-directory.ts';

/** Name of the directory in the project's directory. */
const DIRECTORY = '.rea';

export interface DirectoryProblem extends Objection {
  /** Absolute path of the directory with the problem. */
  readonly path: string;
}

export type PreparedDirectory =
  | { readonly ok: true /** Absolute path of `.rea`. */; readonly dir: string }
  | {
      readonly ok: false /** One line, naming the directory and `--cwd`. */;
      readonly error: string;
    };

/** Why `rea serve` would refuse the directories as they are; null when they are fine or missing. */
export function directoryProblem(cwd: string): DirectoryProblem | null {
  const dir = join(resolve(cwd), DIRECTORY);
  for (const path of [dir, join(dir, 'run')]) {
    const found = lookAtPrivate(path);
    if (found !== null) return { path, ...found };
  }
  return null;
}

/** Creates `.rea` and `.rea/run` (0700) if they are missing, and checks that no other user can write there. */
export function prepareDirectory(cwd: string): PreparedDirectory {
  const dir = join(resolve(cwd), DIRECTORY);
  for (const path of [dir, join(dir, 'run')]) {
    const problem = makePrivate(path);
    if (problem !== null) {
      const fix = problem.fix === null ? '' : `${problem.fix}, or `;
      return {
        ok: false,
        error: `cannot use ${path}: ${problem.message}; ${fix}choose a directory with --cwd`,
      };
    }
  }
  return { ok: true, dir };
}
