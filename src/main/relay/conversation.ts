/**
 * A client's conversation with the gateways that serve it one after the other: what it has asked and not been
 * answered, and what the next gateway has to be told before it can go on. Messages pass as they are; only their
 * envelopes are read. Knows no streams, no time and no processes.
 */
import { type Frame, rangeOf, scanFrame, stringAt, textAt } from '../../shared/json/frame.ts';
import {
  classify,
  joinExact,
  notificationLine,
  replaceRanges,
  resultParts,
} from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { isClaiming, namesRevision } from '../calls/claim.ts';
import { failureParts } from '../calls/failures.ts';
import { readClaim, versionRefusal } from '../clients/claims/claim.ts';
import { sessionlessFailure } from '../clients/sessionless/answer-form.ts';
import { GOODBYE_METHOD } from './goodbye.ts';

/** What a client said of itself, kept for the next gateway. Larger ones are refused by gateways, too. */
const MAX_KEPT_BYTES = 1024 * 1024;
const MAX_SUBSCRIPTIONS = 10_000;
const NEWLINE = Buffer.from('\n');

/** Requests that change nothing and may be made again. */
const REPEATABLE: ReadonlySet<string> = new Set([
  'initialize',
  'server/discover',
  // Without a session: a stream of changes goes on at the next gateway, which acknowledges it anew.
  'subscriptions/listen',
  'ping',
  'logging/setLevel',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
]);

/** Lists may have changed with the gateway. */
const LISTS = ['tools', 'prompts', 'resources'];

const LOST =
  'the gateway has ended while it worked on this request, so it may have been carried out or not; look before you repeat it';

interface Asked {
  readonly method: string;
  /** It says itself what it is, and is answered in the form of its revision. */
  readonly claims: boolean;
  /** The request; null where it is not made again. */
  readonly line: Uint8Array | null;
}

export interface ConversationOptions {
  /** Writes whole messages, each with its newline. */
  readonly toClient: (bytes: Uint8Array) => void;
  readonly toGateway: (bytes: Uint8Array) => void;
  /** Ids that no client has. */
  readonly ownIds: string;
  /** The gateway stops because somebody wanted it to. */
  readonly onGoodbye: () => void;
}

export class Conversation {
  readonly #options: ConversationOptions;
  /** By raw id text: what the client has asked the gateway of now. */
  readonly #asked = new Map<string, Asked>();
  /** Requests of the gateway that the client has not answered; by the raw id text that the client sees. */
  readonly #questions = new Map<string, Uint8Array>();
  /** By URI. */
  readonly #subscriptions = new Map<string, Uint8Array>();
  /** Requests of ours that the gateway of now has not answered, by their raw id text. */
  readonly #own = new Set<string>();
  #opening: Uint8Array | null = null;
  #initialized: Uint8Array | null = null;
  #level: Uint8Array | null = null;
  /** What the client says while there is no gateway. */
  readonly #held: Frame[] = [];
  #connected = false;
  /** There was a gateway. */
  #met = false;
  /** Gateways number their questions from 1; the next gateway's come after those of the last one. */
  #idBase = 0;
  #lastId = 0;
  #ownCount = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /** Nothing of the client is open. */
  get answered(): boolean {
    return this.#asked.size === 0 && this.#held.length === 0;
  }

  /** Bytes that the client has said and no gateway has seen. */
  get heldBytes(): number {
    return this.#held.reduce((sum, { line }) => sum + line.length, 0);
  }

  /** What it has said can only be answered by a gateway. */
  get needsGateway(): boolean {
    return this.#held.some((frame) => !asksWhatIsThere(frame));
  }

  /** Answers those who only want to know what is there. @param result JSON text. */
  discovered(result: string): void {
    for (const frame of this.#held.splice(0)) {
      const id = rangeOf(frame, SLOT.id);
      if (id === null || !asksWhatIsThere(frame)) {
        this.#held.push(frame);
        continue;
      }
      const parts = resultParts(frame.line.subarray(...id), result);
      this.#options.toClient(joinExact([...parts, NEWLINE]));
    }
  }

  /** The client has said something. */
  fromClient(frame: Frame): void {
    if (!this.#connected) {
      this.#held.push(frame);
      return;
    }
    const message = classify(frame);
    switch (message.kind) {
      case 'request':
        return this.#request(message.method, frame);
      case 'notification':
        return this.#notification(message.method, frame);
      case 'response':
        return this.#answer(frame);
      case 'invalid':
        // The gateway says what is wrong with it.
        return this.#pass(frame.line);
    }
  }

  /** The gateway has said something. */
  fromGateway(frame: Frame): void {
    const message = classify(frame);
    const idText = textAt(frame, SLOT.id);
    if (message.kind === 'response' && idText !== null) {
      if (this.#own.delete(idText)) return;
      this.#asked.delete(idText);
    } else if (message.kind === 'request' && idText !== null) {
      return this.#question(frame, idText);
    } else if (message.kind === 'notification') {
      if (message.method === GOODBYE_METHOD) return this.#options.onGoodbye();
      if (message.method === 'notifications/cancelled') return this.#withdrawn(frame);
    }
    this.#give(frame.line);
  }

  /** There is a gateway, the first one or the next: it is told what the one before knew. */
  connected(): void {
    const isNext = this.#met;
    this.#connected = true;
    this.#met = true;
    if (isNext) this.#introduce();
    for (const frame of this.#held.splice(0)) this.fromClient(frame);
  }

  /** The gateway has gone. Every request that cannot be made again is answered. */
  lost(): void {
    this.#connected = false;
    this.#own.clear();
    this.#idBase = this.#lastId;
    for (const id of this.#questions.keys()) {
      const params = `{"requestId":${id},"reason":"the gateway has ended"}`;
      this.#options.toClient(notificationLine('notifications/cancelled', params));
    }
    this.#questions.clear();
    for (const [idText, asked] of this.#asked) {
      if (asked.line !== null) continue;
      this.#asked.delete(idText);
      this.#fail(idText, asked, 'unknown', LOST);
    }
  }

  /** No gateway will come any more: everything that is open is answered. */
  end(why: string): void {
    for (const frame of this.#held.splice(0)) {
      const message = classify(frame);
      const idText = textAt(frame, SLOT.id);
      if (message.kind === 'request' && idText !== null) {
        const asked = { method: message.method, claims: this.#claims(frame) };
        this.#fail(idText, asked, 'not_sent', why);
      }
    }
    for (const [idText, asked] of this.#asked) this.#fail(idText, asked, 'not_sent', why);
    this.#asked.clear();
  }

  #request(method: string, frame: Frame): void {
    const idText = textAt(frame, SLOT.id) ?? 'null';
    const { line } = frame;
    const isKept = line.length <= MAX_KEPT_BYTES;
    const claims = this.#claims(frame);
    // What a request of a revision without sessions says holds for that request alone.
    if (isKept && !claims) this.#note(method, frame);
    // The gateway refuses an id that is in use.
    if (!this.#asked.has(idText)) {
      const again = isKept && REPEATABLE.has(method) ? line : null;
      this.#asked.set(idText, { method, claims, line: again });
    }
    this.#pass(line);
  }

  /** As the gateway reads it. */
  #claims(frame: Frame): boolean {
    return this.#opening === null ? isClaiming(frame) : namesRevision(frame);
  }

  #note(method: string, frame: Frame): void {
    const { line } = frame;
    if (method === 'initialize') this.#opening = line;
    if (method === 'logging/setLevel') this.#level = line;
    const uri = method.startsWith('resources/') ? stringAt(frame, SLOT.paramsUri) : null;
    if (uri === null) return;
    if (method === 'resources/unsubscribe') this.#subscriptions.delete(uri);
    if (method === 'resources/subscribe' && this.#subscriptions.size < MAX_SUBSCRIPTIONS) {
      this.#subscriptions.set(uri, line);
    }
  }

  #notification(method: string, frame: Frame): void {
    if (method === 'notifications/initialized') this.#initialized = frame.line;
    if (method === 'notifications/cancelled') {
      const idText = textAt(frame, SLOT.paramsRequestId);
      // A cancelled request gets no answer.
      if (idText !== null) this.#asked.delete(idText);
    }
    this.#pass(frame.line);
  }

  #answer(frame: Frame): void {
    const idText = textAt(frame, SLOT.id) ?? '';
    const theirs = this.#questions.get(idText);
    // What the last gateway has asked, this one has not: an answer to it stays here.
    if (theirs === undefined) return;
    this.#questions.delete(idText);
    this.#pass(this.#withId(frame, SLOT.id, theirs));
  }

  #question(frame: Frame, idText: string): void {
    const ours = this.#shown(idText);
    this.#questions.set(ours, Buffer.from(idText));
    this.#give(this.#withId(frame, SLOT.id, Buffer.from(ours)));
  }

  /** The gateway takes a question back. */
  #withdrawn(frame: Frame): void {
    const idText = textAt(frame, SLOT.paramsRequestId);
    if (idText === null) return this.#give(frame.line);
    const ours = this.#shown(idText);
    this.#questions.delete(ours);
    this.#give(this.#withId(frame, SLOT.paramsRequestId, Buffer.from(ours)));
  }

  /** The id of a question as the client sees it. */
  #shown(idText: string): string {
    const number = Number(idText);
    if (!Number.isSafeInteger(number)) return idText;
    const shown = number + this.#idBase;
    this.#lastId = Math.max(this.#lastId, shown);
    return String(shown);
  }

  #withId(frame: Frame, slot: 0 | 10, id: Uint8Array): Uint8Array {
    const at = rangeOf(frame, slot);
    if (at === null || Buffer.compare(frame.line.subarray(...at), id) === 0) return frame.line;
    return joinExact(replaceRanges(frame.line, [{ at, with: id }]));
  }

  /** Repeats to the next gateway what the client has told the last one, under ids of ours. */
  #introduce(): void {
    const open = [...this.#asked.values()];
    const repeats = (line: Uint8Array | null) => open.some((asked) => asked.line === line);
    if (!repeats(this.#opening)) this.#ask(this.#opening);
    else this.#repeat(this.#opening);
    if (this.#initialized !== null) this.#pass(this.#initialized);
    if (!repeats(this.#level)) this.#ask(this.#level);
    for (const line of this.#subscriptions.values()) this.#ask(line);
    for (const { line } of open) if (line !== this.#opening) this.#repeat(line);
    if (this.#initialized === null) return;
    for (const list of LISTS) {
      this.#options.toClient(notificationLine(`notifications/${list}/list_changed`, null));
    }
  }

  #repeat(line: Uint8Array | null): void {
    if (line !== null) this.#pass(line);
  }

  /** Makes a request of the client's once more; its answer is for nobody. */
  #ask(line: Uint8Array | null): void {
    if (line === null) return;
    this.#ownCount += 1;
    const id = JSON.stringify(`${this.#options.ownIds}-${this.#ownCount}`);
    this.#own.add(id);
    this.#pass(withOwnId(line, id));
  }

  #fail(
    idText: string,
    { method, claims }: Omit<Asked, 'line'>,
    outcome: 'unknown' | 'not_sent',
    message: string,
  ): void {
    const inForm = claims ? sessionlessFailure : failureParts;
    const parts = inForm(method, Buffer.from(idText), {
      code: outcome === 'unknown' ? 'ERR_OUTCOME_UNKNOWN' : 'ERR_DOWNSTREAM_DOWN',
      server: null,
      phase: null,
      outcome,
      message,
      retryAt: null,
    });
    this.#options.toClient(joinExact([...parts, NEWLINE]));
  }

  #pass(line: Uint8Array): void {
    this.#options.toGateway(joinExact([line, NEWLINE]));
  }

  #give(line: Uint8Array): void {
    this.#options.toClient(joinExact([line, NEWLINE]));
  }
}

function asksWhatIsThere(frame: Frame): boolean {
  const message = classify(frame);
  if (message.kind !== 'request' || message.method !== 'server/discover') return false;
  const read = readClaim(frame);
  return read.kind === 'claim' && versionRefusal(read.claim) === null;
}

function withOwnId(line: Uint8Array, id: string): Uint8Array {
  const frame = scanFrame(line);
  const at = 'error' in frame ? null : rangeOf(frame, SLOT.id);
  return at === null ? line : joinExact(replaceRanges(line, [{ at, with: Buffer.from(id) }]));
}
