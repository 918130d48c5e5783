/** What gateways and servers are started with: a fixed and small environment, whatever the caller's own has. */
import { delimiter, dirname, join } from 'node:path';

/** Where programs such as `sh` and `script` are; the caller's own PATH may have wrappers of them. */
const SYSTEM = ['/usr/local/bin', '/usr/bin', '/bin'];

/**
 * Nothing is taken from the caller: certificates to load, options of Node and proxies cost a start as much as a
 * gateway does, and nobody would see it in the figures.
 *
 * @param dir where it runs, in the directory of the run: that one is for temporary files, and its `home` is the home, of
 *   all sides and rounds, because what Node and programs keep there from one start to the next is there for users too.
 * @param node the Node under test, which a bare `node` then is.
 * @param home another home.
 */
export function cleanEnvironment(
  dir: string,
  node: string,
  home = join(dirname(dir), 'home'),
): Record<string, string> {
  return {
    PATH: [dirname(node), ...SYSTEM].join(delimiter),
    HOME: home,
    TMPDIR: dirname(dir),
    LANG: 'C.UTF-8',
    REA_LOG_LEVEL: 'error',
    NODE_NO_WARNINGS: '1',
  };
}
