/** What gateways and servers are started with: a fixed and small environment, whatever the caller's own has. */
import { delimiter, dirname } from 'node:path';

/** Where programs such as `sh` and `script` are; the caller's own PATH may have wrappers of them. */
const SYSTEM = ['/usr/local/bin', '/usr/bin', '/bin'];

/**
 * Nothing is taken from the caller: certificates to load, options of Node and proxies cost a start as much as a
 * gateway does, and nobody would see it in the figures.
 *
 * @param dir its home and its place for temporary files, so that nothing reaches the caller's.
 * @param node the Node under test, which a bare `node` then is.
 */
export function cleanEnvironment(dir: string, node: string): Record<string, string> {
  return {
    PATH: [dirname(node), ...SYSTEM].join(delimiter),
    HOME: dir,
    TMPDIR: dir,
    LANG: 'C.UTF-8',
    REA_LOG_LEVEL: 'error',
    NODE_NO_WARNINGS: '1',
  };
}
