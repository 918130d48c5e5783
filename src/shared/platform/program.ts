/** Programs as the system looks for them: in the directories of a PATH, a file that may be executed. */
import { accessSync, constants, statSync } from 'node:fs';
import { unlessRefused } from './errno.ts';

const MOST_DIRECTORIES = 256;

/** The first 256 directories of a PATH; empty and relative ones as they are written. */
export function directoriesIn(path: string): string[] {
  return path.split(':').slice(0, MOST_DIRECTORIES);
}

export function isProgram(file: string): boolean {
  return unlessRefused(false, () => {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  });
}
