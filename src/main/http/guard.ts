/**
 * Decides which requests the HTTP edge accepts. A request must name the host that the edge is configured
 * for, or a loopback name; when a browser sent it, its page must come from there too. That keeps web pages
 * out (DNS rebinding, cross-site requests); it does not tell users apart. Pure functions.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP, isIPv4, isIPv6 } from 'node:net';

const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^:[\]/?#@\s]+)(?::\d{1,5})?$/i;
const ORIGIN = /^https?:\/\/(.+)$/i;
const LOCAL_NAMES = new Set(['localhost', '127.0.0.1', '::1']);
const WILDCARDS = new Set(['0.0.0.0', '::']);

/**
 * Why a request is refused with 403, or null when it may pass. A missing Origin is no browser.
 *
 * @param listening the configured host. One that stands for every address of the machine (`0.0.0.0`,
 * `::`) accepts any IP address as Host: only a name can be rebound.
 */
export function foreignRequest(headers: IncomingHttpHeaders, listening: string): string | null {
  const host = hostOf(headers.host ?? '');
  const own = plain(listening);
  const isOurs = (name: string) => LOCAL_NAMES.has(name) || name === own;
  if (host === null || !(isOurs(host) || (WILDCARDS.has(own) && isIP(host) !== 0))) {
    return 'Forbidden: Host is not a name of this gateway';
  }
  const { origin } = headers;
  if (origin === undefined) return null;
  const page = hostOf(ORIGIN.exec(origin)?.[1] ?? '');
  if (page === null || !(isOurs(page) || page === host)) {
    return 'Forbidden: Origin is not a local page';
  }
  return null;
}

/** The loopback address to bind for a configured host, or null when it is not a loopback host. */
export function loopbackAddress(host: string): string | null {
  const name = plain(host);
  if (name === 'localhost') return '127.0.0.1';
  if (isIPv4(name) && name.startsWith('127.')) return name;
  return name === '::1' ? name : null;
}

/** True when a peer's address is one of this machine's own. */
export function isLoopback(address: string): boolean {
  const plainest = address.replace(/^::ffff:/, '');
  return plainest === '::1' || (isIPv4(plainest) && plainest.startsWith('127.'));
}

/** `host:port` as it stands in a URL. */
export function hostPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The host of `host[:port]`, or null when the text is malformed. */
function hostOf(authority: string): string | null {
  const host = AUTHORITY.exec(authority)?.[1];
  return host === undefined ? null : plain(host);
}

function plain(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$/g, '');
}
