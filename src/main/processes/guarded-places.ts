/** Which places are the gateway's own, so that no client may name them to a server. */
import { join } from 'node:path';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import { configHome, type StatePlace, stateDirectory, stateHome } from './state-directory.ts';

/** Paths only: nothing is created, and whether they are there does not matter. */
export function guardedPlaces(place: StatePlace & { readonly file: string }): GuardedPlaces {
  const { cwd, env, file } = place;
  const directories = [join(cwd, '.rea'), stateHome(env), configHome(env), stateDirectory(place)];
  return { cwd, directories: [...new Set(directories)], files: [file] };
}
