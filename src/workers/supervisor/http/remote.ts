/**
 * The link to one server over Streamable HTTP. Each message is a request of its own; the handshake goes
 * first and alone. Owned by the incarnation. Says once when the server is gone, and never reconnects by
 * itself: that is a new incarnation.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Frame } from '../../../shared/json/frame.ts';
import type { TokenReply } from '../../../shared/model/login.ts';
import type { Reply } from '../conversation/reply.ts';
import type { Link, RequestId } from '../link.ts';
import { Elsewhere } from './elsewhere.ts';
import { Exchange, type ExchangeOwner } from './exchange.ts';
import { HttpClient, isSessionId } from './http-client.ts';
import { isAbsence } from './http-losses.ts';
import { Listener } from './listener.ts';
import { loginOf } from './login.ts';
import type { RemoteOptions } from './remote-options.ts';
import { DoubtEvidence, proofText, type Sign } from './session-doubt.ts';
import { readToken } from './token-file.ts';

/** How long the other requests in flight have to be answered, or turned away, too. */
const LEAVE_MS = 1000;
/** How long a gateway that stops has for the calls that it still works on. */
const STOP_MS = 10_000;
const CUT = 'its streams go on after the answer: what they carry then is not read';

interface Entry {
  readonly line: Uint8Array;
  readonly id: RequestId | null;
  /** It completes the handshake: the server must have accepted it before anything else is sent. */
  readonly confirms: boolean;
  /** Of its own; null: the session says all. */
  readonly headers: OutgoingHttpHeaders | null;
}

export class Remote implements Link, ExchangeOwner {
  readonly wantsHeaders = true;
  readonly pid = null;
  readonly startTime = null;
  readonly #options: RemoteOptions;
  readonly #client: HttpClient | null;
  readonly #exchanges = new Set<Exchange>();
  #queue: Entry[] = [];
  /** `handshake`: one request in flight at a time. `leaving`, `ending`: no new requests. */
  #state: 'new' | 'handshake' | 'open' | 'leaving' | 'ending' | 'gone' = 'new';
  /** The next message without an answer completes the handshake. */
  #confirming = false;
  /** There is no session: each request stands for itself, and nothing without an answer is sent. */
  #isStateless = false;
  #confirmation: Exchange | null = null;
  #listener: Listener | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Tells why it leaves. */
  #why: (() => void) | null = null;
  readonly #doubt = new DoubtEvidence();
  #elsewhere: Elsewhere | null = null;
  #hasCut = false;
  /** On leaving, requests that are open are waited for. */
  #patient = false;

  constructor(options: RemoteOptions) {
    this.#options = options;
    const { url, headers, tokenFile } = options.endpoint;
    const token = tokenFile === null ? null : readToken(tokenFile);
    if (token?.ok === false) {
      this.#client = null;
      this.#die(token.problem);
      return;
    }
    if (token !== null) options.listener.tokenRead(token.token);
    const own = {
      'user-agent': `rea/${options.gatewayVersion}`,
      'accept-encoding': 'identity',
      ...headers,
      ...(token === null ? {} : { authorization: `Bearer ${token.token}` }),
    };
    const login = loginOf(
      options,
      (detail) => {
        const tell = () => options.listener.loginWanted(options.redact(detail));
        // What is on its way may still be answered.
        return this.#state === 'open' ? this.#leave(tell) : this.#end(tell);
      },
      // No crash: it is tried again until the token can be renewed.
      (problem) => this.#die(problem, 0),
    );
    this.#client = new HttpClient(url, own, login);
    // By then the conversation exists, and its first message is queued.
    setImmediate(() => (login === null ? this.#begin() : login.begin(() => this.#begin())));
  }

  #begin(): void {
    if (this.#state !== 'new') return;
    this.#state = 'handshake';
    this.#pump();
  }

  /** What main has: the answer to `tokenWanted`, or a new one. */
  tokenGiven(reply: TokenReply): void {
    if (this.#state !== 'gone') this.#client?.login?.take(reply);
  }

  write(line: Uint8Array, id: RequestId | null, headers?: OutgoingHttpHeaders): void {
    if (this.#isStateless && id === null) return;
    const confirms = this.#confirming && id === null;
    if (confirms) this.#confirming = false;
    const entry = { line: line.subarray(0, -1), id, confirms, headers: headers ?? null };
    // What an open call still needs, such as a person's answer, does not wait.
    if (this.#state === 'leaving' && this.#patient && id === null) return this.#post(entry);
    this.#queue.push(entry);
    this.#pump();
  }

  withdraw(id: RequestId): boolean {
    const at = this.#queue.findIndex((entry) => entry.id === id);
    if (at >= 0) {
      this.#queue.splice(at, 1);
      return true;
    }
    for (const exchange of this.#exchanges) {
      if (exchange.id !== id) continue;
      const { unsent } = exchange;
      exchange.close();
      this.#forget(exchange);
      return unsent;
    }
    return false;
  }

  /** A server may answer on another stream than the request's own. */
  answered(id: RequestId, error: Frame | null): void {
    for (const exchange of this.#exchanges) if (exchange.id === id) exchange.answered();
    if (this.#doubt.answered(id, error)) this.#options.listener.conversation.suspect();
    this.#judge();
  }

  pinged(id: string, reply: Reply): void {
    this.#doubt.pinged(id, reply);
    this.#judge();
  }

  /** The exchange asks for a ping itself. */
  denied(id: RequestId, sign: Sign): void {
    this.#doubt.denied(id, sign);
    this.#judge();
  }

  broke(id: RequestId, unheard: boolean): void {
    this.#doubt.broke(id, unheard);
    this.#judge();
  }

  #suspect(): void {
    this.#doubt.suspect();
    this.#judge();
    if (this.#state === 'open') this.#options.listener.conversation.suspect();
  }

  opened(version: string): void {
    if (this.#client === null || this.#state !== 'handshake') return;
    this.#isStateless = true;
    this.#client.protocolVersion = version;
    this.#client.sessionId = null;
    this.#state = 'open';
    this.#pump();
  }

  handshaken(version: string): void {
    if (this.#client === null) return;
    this.#confirming = true;
    this.#client.protocolVersion = version;
  }

  get queuedBytes(): number {
    let bytes = 0;
    for (const { line } of this.#queue) bytes += line.length;
    for (const exchange of this.#exchanges) if (exchange.id === null) bytes += exchange.bytes;
    return bytes;
  }

  unsentCalls(): number[] {
    const ids = [
      ...this.#queue.map(({ id }) => id),
      ...[...this.#exchanges].filter(({ unsent }) => unsent).map(({ id }) => id),
    ];
    return ids.filter((id) => typeof id === 'number');
  }

  /** Ends the session at the server, after messages that are being sent. */
  endInput(): void {
    if (this.#state === 'gone') return;
    this.#state = 'ending';
    this.#listener?.close();
    for (const exchange of this.#exchanges) {
      if (exchange.id === null) continue;
      exchange.close();
      this.#exchanges.delete(exchange);
    }
    this.#endWhenQuiet();
  }

  /** There is no process to signal: the connection ends. */
  signal(): void {
    this.#die('the connection was closed');
  }

  whenClear(callback: () => void): void {
    callback();
  }

  accepted(response: IncomingMessage): void {
    this.#keepSession(response);
    this.#leaveWhenSettled();
  }

  refused(problem: string): void {
    this.#trouble(`a message was not taken: ${problem}`);
  }

  unreachable(detail: string, awayMs: number | null): void {
    // What was not sent waits for what was.
    if (this.#state !== 'leaving') this.#die(detail, awayMs);
  }

  turnedAway(detail: string, stops: boolean): void {
    if (stops) this.#patient = true;
    this.#leave(this.#telling(detail));
  }

  ended(exchange: Exchange): void {
    if (exchange === this.#confirmation && this.#state === 'handshake') this.#opened();
    this.#settle(exchange);
    this.#forget(exchange);
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#maySend()) {
      const entry = this.#queue.shift();
      if (entry !== undefined) this.#post(entry);
    }
  }

  #maySend(): boolean {
    if (this.#state === 'open') return true;
    if (this.#state !== 'handshake') return false;
    const { conversation } = this.#options.listener;
    return [...this.#exchanges].every(({ id }) => id !== null && !conversation.isOpen(id));
  }

  #post({ line, id, confirms, headers }: Entry): void {
    const { server, maxMessageBytes, redact, listener } = this.#options;
    if (this.#client === null) return;
    const exchange = new Exchange({
      server,
      client: this.#client,
      id,
      body: line,
      headers: headers ?? {},
      isStateless: headers !== null,
      maxBytes: maxMessageBytes,
      receiver: listener.conversation,
      redact,
      owner: this,
    });
    this.#exchanges.add(exchange);
    if (confirms) this.#confirmation = exchange;
  }

  #forget(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    this.#pump();
    this.#leaveWhenSettled();
    this.#endWhenQuiet();
  }

  #settle({ id, ending }: Exchange): void {
    if (id === null || ending === null) return;
    if (ending !== 'cut') {
      this.#elsewhere ??= new Elsewhere(this.#options.listener.conversation);
      return this.#elsewhere.take(id, ending, this.#listener?.has === true);
    }
    if (!this.#hasCut) this.#trouble(CUT);
    this.#hasCut = true;
  }

  /** The server has accepted the message that completes the handshake. */
  #opened(): void {
    this.#state = 'open';
    const { maxMessageBytes, listener } = this.#options;
    if (this.#client === null) return;
    this.#listener = new Listener({
      client: this.#client,
      maxBytes: maxMessageBytes,
      receiver: listener.conversation,
      onTrouble: (problem) => this.#trouble(problem),
      onSessionLost: (detail) => this.#leave(this.#telling(detail)),
      onNone: () => this.#elsewhere?.giveUp(),
      onRefused: () => this.#suspect(),
    });
  }

  /** The session's id comes with the answer to `initialize`; some servers give another one later. */
  #keepSession({ headers }: IncomingMessage): void {
    const id = headers['mcp-session-id'];
    if (this.#state !== 'handshake' && this.#state !== 'open') return;
    if (this.#client === null || this.#isStateless || typeof id !== 'string') return;
    if (isSessionId(id)) this.#client.sessionId = id;
    else this.#trouble('the session id of the server is not valid and was ignored');
  }

  /** The server does not say that it has lost the session, but it shows it. */
  #judge(): void {
    const { proof } = this.#doubt;
    if (this.#state !== 'open' || proof === null) return;
    const awayMs = isAbsence(proof.status) ? 0 : null;
    this.#leave(this.#telling(`${proofText(proof)}: the session counts as lost`, awayMs));
  }

  /** The session is over; requests that are just being posted may still learn that they were not accepted. */
  #leave(tell: () => void): void {
    if (this.#state === 'gone') return;
    if (this.#state === 'ending') return this.#end(tell);
    this.#state = 'leaving';
    this.#why ??= tell;
    if (!this.#patient) this.#listener?.close();
    const end = () => this.#end(this.#why ?? tell);
    this.#timer ??= setTimeout(end, this.#patient ? STOP_MS : LEAVE_MS);
    this.#leaveWhenSettled();
  }

  #leaveWhenSettled(): void {
    if (this.#state !== 'leaving' || this.#why === null) return;
    if (![...this.#exchanges].some(({ awaited }) => awaited)) this.#end(this.#why);
  }

  #endWhenQuiet(): void {
    if (this.#state !== 'ending' || this.#exchanges.size > 0 || this.#client === null) return;
    const end = () => this.#die('the session was ended');
    if (this.#client.sessionId === null) return end();
    this.#client.endSession(end);
  }

  #die(detail: string, awayMs: number | null = null): void {
    this.#end(this.#telling(detail, awayMs));
  }

  #telling(detail: string, awayMs: number | null = null): () => void {
    const { listener, redact } = this.#options;
    if (awayMs === null) return () => listener.disconnected(redact(detail));
    return () => listener.away(redact(detail), awayMs);
  }

  #end(tell: () => void): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#listener?.close();
    this.#elsewhere?.close();
    for (const exchange of this.#exchanges) exchange.close();
    this.#client?.close();
    setImmediate(tell);
  }

  #trouble(message: string): void {
    this.#options.listener.trouble(this.#options.redact(message));
  }
}
