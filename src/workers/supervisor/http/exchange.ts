/**
 * One message posted to a server, up to its answer: the response, JSON or events, and the resumption of a
 * stream that breaks off. Owned by the remote. Never posts twice, and only reports what ends the connection
 * as a whole.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { isHarmless } from '../conversation/own-requests.ts';
import type { RequestId } from '../link.ts';
import type { Loss, Receiver } from '../receiver.ts';
import { isErrorFor, messageOf, readErrorBody } from './error-body.ts';
import type { HttpClient, HttpExchange } from './http-client.ts';
import {
  ELSEWHERE,
  type Ending,
  endlessLoss,
  isAbsence,
  noAnswer,
  outcomeUnknown,
  redirectLoss,
  statusLoss,
  statusText,
  UNDECODABLE,
} from './http-losses.ts';
import { type BodyEnd, bodyKind, isStream, MessageStream } from './message-stream.ts';
import { Reopening } from './reopening.ts';
import { type Sign, signOfRefusal } from './session-doubt.ts';

/** The server must accept a message without an answer within this time. */
const NO_ANSWER_MS = 30_000;
/** A stream must end within this time after the answer to its request. */
const AFTER_ANSWER_MS = 1000;
/** Failures in a row, without an event in between. */
const MAX_FAILED_RESUMPTIONS = 5;
/** Statuses by which the protocol itself refuses, in its later revisions. */
const SAYS_WHY = new Set([400, 404, 405, 406, 422]);
/** Of the body of an error; enough to know it again. */
const SIGN_BYTES = 2048;
const NEWLINE = Uint8Array.of(0x0a);
const LOST_SESSION = 'the server does not know the session any more (HTTP 404)';
const REFUSED_TOKEN =
  'it refuses this with the token of its login, or passes on what another server says';
const POST_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};
export const STREAM_HEADERS = { accept: 'text/event-stream' };

export interface ExchangeOptions {
  readonly server: string;
  readonly client: HttpClient;
  /** Id of the request; null for a message that has no answer. */
  readonly id: RequestId | null;
  /** The message, without newline. */
  readonly body: Uint8Array;
  /** Besides those of every message. */
  readonly headers: OutgoingHttpHeaders;
  /** It belongs to no session: an error for it is its answer, and what breaks off is not taken up. */
  readonly isStateless: boolean;
  readonly maxBytes: number;
  readonly receiver: Receiver;
  /** Takes secrets out of the server's words and makes them one line. */
  readonly redact: (text: string) => string;
  readonly owner: ExchangeOwner;
}

/** What an exchange tells its owner, the remote. */
export interface ExchangeOwner {
  /** A response with a good status began. */
  accepted(response: IncomingMessage): void;
  /** The server refused a message that has no answer. */
  refused(problem: string): void;
  /**
   * The message did not leave, or no answer to a handshake began to come.
   *
   * @param awayMs how long it took to find that no server is there; null: one is, but must not be connected to.
   */
  unreachable(detail: string, awayMs: number | null): void;
  /**
   * The server knows neither the session nor the credentials and did not look at the message.
   *
   * @param stops it is a gateway that stops: it takes nothing new, and goes on with what it has.
   */
  turnedAway(detail: string, stops: boolean): void;
  /** An error status refused a request. Comes before the loss of the request. */
  denied(id: RequestId, sign: Sign): void;
  /** The connection of a request broke. Comes before its loss. @param unheard before a response began. */
  broke(id: RequestId, unheard: boolean): void;
  /** The exchange is over, see `Exchange.ending`. Not called after `close`. */
  ended(exchange: Exchange): void;
}

export class Exchange {
  readonly id: RequestId | null;
  ending: Ending | null = null;
  readonly #options: ExchangeOptions;
  readonly #reopening = new Reopening();
  #http: HttpExchange;
  #phase: 'posting' | 'answered' | 'turned_away' | 'over' = 'posting';
  #lastEventId: string | null = null;
  #stopReading: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** Posts the message. */
  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.id = options.id;
    this.#http = options.client.send({
      method: 'POST',
      body: options.body,
      headers: { ...POST_HEADERS, ...options.headers },
      opens: options.isStateless ? isList(options.headers) : this.#opens,
      isOfLogin: typeof this.id === 'string' && isHarmless(options.body),
      onResponse: (response) => this.#read(response),
      onFailed: ({ sent, broken, awayMs, detail }) => {
        if (!broken) return this.#lose(redirectLoss(options.server, options.redact(detail)));
        if (!sent || (this.#opens && awayMs !== null)) {
          return options.owner.unreachable(detail, awayMs);
        }
        this.#break(detail, awayMs !== null);
      },
    });
    if (this.id === null) this.#endAfter(NO_ANSWER_MS);
  }

  get bytes(): number {
    return this.#options.body.length;
  }

  /** Whether the end of the connection waits for it: for the response, or for the answer. */
  get awaited(): boolean {
    if (this.id === null) return this.#phase === 'posting';
    // The stream of changes has no end of its own.
    return !this.unsent && !(this.#options.isStateless && typeof this.id === 'string');
  }

  /** Whether the server has certainly not carried it out. */
  get unsent(): boolean {
    return this.#phase === 'turned_away' || (this.#phase === 'posting' && !this.#http.sent);
  }

  /** Whether it is `initialize`, which may be sent again whatever became of it. */
  get #opens(): boolean {
    return this.#options.client.protocolVersion === null;
  }

  /** The request has been answered, perhaps on another stream. */
  answered(): void {
    if (this.#phase === 'answered') this.#endAfter(AFTER_ANSWER_MS);
  }

  /** Stops reading; nothing is called after this. */
  close(): void {
    if (this.#phase !== 'turned_away' && !this.unsent) this.#phase = 'over';
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#stopReading?.();
    this.#http.destroy();
  }

  #read(response: IncomingMessage): void {
    const { client, receiver, owner } = this.#options;
    const status = response.statusCode ?? 0;
    // Its token was tried again already, and main holds it good: this request alone is refused.
    const hasLogin = (client.login?.token ?? null) !== null;
    const lostSession = status === 404 && client.sessionId !== null;
    const stops = status === 503 && response.headers['rea-outcome'] === 'not_sent';
    if (lostSession || (!this.#opens && (stops || (status === 401 && !hasLogin)))) {
      response.destroy();
      this.#phase = 'turned_away';
      return owner.turnedAway(lostSession ? LOST_SESSION : statusText(status, ''), stops);
    }
    this.#phase = 'answered';
    if (status >= 400) return this.#readError(response, status);
    receiver.heard();
    owner.accepted(response);
    // The connection as a whole may have ended by that.
    if (this.#isOver()) return;
    if (this.id === null) {
      // Accepted. The body means nothing; a stream, which may stay open, is not read.
      if (bodyKind(response) === 'events') {
        response.destroy();
        return this.#end();
      }
      this.#stopReading = () => response.destroy();
      response.once('close', () => this.#end());
      response.resume();
      return;
    }
    if (status === 202) {
      return this.#leave({ loss: outcomeUnknown(this.#options.server, ELSEWHERE), isSure: true });
    }
    const kind = bodyKind(response);
    if (kind === null) {
      const type = response.headers['content-type'] ?? 'no content type';
      response.destroy();
      const shown = this.#options.redact(type).slice(0, 100);
      return this.#lose(
        noAnswer(this.#options.server, `is neither JSON nor events: HTTP ${status}, ${shown}`),
      );
    }
    this.#follow(response, kind);
  }

  #isOver(): boolean {
    return this.#phase === 'over';
  }

  #follow(response: IncomingMessage, kind: 'json' | 'events'): void {
    const { receiver, maxBytes } = this.#options;
    const stream = new MessageStream({
      response,
      kind,
      maxBytes,
      framer: receiver.source(this.id),
      receiver,
      onBytes: () => {
        receiver.heard();
        return receiver.reading;
      },
      onEvent: (id) => {
        const resumes = id !== null && !this.#options.isStateless;
        if (resumes) this.#lastEventId = id === '' ? null : id;
        this.#reopening.worked();
        if (this.id !== null && !receiver.isOpen(this.id)) this.#endAfter(AFTER_ANSWER_MS);
      },
      onRetry: (ms) => {
        this.#reopening.serverMs = ms;
      },
      onEnd: (how) => this.#bodyEnded(kind, how),
    });
    this.#stopReading = () => stream.close();
  }

  #bodyEnded(kind: 'json' | 'events', how: BodyEnd): void {
    const { server, receiver, maxBytes } = this.#options;
    if (this.id === null || !receiver.isOpen(this.id)) return this.#end();
    if (how === 'endless') return this.#lose(endlessLoss(server, maxBytes, kind === 'json'));
    if (how === 'undecodable') return this.#lose(noAnswer(server, UNDECODABLE));
    if (kind === 'json' && how === 'complete') {
      return this.#lose(noAnswer(server, 'is malformed: the body is no answer to the request'));
    }
    if (this.#lastEventId !== null) return this.#resumeLater();
    if (how === 'broken') return this.#break('the connection broke');
    const loss = outcomeUnknown(server, 'the stream ended without the answer');
    this.#leave({ loss, isSure: false });
  }

  #resumeLater(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#resume(), this.#reopening.delay(Math.random()));
  }

  #resume(): void {
    const { client, receiver, owner } = this.#options;
    this.#timer = null;
    this.#http = client.send({
      method: 'GET',
      body: null,
      headers: { ...STREAM_HEADERS, 'last-event-id': this.#lastEventId ?? '' },
      onResponse: (response) => {
        const status = response.statusCode ?? 0;
        if (isStream(response)) return this.#follow(response, 'events');
        response.destroy();
        if (status === 404 && client.sessionId !== null) {
          // The message itself was accepted: its outcome is unknown.
          owner.turnedAway(LOST_SESSION, false);
        } else if (status >= 500 || status === 429) {
          this.#resumptionFailed(`HTTP ${status}`);
        } else {
          this.#break(`its stream could not be resumed (HTTP ${status})`);
        }
      },
      onFailed: ({ detail }) => {
        receiver.suspect();
        this.#resumptionFailed(detail);
      },
    });
  }

  #resumptionFailed(why: string): void {
    this.#reopening.failed();
    if (this.#reopening.failures < MAX_FAILED_RESUMPTIONS) return this.#resumeLater();
    this.#break(`its stream could not be resumed (${why})`);
  }

  #readError(response: IncomingMessage, status: number): void {
    const { server, client, receiver, redact, owner, isStateless } = this.#options;
    const challenge = response.headers['www-authenticate'];
    const scopes = status === 403 ? (client.login?.scopeAdvice(challenge) ?? null) : null;
    const advice = status === 401 && client.login !== null ? REFUSED_TOKEN : scopes;
    this.#stopReading = readErrorBody(response, (body, complete) => {
      const said = redact(body.toString());
      if (scopes !== null && this.#opens) {
        return client.login?.refuse(statusText(status, said, scopes));
      }
      // A server that is only asked what it speaks may say so to whatever it does not know.
      if (this.#opens && !isStateless && isAbsence(status)) {
        return owner.unreachable(statusText(status, said), 0);
      }
      if (this.id === null) {
        owner.refused(statusText(status, said));
        return this.#end();
      }
      const frame = complete ? messageOf(body) : null;
      if (isStateless && frame !== null && isErrorFor(Number(this.id), frame)) {
        receiver.heard();
        return this.#answer(body);
      }
      owner.denied(this.id, signOfRefusal(status, frame, body.toString('utf8', 0, SIGN_BYTES)));

      // A JSON-RPC error for this very call is its answer, whatever the status. It does not answer a
      // ping, because it does not show that the session is alive.
      if (typeof this.id === 'number' && frame !== null && isErrorFor(this.id, frame)) {
        this.#answer(body);
      } else {
        const loss = statusLoss(server, status, said, advice);
        // Before the handshake is complete, it may say why.
        const says = complete && client.protocolVersion === null && SAYS_WHY.has(status);
        this.#lose(says ? { ...loss, body } : loss);
      }
      // The server may have lost the session without saying so, or its login may be over.
      if (status === 401 && client.login !== null) receiver.unauthorized();
      else receiver.suspect();
    });
  }

  /** What an error status came with is the answer. */
  #answer(body: Buffer): void {
    const framer = this.#options.receiver.source(this.id);
    framer.push(body);
    framer.push(NEWLINE);
    this.#end();
  }

  /** The connection is gone; perhaps the server is too. */
  #break(why: string, unheard = false): void {
    const { server, receiver, redact, owner } = this.#options;
    if (this.id !== null) owner.broke(this.id, unheard);
    // The name of a host may be a secret, too.
    this.#lose(outcomeUnknown(server, redact(why)));
    receiver.suspect();
  }

  #lose(loss: Loss): void {
    const { receiver, owner } = this.#options;
    if (this.id === null) owner.refused(loss.message);
    else receiver.lost(this.id, loss);
    this.#end();
  }

  #endAfter(ms: number): void {
    this.#timer ??= setTimeout(() => this.#leave(this.id === null ? null : 'cut'), ms);
  }

  #leave(ending: Ending | null): void {
    this.ending = ending;
    this.#end();
  }

  #end(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.close();
    this.#options.owner.ended(this);
  }
}

/** Without a handshake, lists are what the gateway itself asks for first. */
function isList(headers: OutgoingHttpHeaders): boolean {
  return String(headers['mcp-method']).endsWith('/list');
}
