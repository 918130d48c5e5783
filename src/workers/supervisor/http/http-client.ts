/**
 * Sends HTTP requests to one endpoint, with its headers, its session and its connections, and follows
 * redirects within its origin. Tells whether a failed request can have reached the server. Owned by one
 * remote. Does not know what the requests say, and sends one again only after a 401, by which the server says that
 * it has not looked at it, and with another token.
 */
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';
import type { LookupFunction } from 'node:net';
import { bearerChallenge } from '../../../shared/model/challenge.ts';
import { errorCode } from '../../../shared/platform/errno.ts';
import { clip } from '../../../shared/text/clean-text.ts';
import { connectText } from './connect-text.ts';
import { Cookies } from './cookies.ts';
import type { Login } from './login.ts';
import { sharing } from './lookup.ts';

/**
 * Shorter than the keep-alive of usual servers: a call is lost on a connection that the server is just
 * closing.
 */
const IDLE_SOCKET_MS = 2000;
const MAX_IDLE_SOCKETS = 4;
const MAX_REDIRECTS = 5;
/** Of a token, for one request. */
const MOST_RENEWALS = 4;
/** Before a handshake is tried again with a token that the server may not know yet. */
const UNKNOWN_YET_MS = 1000;
const MAX_PLACE_UNITS = 500;
const MAX_HEADER_BYTES = 16 * 1024;
/** A connection must stand within this time, TLS included. */
const CONNECT_MS = 5000;
/** Errors of a connection to a server that is not there now. Others need a person, as certificates do. */
const AWAY = new Set(
  'ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN EADDRNOTAVAIL ENOTFOUND EAI_AGAIN EAI_FAIL EAI_NODATA'.split(
    ' ',
  ),
);
/** Redirects that keep method and body, and those that make a GET of every request. */
const SAME_REQUEST = new Set([307, 308]);
const MAKES_GET = new Set([301, 302, 303]);

/** What can be sent back in a header; the specification allows less, and some servers do not keep to it. */
const SESSION_ID = /^[\x20-\x7e\x80-\xff]{1,8192}$/;

/** Of this thread. */
let shared: LookupFunction | null = null;

function lookup(): LookupFunction {
  shared ??= sharing(createRequire(import.meta.url)('node:dns').lookup);
  return shared;
}

export interface HttpRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** Null for a request without a body. */
  readonly body: Uint8Array | null;
  readonly headers: OutgoingHttpHeaders;
  /** It is `initialize`, or a list where there is no handshake: a 401 without a word may mean a login, too. */
  readonly opens?: boolean;
  /** Nobody with a good token is refused it: a 401 that asks for another one ends the login. */
  readonly isOfLogin?: boolean;
  /** Any response except a followed redirect. The callee must read it or destroy it. */
  readonly onResponse: (response: IncomingMessage) => void;
  readonly onFailed: (failure: HttpFailure) => void;
}

export interface HttpFailure {
  /** False: the server certainly did not get the request. */
  readonly sent: boolean;
  /** False: the server answered with a redirect that is not followed. */
  readonly broken: boolean;
  /** How long it took to find that no server is there; null: the failure means something else. */
  readonly awayMs: number | null;
  readonly detail: string;
}

/** A request in flight. After `destroy` nothing is called for it. */
export interface HttpExchange {
  /** Whether the request may have reached the server. */
  readonly sent: boolean;
  destroy(): void;
}

export class HttpClient {
  /** Session id; null until the server has given one. */
  sessionId: string | null = null;
  /** Agreed on in the handshake; null before. */
  protocolVersion: string | null = null;
  readonly #url: URL;
  readonly #headers: OutgoingHttpHeaders;
  /** Null: it has credentials of its own, or none. */
  readonly login: Login | null;
  readonly #cookies = new Cookies();
  /** The value of a configured `Cookie` header. */
  readonly #ownCookies: string;
  readonly #http: Pick<typeof import('node:https'), 'request' | 'Agent'>;
  readonly #agent: InstanceType<typeof import('node:https').Agent>;

  constructor(url: string, headers: OutgoingHttpHeaders, login: Login | null) {
    this.#url = new URL(url);
    this.login = login;
    const cookie = Object.entries(headers).filter(([name]) => name.toLowerCase() === 'cookie');
    this.#ownCookies = cookie.map(([, value]) => String(value)).join('; ');
    this.#headers = headers;
    // Loaded on demand: threads with only child processes do not need it.
    const load = createRequire(import.meta.url);
    this.#http = load(this.#url.protocol === 'https:' ? 'node:https' : 'node:http');
    this.#agent = new this.#http.Agent({
      keepAlive: true,
      timeout: IDLE_SOCKET_MS,
      maxFreeSockets: MAX_IDLE_SOCKETS,
      scheduling: 'lifo',
    });
  }

  send(request: HttpRequest): HttpExchange {
    let current: ClientRequest | null = null;
    let sent = false;
    let done = false;
    const fail = (failure: HttpFailure) => {
      if (done) return;
      done = true;
      request.onFailed(failure);
    };
    let renewals = 0;
    let wait: NodeJS.Timeout | null = null;
    const refused = (response: IncomingMessage) => {
      if (done) return response.destroy();
      sent = true;
      if (response.destroyed) {
        return fail({ sent, broken: true, awayMs: null, detail: 'HTTP 401' });
      }
      done = true;
      request.onResponse(response);
    };
    /** @returns whether the response is dealt with, now or later. */
    const unauthorized = (response: IncomingMessage, token: string | null): boolean => {
      const { login } = this;
      if (login === null) return false;
      const opens = request.opens === true;
      const challenge = response.headers['www-authenticate'];
      // A bare refusal may be of this method.
      const isOfLogin =
        opens || (request.isOfLogin === true && bearerChallenge(challenge) !== null);
      const again = () => {
        if (done) return;
        response.destroy();
        attempt(this.#url, 0);
      };
      const giveUp = (): boolean => {
        // It was not looked at.
        sent = false;
        if (done || !login.isWanted(challenge, token, opens)) {
          sent = true;
          return false;
        }
        response.destroy();
        fail({ sent: false, broken: true, awayMs: null, detail: 'HTTP 401' });
        return true;
      };
      if (token === null) return giveUp();
      renewals += 1;
      // What one call gets says nothing about the login: a tool may pass on what another server answers.
      if (renewals > MOST_RENEWALS) return isOfLogin && giveUp();
      sent = false;
      // Main says when there is no use in it; one may also have ended on its way.
      login.renew(token, (renewal) => {
        if (renewal === 'new') return again();
        if (!done && renewal === 'same' && isOfLogin && login.isNew) {
          wait = setTimeout(again, UNKNOWN_YET_MS);
          return;
        }
        if ((renewal === 'same' && !isOfLogin) || !giveUp()) refused(response);
      });
      return true;
    };
    const attempt = (url: URL, redirects: number) => {
      sent = false;
      const token = isSamePlace(url, this.#url) ? (this.login?.token ?? null) : null;
      const cookie = this.#cookies.header(url, this.#ownCookies, Date.now());
      const own = this.#http.request(url, {
        method: request.method,
        headers: {
          ...this.#headers,
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(cookie === '' ? {} : { cookie }),
          ...(this.sessionId === null ? {} : { 'mcp-session-id': this.sessionId }),
          ...(this.protocolVersion === null
            ? {}
            : { 'mcp-protocol-version': this.protocolVersion }),
          ...request.headers,
          ...(request.body === null ? {} : { 'content-length': request.body.length }),
        },
        agent: this.#agent,
        lookup: lookup(),
        maxHeaderSize: MAX_HEADER_BYTES,
      });
      current = own;
      const began = performance.now();
      own.on('socket', (socket) => {
        const connected = url.protocol === 'https:' ? 'secureConnect' : 'connect';
        const mark = () => {
          sent = true;
        };
        if (own.reusedSocket || !socket.connecting) return mark();
        const slow = Object.assign(new Error(), { code: 'ETIMEDOUT' });
        const limit = setTimeout(() => own.destroy(slow), CONNECT_MS);
        socket.once('close', () => clearTimeout(limit));
        socket.once(connected, () => {
          clearTimeout(limit);
          mark();
        });
      });
      own.on('error', (error) => {
        if (own !== current) return;
        const code = errorCode(error);
        const detail = sent
          ? `the connection to ${url.host} broke (${code || error.message})`
          : connectText(url, code, error.message, process.env);
        const awayMs = AWAY.has(code) ? performance.now() - began : null;
        fail({ sent, broken: true, awayMs, detail });
      });
      own.on('response', (response) => {
        const status = response.statusCode ?? 0;
        // Without a listener, an error of the connection would be thrown.
        response.on('error', () => undefined);
        if (done) return response.destroy();
        this.#cookies.take(response.headers['set-cookie'] ?? [], url, Date.now());
        if (status === 401 && unauthorized(response, token)) return;
        if (status < 300 || status > 399) {
          done = true;
          return request.onResponse(response);
        }
        response.destroy();
        const target = redirectTarget(url, response.headers.location);
        const isSame =
          SAME_REQUEST.has(status) || (request.method === 'GET' && MAKES_GET.has(status));
        if (
          target?.origin === url.origin &&
          target.username + target.password === '' &&
          isSame &&
          redirects < MAX_REDIRECTS
        ) {
          return attempt(target, redirects + 1);
        }
        const detail = `HTTP ${status}, a redirect to ${placeOf(target)} that is not followed`;
        fail({ sent: true, broken: false, awayMs: null, detail });
      });
      own.end(request.body ?? undefined);
    };
    const begin = () => attempt(this.#url, 0);
    // The server may have closed an idle connection already: that is read first, in one more turn of the loop.
    const hasIdle = Object.keys(this.#agent.freeSockets).length > 0;
    let turn: NodeJS.Immediate | null = null;
    if (hasIdle) turn = setImmediate(() => (turn = setImmediate(begin)));
    else begin();
    return {
      get sent() {
        return sent;
      },
      destroy() {
        done = true;
        if (turn !== null) clearImmediate(turn);
        if (wait !== null) clearTimeout(wait);
        current?.destroy();
      },
    };
  }

  /** Tells the server that its session is over. @param onEnd called when it has heard so, or cannot. */
  endSession(onEnd: () => void): void {
    this.send({
      method: 'DELETE',
      body: null,
      headers: {},
      onResponse: (response) => {
        response.destroy();
        onEnd();
      },
      onFailed: onEnd,
    });
  }

  /** Closes the idle connections. */
  close(): void {
    this.#agent.destroy();
  }
}

/** Whether this may be `sessionId`. */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text);
}

function redirectTarget(from: URL, location: string | undefined): URL | null {
  return location !== undefined && URL.canParse(location, from.href)
    ? new URL(location, from)
    : null;
}

/** Whether a token may go along with a redirect: some servers only want a slash at the end. */
function isSamePlace(url: URL, own: URL): boolean {
  const plain = ({ origin, pathname }: URL) => `${origin}${pathname.replace(/\/$/, '')}`;
  return plain(url) === plain(own);
}

/** The whole place, without credentials. */
function placeOf(target: URL | null): string {
  if (target === null) return 'nowhere';
  const place = new URL(target);
  place.username = '';
  place.password = '';
  place.hash = '';
  return clip(place.href, MAX_PLACE_UNITS);
}
