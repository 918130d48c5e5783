/**
 * Where compiled code of this build is kept: below the state home, which no tool call may name a path in. Other users
 * must not be able to write there, since what lies there is run.
 */
import { join } from 'node:path';
import { cacheName } from '../../shared/platform/compile-cache.ts';
import { lookAtPrivate } from './private-directory.ts';
import { stateHome } from './state-directory.ts';

/**
 * Absolute; need not exist. Null: this process does without.
 *
 * @param build tells builds apart.
 * @param root absolute directory of the build.
 */
export function compileCachePlace(
  env: NodeJS.ProcessEnv,
  build: string,
  root: string,
): string | null {
  // The variable is Node's own. Traces of code that comes from the cache are not mapped back to the sources.
  if (env['NODE_DISABLE_COMPILE_CACHE'] || env['REA_LOG_LEVEL'] === 'debug') return null;
  if (process.geteuid === undefined) return null;
  const home = stateHome(env);
  const all = join(home, 'compiled');
  const own = join(all, cacheName(build, root));
  return [home, all, own].every((path) => lookAtPrivate(path) === null) ? own : null;
}
