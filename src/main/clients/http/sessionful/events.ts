/**
 * The resumable events of one session: every message on its way to the client, kept within bounds
 * until newer ones push it out, so that a client whose stream broke can ask for what it missed. The
 * SDK's transport stores envelopes here and reads them back; the messages' bytes never leave the log
 * but into the stream that carries them. An event belongs to one stream and is replayed on no other.
 */
import { randomBytes } from 'node:crypto';
import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';
import { sizeOf } from '../../../../shared/json/json-rpc.ts';
import type { BudgetedLog, EventBudget } from './event-budget.ts';
import { type Outgoing, RAW, type SseStream } from './stream.ts';

export interface EventLimits {
  readonly maxEvents: number;
  /** Bytes of all messages kept. */
  readonly maxBytes: number;
}

/** A message with its destination. */
export interface Addressed extends Outgoing {
  /** Where it goes unless the client has resumed the stream meanwhile. */
  readonly origin: SseStream;
  /** True when it belongs to a request of the client; other messages go on the session's own stream. */
  readonly related: boolean;
  /** Kept in place of an answer that is larger than the log. */
  readonly instead: (() => readonly Uint8Array[]) | null;
}

interface LoggedStream {
  /** The transport's name for it. */
  readonly id: string;
  /** First half of its event ids; not to be guessed. */
  readonly key: string;
  readonly related: boolean;
  /** Its answer has been logged: nothing will follow. */
  ended: boolean;
  /** Events of it in the log. */
  kept: number;
  /** The stream of the latest resume. */
  resumedOn: SseStream | null;
}

interface LoggedEvent {
  readonly seq: number;
  readonly stream: LoggedStream;
  readonly token: number;
  readonly envelope: JSONRPCMessage;
  readonly message: Outgoing;
  readonly bytes: number;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** The outcome for a client that names its last event. */
export type Resumption =
  | { readonly kind: 'unknown' }
  /** The stream has ended and everything on it was seen. */
  | { readonly kind: 'complete' }
  | { readonly kind: 'stream'; readonly related: boolean };

/** The cost of an event besides its bytes. */
const OVERHEAD_BYTES = 256;
const EVENT_ID = /^([\w-]{22})\.(\d{1,15})$/;

export class EventLog implements EventStore, BudgetedLog {
  readonly #limits: EventLimits;
  readonly #budget: EventBudget;
  readonly #now: () => number;
  readonly #streams = new Map<string, LoggedStream>();
  readonly #byKey = new Map<string, LoggedStream>();
  /** Messages handed to the transport that it has not stored yet, by token. */
  readonly #outbox = new Map<number, Addressed>();
  /** Streams about to be resumed, by the event id that the client named. */
  readonly #resuming = new Map<string, SseStream>();
  #events: LoggedEvent[] = [];
  #bytes = 0;
  #nextSeq = 1;
  #nextToken = 1;

  /**
   * @param budget shared by the logs of all sessions.
   * @param now monotonic milliseconds.
   */
  constructor(limits: EventLimits, budget: EventBudget, now: () => number) {
    this.#limits = limits;
    this.#budget = budget;
    this.#now = now;
  }

  get oldestAt(): number | null {
    return this.#events[0]?.at ?? null;
  }

  dropOldest(): void {
    const oldest = this.#events.shift();
    if (oldest !== undefined) this.#release(oldest);
  }

  /** Takes a message; the token returned stands for it in the envelope given to the transport. */
  put(message: Addressed): number {
    this.#outbox.set(this.#nextToken, message);
    return this.#nextToken++;
  }

  /** Takes a message back that the transport would not store. */
  discard(token: number): void {
    this.#outbox.delete(token);
  }

  /** Called by the transport for each envelope, before it writes it; one without token opens a stream. */
  storeEvent(streamId: string, envelope: JSONRPCMessage): Promise<string> {
    const token = tokenIn(envelope);
    const message = this.#outbox.get(token);
    const stream = this.#stream(streamId, message?.related ?? true);
    const seq = this.#nextSeq++;
    if (message !== undefined) {
      this.#outbox.delete(token);
      const { resumedOn } = stream;
      (resumedOn?.open === true ? resumedOn : message.origin).hold(token, message);
      this.#log(stream, { seq, token, envelope }, message);
    }
    return Promise.resolve(eventId(stream, seq));
  }

  lookUp(lastEventId: string): Resumption {
    const place = this.#place(lastEventId);
    if (place === null) return { kind: 'unknown' };
    const { stream, seq } = place;
    const { related } = stream;
    if (!stream.ended) return { kind: 'stream', related };
    const isLeft = this.#events.some(
      (event) => event.stream === stream && event.seq > seq && event.message.parts.length > 0,
    );
    return isLeft ? { kind: 'stream', related } : { kind: 'complete' };
  }

  /** Announces where the replay after this event will go; to be revoked when the transport is done. */
  resumeOn(lastEventId: string, stream: SseStream): () => void {
    this.#resuming.set(lastEventId, stream);
    return () => {
      if (this.#resuming.get(lastEventId) === stream) this.#resuming.delete(lastEventId);
    };
  }

  /** Called by the transport for a resume; what is logged while it goes on is replayed too. */
  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, envelope: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const place = this.#place(lastEventId);
    const target = this.#resuming.get(lastEventId);
    if (place === null || target === undefined) throw new Error('resumed without looking it up');
    const { stream } = place;
    stream.resumedOn = target;
    let { seq } = place;
    for (;;) {
      const next = this.#events.find((event) => event.stream === stream && event.seq > seq);
      if (next === undefined) return stream.id;
      seq = next.seq;
      target.hold(next.token, next.message);
      await send(eventId(stream, seq), next.envelope);
    }
  }

  /** Forgets the events of ended streams that are older than this; the client has long read them. */
  dropOlderThan(ageMs: number): void {
    const before = this.#now() - ageMs;
    const isOld = (event: LoggedEvent) => event.at < before && event.stream.ended;
    const old = this.#events.filter(isOld);
    this.#events = this.#events.filter((event) => !isOld(event));
    for (const event of old) this.#release(event);
  }

  clear(): void {
    this.#events = [];
    this.#budget.refund(this, this.#bytes);
    this.#bytes = 0;
    this.#outbox.clear();
    this.#streams.clear();
    this.#byKey.clear();
  }

  #stream(id: string, related: boolean): LoggedStream {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    const key = randomBytes(16).toString('base64url');
    const stream = { id, key, related, ended: false, kept: 0, resumedOn: null };
    this.#streams.set(id, stream);
    this.#byKey.set(key, stream);
    return stream;
  }

  #place(lastEventId: string): { stream: LoggedStream; seq: number } | null {
    const [, key, seq] = EVENT_ID.exec(lastEventId) ?? [];
    const stream = this.#byKey.get(key ?? '');
    return stream === undefined ? null : { stream, seq: Number(seq) };
  }

  #log(
    stream: LoggedStream,
    event: Pick<LoggedEvent, 'seq' | 'token' | 'envelope'>,
    { parts, final, instead }: Addressed,
  ): void {
    if (final) stream.ended = true;
    const fits = sizeOf(parts) + OVERHEAD_BYTES <= this.#limits.maxBytes;
    const kept = fits ? parts : instead?.();
    if (kept !== undefined) {
      const bytes = sizeOf(kept) + OVERHEAD_BYTES;
      const message = { parts: kept, final };
      this.#events.push({ ...event, stream, message, bytes, at: this.#now() });
      this.#bytes += bytes;
      stream.kept++;
      this.#budget.charge(this, bytes);
    }
    const { maxEvents, maxBytes } = this.#limits;
    while (this.#events.length > maxEvents || this.#bytes > maxBytes) this.dropOldest();
    this.#forget(stream);
  }

  #release({ bytes, stream }: LoggedEvent): void {
    this.#bytes -= bytes;
    this.#budget.refund(this, bytes);
    stream.kept--;
    this.#forget(stream);
  }

  /** A stream is known while it goes on, and while some of it can be replayed. */
  #forget(stream: LoggedStream): void {
    if (!stream.ended || stream.kept > 0) return;
    this.#streams.delete(stream.id);
    this.#byKey.delete(stream.key);
  }
}

function eventId(stream: LoggedStream, seq: number): string {
  return `${stream.key}.${seq}`;
}

function tokenIn(envelope: object): number {
  const { params, result } = envelope as Record<'params' | 'result', Record<string, unknown>>;
  const token = (params ?? result)?.[RAW];
  return typeof token === 'number' ? token : 0;
}
