/**
 * The `.rea` directory before anything is written into it: created private, and refused when somebody
 * else could write there or has put a symlink in its place. No thread creates it after start.
 */
import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorText, expecting } from './errno.ts';
import { oddKind } from './safe-file.ts';

/** Name of the directory in the project's directory. */
const DIRECTORY = '.rea';

export type PreparedDirectory =
  | { readonly ok: true /** Absolute path of `.rea`. */; readonly dir: string }
  | {
      readonly ok: false /** One line, naming the directory and `--cwd`. */;
      readonly error: string;
    };

/** Creates `.rea` and `.rea/run` (0700) where they are missing and checks that they are ours alone. */
export function prepareDirectory(cwd: string): PreparedDirectory {
  const dir = join(resolve(cwd), DIRECTORY);
  for (const path of [dir, join(dir, 'run')]) {
    const problem = prepare(path);
    if (problem !== null) {
      return { ok: false, error: `cannot use ${path}: ${problem}; choose a directory with --cwd` };
    }
  }
  return { ok: true, dir };
}

function prepare(path: string): string | null {
  try {
    expecting(['EEXIST'], undefined, () => mkdirSync(path, { mode: 0o700 }));
    return objection(lstatSync(path));
  } catch (error) {
    return errorText(error);
  }
}

/** Why a directory is not safe to keep files in, or null. */
function objection(stats: Stats): string | null {
  if (!stats.isDirectory()) return `it is ${oddKind(stats) ?? 'a file'}, not a directory`;
  const user = process.getuid?.();
  if (user === undefined) return null;
  if (stats.uid !== user) return `it belongs to user ${stats.uid}, not to ${user}`;
  if ((stats.mode & 0o022) === 0) return null;
  return `others can write to it (mode ${(stats.mode & 0o777).toString(8)})`;
}
