/** Which places are the gateway's own, so that no client may name them to a server. */
import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KnownAs, KnownPlaces } from '../../shared/memory/known-places.ts';
import type { LookupSlots } from '../../shared/memory/lookup-slots.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import { errorCode } from '../../shared/platform/errno.ts';
import { configHome, type StatePlace, stateDirectory, stateHome } from './state-directory.ts';

/** What threads share for looking at them. */
export interface Looks {
  readonly slots: LookupSlots;
  readonly known: KnownPlaces;
}

/** A dead mount must not keep the gateway from starting. */
const LOOK_MS = 1000;
const SLOT = 0;
/** No thread's. */
const MAIN = -1;

/** Paths only: nothing is created, and whether they are there does not matter. */
export function guardedPlaces(
  place: StatePlace & {
    /** Of the configuration. */
    readonly file: string;
    /** With tokens that open the door; null where there is none. */
    readonly tokenFile: string | null;
    /** Further directories of the gateway's own. */
    readonly others: readonly string[];
  },
): GuardedPlaces {
  const { cwd, env, file, tokenFile, others } = place;
  const own = [join(cwd, '.rea'), stateHome(env), configHome(env), stateDirectory(place)];
  const directories = [...own, ...others];
  const secretFiles = tokenFile === null ? [] : [tokenFile];
  return { cwd, directories: [...new Set(directories)], files: [file], secretFiles };
}

/**
 * Takes down which directories they are now: the threads may look only after somebody has moved one. What
 * is not there yet, or does not answer within a second, they learn by themselves.
 */
export async function learnPlaces(
  { directories, files, secretFiles }: GuardedPlaces,
  { slots, known }: Looks,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LOOK_MS);
  });
  // One after the other: what hangs keeps one thread of the pool.
  slots.take(SLOT, MAIN);
  const all = async () => {
    for (const path of directories) await learn('guarded', path, known);
    for (const path of [...files, ...secretFiles]) {
      await learn('holder', dirname(path), known);
      await learn('holder', dirname(await realpath(path).catch(refused(path))), known);
    }
    slots.give(SLOT, MAIN);
  };
  await Promise.race([all(), limit]);
  clearTimeout(timer);
}

async function learn(as: KnownAs, path: string, known: KnownPlaces): Promise<void> {
  const stats = await stat(path).catch(refused(null));
  if (stats?.isDirectory() !== true) return;
  known.add(as, { dev: stats.dev, ino: stats.ino, born: stats.birthtimeMs });
}

function refused<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    if (errorCode(error) === '') throw error;
    return otherwise;
  };
}
