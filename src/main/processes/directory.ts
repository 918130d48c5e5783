/**
 * The `.rea` directory before anything is written into it: created private, and refused when somebody
 * else could write there or has put a symlink in its place. No thread creates it after start.
 */
import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorCode, errorText, expecting } from './errno.ts';
import { oddKind } from './safe-file.ts';

/** Name of the directory in the project's directory. */
const DIRECTORY = '.rea';

interface Objection {
  /** What is wrong. */
  readonly message: string;
  /** A command that puts it right, null when there is no single one. */
  readonly fix: string | null;
}

export interface DirectoryProblem extends Objection {
  /** Absolute path of the directory it concerns. */
  readonly path: string;
}

export type PreparedDirectory =
  | { readonly ok: true /** Absolute path of `.rea`. */; readonly dir: string }
  | {
      readonly ok: false /** One line, naming the directory and `--cwd`. */;
      readonly error: string;
    };

/** Why `rea serve` would refuse the directories as they are; null for those that are missing or fine. */
export function directoryProblem(cwd: string): DirectoryProblem | null {
  const dir = join(resolve(cwd), DIRECTORY);
  for (const path of [dir, join(dir, 'run')]) {
    const found = look(path);
    if (found !== null) return { path, ...found };
  }
  return null;
}

/** Creates `.rea` and `.rea/run` (0700) where they are missing and checks that they are ours alone. */
export function prepareDirectory(cwd: string): PreparedDirectory {
  const dir = join(resolve(cwd), DIRECTORY);
  for (const path of [dir, join(dir, 'run')]) {
    const problem = prepare(path);
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

function prepare(path: string): Objection | null {
  try {
    expecting(['EEXIST'], undefined, () => mkdirSync(path, { mode: 0o700 }));
    return objection(path, lstatSync(path));
  } catch (error) {
    return { message: errorText(error), fix: null };
  }
}

function look(path: string): Objection | null {
  try {
    return objection(path, lstatSync(path));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    return { message: errorText(error), fix: null };
  }
}

/** Why a directory is not safe to keep files in, or null. */
function objection(path: string, stats: Stats): Objection | null {
  const because = (message: string, fix: string | null = null) => ({ message, fix });
  if (!stats.isDirectory()) return because(`it is ${oddKind(stats) ?? 'a file'}, not a directory`);
  const user = process.getuid?.();
  if (user === undefined) return null;
  if (stats.uid !== user) return because(`it belongs to user ${stats.uid}, not to ${user}`);
  if ((stats.mode & 0o022) === 0) return null;
  const mode = (stats.mode & 0o777).toString(8);
  return because(`others can write to it (mode ${mode})`, `chmod go-w ${path}`);
}
