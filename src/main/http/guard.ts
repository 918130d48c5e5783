/**
 * Decides which requests the HTTP edge accepts by their `Host` and `Origin`. That keeps web pages out (DNS
 * rebinding, cross-site requests); it does not tell users apart. Pure functions.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP, isIPv4, isIPv6 } from 'node:net';

const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^:[\]/?#@\s]+)(?::\d{1,5})?$/i;
const ORIGIN = /^https?:\/\/(.+)$/i;
const LOCAL_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1'];
const WILDCARDS = new Set(['0.0.0.0', '::']);
const NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i;

/** The hosts that a listener answers for. */
export interface HostRule {
  /**
   * The configured host. One that stands for every address of the machine (`0.0.0.0`, `::`) accepts any IP
   * address as Host: only a name can be rebound.
   */
  readonly listening: string;
  /** Further names and addresses, from `--allow-host`. @default none */
  readonly allowed?: readonly string[];
  /**
   * Requests need a token besides. Then any Host may be named: a page whose name was rebound has no token.
   *
   * @default false
   */
  readonly tokens?: boolean;
}

export type Caller =
  /** In one line. */
  | { readonly kind: 'refused'; readonly why: string }
  | {
      readonly kind: 'accepted';
      /** The Host is a name of the listener's own, not just any with a token. */
      readonly named: boolean;
      /** The page that a browser sent it for; null: no browser. */
      readonly origin: string | null;
    };

/** Judges a request by its headers. A missing Origin is no browser. */
export function judgeCaller(headers: IncomingHttpHeaders, rule: HostRule): Caller {
  const host = hostOf(headers.host ?? '');
  const own = plain(rule.listening);
  const isOurs = (name: string) =>
    LOCAL_NAMES.includes(name) ||
    name === own ||
    (rule.allowed ?? []).some((one) => plain(one) === name);
  const named = host !== null && (isOurs(host) || (WILDCARDS.has(own) && isIP(host) !== 0));
  if (host === null || !(named || rule.tokens === true)) {
    return { kind: 'refused', why: 'Forbidden: Host is not a name of this gateway' };
  }
  const { origin } = headers;
  if (origin === undefined) return { kind: 'accepted', named, origin: null };
  const page = hostOf(ORIGIN.exec(origin)?.[1] ?? '');
  if (page === null || !(isOurs(page) || page === host)) {
    return { kind: 'refused', why: 'Forbidden: Origin is not a local page' };
  }
  return { kind: 'accepted', named, origin };
}

/** Why a name cannot be given to `--allow-host`, or null. */
export function hostNameProblem(name: string): string | null {
  return NAME.test(name) || isIP(plain(name)) !== 0
    ? null
    : 'write a name or an address without scheme and port, like mcp.example.com';
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
