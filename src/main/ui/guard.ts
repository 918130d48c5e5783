/**
 * Decides which requests to the page are served. A browser sends requests for any page that is open in it, also of
 * other programs on this machine, so nothing that a browser adds by itself lets anybody in: only the token does, which
 * the page alone holds. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { partsOf } from '../operator/path-parts.ts';

/** The head of a request. */
export interface Asked {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export type Judged =
  /** `why`: one line, which holds nothing of the request. */
  | { readonly kind: 'refused'; readonly status: number; readonly why: string }
  /** The page itself, which is the same for everybody and holds nothing secret. */
  | { readonly kind: 'document' }
  | {
      readonly kind: 'api';
      readonly method: 'GET' | 'POST';
      /** The parts of the path behind `/api/v1`, decoded. */
      readonly path: readonly string[];
      readonly query: URLSearchParams;
    };

/** Where the page lies. */
export const PAGE_PATH = '/ui';
const API = '/api/v1/';
/** With parameters such as a charset. */
const JSON_TYPE = /^application\/json *(?:;|$)/i;

/**
 * @param port the listener's own.
 * @param isToken true for the header of whoever has the token.
 */
export function judge(
  { method = '', url = '', headers }: Asked,
  port: number,
  isToken: (authorization: string | undefined) => boolean,
): Judged {
  const own = `127.0.0.1:${port}`;
  // Another name may have been rebound to this machine by whoever owns it.
  if (headers.host !== own) return refused(403, `the page is at http://${own}${PAGE_PATH} only`);
  const [pathname = '', query] = url.split('?', 2);
  if (pathname === PAGE_PATH) {
    return method === 'GET' ? { kind: 'document' } : refused(405, 'use GET');
  }
  if (!pathname.startsWith(API)) return refused(404, 'not known here');
  if (method !== 'GET' && method !== 'POST') return refused(405, 'use GET or POST');
  if (!isAllowed(method, headers, `http://${own}`)) {
    return refused(403, 'this page may not ask here');
  }
  if (!isToken(headers.authorization)) return refused(401, 'the token is wrong or old: rea ui');
  if (method === 'POST' && !JSON_TYPE.test(headers['content-type'] ?? '')) {
    return refused(415, 'send application/json');
  }
  const path = partsOf(pathname.slice(API.length));
  if (path === null) return refused(404, 'not known here');
  return { kind: 'api', method, path, query: new URLSearchParams(query) };
}

/** By the page that a browser says it asks for. Looking is also for programs, which say of none. */
function isAllowed(method: string, headers: IncomingHttpHeaders, ownOrigin: string): boolean {
  // A browser leaves the Origin out where a page asks its own origin for something.
  const { origin, 'sec-fetch-site': site } = headers;
  if (method === 'POST') return origin === ownOrigin && site === 'same-origin';
  return (origin ?? ownOrigin) === ownOrigin && (site ?? 'same-origin') === 'same-origin';
}

function refused(status: number, why: string): Judged {
  return { kind: 'refused', status, why };
}
