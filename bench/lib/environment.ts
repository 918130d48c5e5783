/** What gateways and servers are started with: a fixed and small environment, whatever the caller's own has. */
import { delimiter, dirname } from 'node:path';

/** Where programs such as `sh` and `script` are; the caller's own PATH may have wrappers of them. */
const SYSTEM = ['/usr/local/bin', '/usr/bin', '/bin'];

/**
 * Nothing is taken from the caller: certificates to load, options of Node and proxies cost a start as much as a
 * gateway does, and nobody would see it in the figures.
 *
 * @param dir its home, in the directory of the run: that one is for temporary files, of all sides and rounds, because
 *   what Node and programs keep there from one start to the next is there for users too.
 * @param node the Node under test, which a bare `node` then is.
 */
export function cleanEnvironment(dir: string, node: string): Record<string, string> {
  return {
    PATH: [dirname(node), ...SYSTEM].join(delimiter),
    HOME: dir,
    TMPDIR: dirname(dir),
    LANG: 'C.UTF-8',
    REA_LOG_LEVEL: 'error',
    NODE_NO_WARNINGS: '1',
  };
}
