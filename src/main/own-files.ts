/**
 * Where files of this package lie. The build bundles modules, so that a module's own address tells only which
 * tree it belongs to.
 */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `src/main/` when the sources run, else `dist/main/`. */
const MAIN = new URL(
  import.meta.url.slice(0, import.meta.url.lastIndexOf('/main/') + '/main/'.length),
);

/** `.ts` when the sources run, else `.js`: a bundle that knows its place is CommonJS. */
const EXTENSION = extname(import.meta.url) === '.ts' ? '.ts' : '.js';

/** @param path relative to the directory of the package, like `package.json`. */
export function packageFile(path: string): URL {
  return new URL(`../../${path}`, MAIN);
}

/** @param path relative to `src`, without its ending, like `main/index`. */
export function moduleFile(path: string): URL {
  return new URL(`../${path}${EXTENSION}`, MAIN);
}

/** @param path relative to `src`, of what a thread or a process of ours runs: in the build it is CommonJS. */
export function programFile(path: string): URL {
  return new URL(`../${path}${EXTENSION === '.js' ? '.cjs' : EXTENSION}`, MAIN);
}

/** The absolute directory `dist`, or `src` when the sources run. */
export const BUILD_ROOT = fileURLToPath(new URL('..', MAIN));

/** @param path relative to `src/main`, of a file that is used as it is. */
export function mainFile(path: string): URL {
  return new URL(path, MAIN);
}
