/**
 * Who may talk to the HTTP edge: it listens on loopback only, and a request must name a loopback
 * host and, when a browser sent it, a loopback origin. That keeps web pages out (DNS rebinding,
 * cross-site requests); it does not tell local users apart. Pure functions.
 */
import type { IncomingHttpHeaders } from 'node:http';

const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const LOCAL_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/** Why a request is refused with 403, or null when it may pass. A missing Origin is no browser. */
export function foreignRequest(headers: IncomingHttpHeaders): string | null {
  if (!LOCAL_HOST.test(headers.host ?? '')) return 'Forbidden: Host is not a local name';
  const { origin } = headers;
  if (origin !== undefined && !LOCAL_ORIGIN.test(origin)) {
    return 'Forbidden: Origin is not a local page';
  }
  return null;
}

/** The loopback address to bind for a configured host, or null when it is not a loopback host. */
export function loopbackAddress(host: string): string | null {
  switch (host.toLowerCase()) {
    case 'localhost':
    case '127.0.0.1':
      return '127.0.0.1';
    case '::1':
    case '[::1]':
      return '::1';
    default:
      return null;
  }
}

/** `host:port` as it stands in a URL. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}
