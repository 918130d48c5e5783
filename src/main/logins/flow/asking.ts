/** How a server asks for a login when it is asked for something without a token. */
import { type BearerChallenge, bearerChallenge } from '../../../shared/model/challenge.ts';
import { type GuardedFetch, LoginFault, shown } from '../net/guarded-fetch.ts';

export interface Asked {
  /** Of the request that it refused; else of the last one. */
  readonly status: number;
  readonly challenge: BearerChallenge | null;
}

type Headers = Readonly<Record<string, string>>;

const CLIENT = { name: 'rea', version: '0' };
const LATER = '2026-07-28';
const OWN = 'io.modelcontextprotocol';
const INITIALIZE = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: CLIENT },
};
const DISCOVER = {
  method: 'server/discover',
  params: {
    _meta: {
      [`${OWN}/protocolVersion`]: LATER,
      [`${OWN}/clientInfo`]: CLIENT,
      [`${OWN}/clientCapabilities`]: {},
    },
  },
};

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Whether it has refused for want of a token, or of another one. */
export function isRefusal({ status }: Pick<Asked, 'status'>): boolean {
  return status === 401 || status === 403;
}

/**
 * Asks in the ways of both revisions, and then for its tools: some servers tell everybody who they are.
 *
 * @param own headers of its entry. @throws LoginFault when it cannot be reached.
 */
export async function askWithout(server: URL, own: Headers, guarded: GuardedFetch): Promise<Asked> {
  const ask = async (message: object, more: Headers = {}) => {
    const headers = {
      ...own,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...more,
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, ...message });
    const init = { method: 'POST', headers, body, headersOnly: true };
    const first = await guarded(server.href, init);
    const target = redirectOf(server, first);
    const response = target === null ? first : await guarded(target.href, init);
    const challenge = bearerChallenge(response.headers.get('www-authenticate') ?? undefined);
    const session = response.headers.get('mcp-session-id');
    return { status: response.status, challenge, session };
  };
  const opened = await ask(INITIALIZE);
  if (isRefusal(opened)) return opened;
  if (opened.status >= 300) {
    return ask(DISCOVER, { 'mcp-protocol-version': LATER, 'mcp-method': DISCOVER.method });
  }
  const { session } = opened;
  const named: Headers = session === null ? {} : { 'mcp-session-id': session };
  const listed = await ask({ method: 'tools/list' }, named);
  if (session !== null)
    await guarded(server.href, { method: 'DELETE', headers: named, headersOnly: true });
  return listed;
}

/** Where tokens would go along: to the same place with a slash at the end. Null: it is no redirect. @throws LoginFault */
function redirectOf(server: URL, { status, headers }: Response): URL | null {
  const location = headers.get('location') ?? '';
  if (!REDIRECTS.has(status) || !URL.canParse(location, server.href)) return null;
  const target = new URL(location, server);
  const plain = ({ origin, pathname }: URL) => `${origin}${pathname.replace(/\/$/, '')}`;
  if (plain(target) === plain(server)) return target;
  throw new LoginFault(
    `${shown(server)} redirects to ${shown(target)}, and tokens are not sent along: if it has moved, write that into url`,
  );
}
