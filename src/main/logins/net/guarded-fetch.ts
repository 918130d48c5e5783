/**
 * HTTP for logins: every address is checked when it is connected to, bodies and times are bounded, and redirects
 * are not followed. What goes wrong is one line, without any text of the other side.
 */
import { type LookupAddress, type LookupAllOptions, lookup as lookUpAll } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { errorCode } from '../../../shared/platform/errno.ts';
import { isLoopbackHost, literalOf, Trust, type Zone, zoneOf } from './reach.ts';

/** One line about what an authorization server, or the way to it, does wrong. */
export class LoginFault extends Error {}

/** Nobody has answered; it may be better the next time. */
export class Unanswered extends LoginFault {}

export type GuardedFetch = (url: string, init: GuardedInit) => Promise<Response>;

interface GuardedInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | URLSearchParams | Uint8Array | null | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The body is of no interest. @default false */
  readonly headersOnly?: boolean;
}

const LIMIT_MS = 20_000;
const MAX_BODY_BYTES = 256 * 1024;
const MAX_HEADER_BYTES = 32 * 1024;
const MAX_SHOWN = 200;
/** Statuses that a `Response` cannot have with a body. */
const EMPTY = new Set([204, 205, 304]);
const MADE_BY_NODE = new Set([
  'content-length',
  'transfer-encoding',
  'content-encoding',
  'connection',
]);

/** An address in short, for people. Nothing is cut in two: half a secret would not be found, and hidden. */
export function shown(url: URL): string {
  const place = `${url.protocol}//${url.host}`;
  return url.pathname.length > MAX_SHOWN ? `${place}/...` : `${place}${url.pathname}`;
}

/** Reads an address that the other side has given. @throws LoginFault unless tokens may go there. */
export function checkedAddress(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || text.length > 2048) throw new LoginFault(`${what} is no address`);
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url));
  if (!isSafe) throw new LoginFault(`${what} is not https: ${shown(url)}`);
  if (url.username !== '' || url.password !== '') {
    throw new LoginFault(`${what} has credentials in it`);
  }
  return url;
}

/** HTTP for one login, and how far that may lead. */
export interface Guard {
  readonly fetch: GuardedFetch;
  /** How far it leads from now on: whatever was connected to has a part in it. */
  readonly zone: Zone;
  /** An address that a browser is sent to. @throws LoginFault unless it may be connected to, too. */
  readonly checkShown: (text: string, what: string) => Promise<URL>;
}

export interface GuardOptions {
  /** How far an earlier login led; null: where the server is decides. @default null */
  readonly home?: Zone | null;
  /** @default the system's */
  readonly lookUp?: LookUp;
}

type LookUp = (
  name: string,
  options: LookupAllOptions,
  answer: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

/** What a request needs besides itself. */
interface Way {
  readonly trust: Trust;
  readonly lookUp: LookUp;
  readonly isServer: boolean;
}

/** @param server its address, as configured: only where that is connected to decides which others are trusted. */
export function guardFor(server: URL, signal: AbortSignal, options: GuardOptions = {}): Guard {
  const { home = null, lookUp = lookUpAll } = options;
  const trust = new Trust(home);
  return {
    get zone() {
      return trust.zone;
    },
    fetch: (address, init) => {
      const url = checkedAddress(address, 'an address');
      return fetchOnce(url, init, { trust, lookUp, isServer: url.host === server.host }, signal);
    },
    checkShown: async (text, what) => {
      const url = checkedAddress(text, what);
      const zones = await zonesOf(url, lookUp);
      if (!zones.every((zone) => trust.allows(zone))) throw forbidden(url, 'opened');
      return url;
    },
  };
}

async function zonesOf(url: URL, lookUp: LookUp): Promise<Zone[]> {
  const literal = literalOf(url);
  if (literal !== null) return [zoneOf(literal)];
  return new Promise((resolve, reject) => {
    lookUp(url.hostname, { all: true }, (error, found) => {
      if (error === null) return resolve(found.map(({ address }) => zoneOf(address)));
      reject(new LoginFault(`${url.host} cannot be found (${errorCode(error)})`));
    });
  });
}

async function fetchOnce(
  url: URL,
  init: GuardedInit,
  way: Way,
  signal: AbortSignal,
): Promise<Response> {
  const literal = literalOf(url);
  if (literal !== null && !way.trust.allows(zoneOf(literal), way.isServer)) {
    throw forbidden(url, 'connected to');
  }
  const limit = AbortSignal.timeout(LIMIT_MS);
  const signals = [limit, signal, ...(init.signal == null ? [] : [init.signal])];
  const body = bodyOf(init.body);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const ask = url.protocol === 'https:' ? requestHttps : requestHttp;
      const request = ask(
        url,
        {
          method: init.method ?? 'GET',
          headers: {
            ...init.headers,
            'accept-encoding': 'identity',
            ...(body === null ? {} : { 'content-length': body.length }),
          },
          agent: false,
          lookup: guardedLookup(url, way),
          maxHeaderSize: MAX_HEADER_BYTES,
          signal: AbortSignal.any(signals),
        },
        resolve,
      );
      request.on('error', reject);
      request.on('socket', (socket) => {
        // Not what another look-up would say.
        socket.once('connect', () => way.trust.reached(zoneOf(socket.remoteAddress ?? '')));
      });
      request.end(body ?? undefined);
    });
    if (init.headersOnly !== true) return await responseOf(url, response);
    // A stream of events may have no end.
    response.destroy();
    return answerOf(url, response, []);
  } catch (error) {
    if (error instanceof LoginFault) throw error;
    if (signal.aborted) throw signal.reason;
    if (limit.aborted) {
      throw new Unanswered(`${shown(url)} does not answer within ${LIMIT_MS / 1000} s`);
    }
    throw new Unanswered(`cannot speak to ${shown(url)} (${errorCode(error) || 'it broke off'})`);
  }
}

async function responseOf(url: URL, message: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new LoginFault(`the answer of ${shown(url)} is larger than ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return answerOf(url, message, chunks);
}

function answerOf(url: URL, message: IncomingMessage, chunks: readonly Buffer[]): Response {
  const status = message.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined && !MADE_BY_NODE.has(name))
      headers.set(name, [value].flat().join(', '));
  }
  if (status < 200 || status > 599) throw new LoginFault(`${shown(url)} speaks no HTTP`);
  return new Response(EMPTY.has(status) ? null : Buffer.concat(chunks), { status, headers });
}

/** Looks the name up once, and connects to nothing else. */
function guardedLookup(url: URL, { trust, lookUp, isServer }: Way): LookupFunction {
  return (name, options, answer) => {
    lookUp(name, { ...options, all: true }, (error, found) => {
      if (error !== null) return answer(error, '', 4);
      if (!found.every(({ address }) => trust.allows(zoneOf(address), isServer))) {
        return answer(forbidden(url, 'connected to') as NodeJS.ErrnoException, '', 4);
      }
      const [first] = found;
      if (options.all === true) answer(null, found);
      else answer(null, first?.address ?? '', first?.family ?? 4);
    });
  };
}

function forbidden(url: URL, what: 'connected to' | 'opened'): LoginFault {
  return new LoginFault(
    `${url.host} is an address of this machine or of a private network, and the server is not: it is not ${what}`,
  );
}

function bodyOf(body: GuardedInit['body']): Buffer | null {
  if (body === null || body === undefined) return null;
  return typeof body === 'string' || body instanceof URLSearchParams
    ? Buffer.from(body.toString())
    : Buffer.from(body);
}
