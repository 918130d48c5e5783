/**
 * The requests of one client that are with the router, and what the client is asked about them. A client without a
 * session is asked by the answer to its request, which says `input_required`, and answers by another request, the
 * retry. The call stays open meanwhile: it is parked. A retry is known by a text that nobody can guess, which is
 * good once and for a while. Pure: sends nothing, has no timer; times are monotonic milliseconds.
 */
import type { ParkedEvents, ParkedOptions, Question } from './parked-events.ts';

interface Entry<F, P, A> {
  readonly key: string;
  readonly first: F;
  digest: () => string;
  /** What waits for the answer now; null: the client was asked, and is to come back. */
  present: P | null;
  readonly questions: Map<string, Question>;
  /** Bytes of the questions. */
  asking: number;
  /** It was asked something. */
  asked: boolean;
  gathers: boolean;
  state: string | null;
  /** Of the state. */
  deadline: number;
  kept: { readonly answer: A; readonly bytes: number } | null;
}

/** Of all clients of a gateway together. */
const MAX_CALLS = 256;
const MAX_KEPT_BYTES = 64 * 1024 * 1024;
/** Of the questions about one call. */
const MAX_ASKED_BYTES = 1024 * 1024;
const TOO_LARGE = 'what the client is asked is too large';
const NO_ROOM = 'too many calls wait for the answers of their clients';
const OVER = 'the call is over';
const TOO_LATE = 'the client did not come back in time';

export class Parked<F, P, A> {
  readonly #options: ParkedOptions<F, A>;
  readonly #events: ParkedEvents<F, P, A>;
  readonly #entries = new Map<string, Entry<F, P, A>>();
  /** By the text that the client is to come back with. */
  readonly #states = new Map<string, Entry<F, P, A>>();
  /** Open questions, by their ids → the keys of their requests. */
  readonly #questions = new Map<string, string>();
  /** Why no client can come back; null: they can. */
  #nobodyBack: string | null = null;

  constructor(options: ParkedOptions<F, A>, events: ParkedEvents<F, P, A>) {
    this.#options = options;
    this.#events = events;
  }

  /** Calls whose clients are to come back. */
  get away(): number {
    return this.#states.size;
  }

  /** When the next client is given up; null: none is waited for. */
  get deadline(): number | null {
    let next: number | null = null;
    for (const { deadline } of this.#states.values()) next = Math.min(next ?? deadline, deadline);
    return next;
  }

  /** @param key by which the router knows the request. @param digest of what it asks for; called once at most. */
  begin(key: string, first: F, present: P, digest: () => string): void {
    this.#entries.set(key, {
      key,
      first,
      digest,
      present,
      questions: new Map(),
      asking: 0,
      asked: false,
      gathers: false,
      state: null,
      deadline: 0,
      kept: null,
    });
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  first(key: string): F | null {
    return this.#entries.get(key)?.first ?? null;
  }

  /** Null: none waits now. */
  present(key: string): P | null {
    return this.#entries.get(key)?.present ?? null;
  }

  isAway(key: string): boolean {
    return this.#entries.get(key)?.state != null;
  }

  /** Why the client cannot be asked about a call; null: it can. */
  refusal(key: string): string | null {
    if (this.#nobodyBack !== null) return this.#nobodyBack;
    const hasRoom = this.#entries.get(key)?.asked === true || this.#options.count.calls < MAX_CALLS;
    return hasRoom ? null : NO_ROOM;
  }

  /** The client is to be asked about a request. */
  ask(key: string, question: Question): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.kept !== null) {
      return this.#events.onUnanswered(question, OVER);
    }
    const { count } = this.#options;
    const { id, name } = question;
    const own = entry.questions.has(name) ? { ...question, name: `${name}-${id}` } : question;
    const bytes = bytesOf(own);
    if (entry.asking + bytes > MAX_ASKED_BYTES || count.bytes + bytes > MAX_KEPT_BYTES) {
      return this.#events.onUnanswered(question, TOO_LARGE);
    }
    entry.questions.set(own.name, own);
    entry.asking += bytes;
    count.bytes += bytes;
    this.#questions.set(id, key);
    if (!entry.asked) count.calls += 1;
    entry.asked = true;
    if (entry.present === null) return;
    entry.gathers = true;
    this.#events.onGather(key);
  }

  /** A question needs no answer any more. @returns false: there is no such question. */
  withdraw(id: string): boolean {
    const key = this.#questions.get(id);
    if (key === undefined) return false;
    this.#questions.delete(id);
    const entry = this.#entries.get(key);
    for (const one of entry?.questions.values() ?? []) {
      if (entry !== undefined && one.id === id) this.#settled(entry, one);
    }
    return true;
  }

  /** Answers the request with the questions that are open, if there are any. */
  tell(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.gathers = false;
    const { present, questions } = entry;
    if (present === null || questions.size === 0) return;
    if (this.#nobodyBack !== null) return this.#dropQuestions(entry, this.#nobodyBack);
    const state = this.#options.mint();
    entry.present = null;
    entry.state = state;
    entry.deadline = this.#options.now() + this.#options.ttlMs;
    // Made now, so that what it is made of need not be kept.
    const digest = entry.digest();
    entry.digest = () => digest;
    this.#states.set(state, entry);
    this.#events.onAsked(present, [...questions.values()], state);
  }

  /**
   * The key of the request to which a client comes back; null: not with what it was given, or too late.
   *
   * @param digest called only if there is such a state.
   */
  find(state: string, digest: () => string): string | null {
    const entry = this.#states.get(state);
    if (entry === undefined || entry.deadline <= this.#options.now()) return null;
    return entry.digest() === digest() ? entry.key : null;
  }

  /** The client comes back to a request. @param answers raw JSON by name. */
  resume(key: string, present: P, answers: ReadonlyMap<string, string>): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.state === null) return;
    this.#states.delete(entry.state);
    entry.state = null;
    entry.present = present;
    const { kept, questions } = entry;
    const answered: [Question, string][] = [];
    for (const [name, question] of questions) {
      const answer = answers.get(name);
      if (answer === undefined) continue;
      this.#settled(entry, question);
      this.#questions.delete(question.id);
      answered.push([question, answer]);
    }
    if (kept !== null) this.#remove(entry);
    // These may have the call answered, or other questions asked.
    for (const [question, answer] of answered) this.#events.onAnswered(question, answer);
    if (kept !== null) {
      this.#dropQuestions(entry, OVER);
      return this.#events.onGiven(present, kept.answer, entry.first);
    }
    if (!entry.gathers) this.tell(key);
  }

  /** The request has its answer, which is kept where nothing waits for it now. */
  answer(key: string, answer: A): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.kept !== null) return;
    const { present } = entry;
    if (present === null) {
      this.#keep(entry, answer);
      // The client has been asked the others already, and answers them when it comes back.
      return this.#dropQuestions(entry, OVER, (one) => this.#events.another(one) === null);
    }
    this.#remove(entry);
    this.#dropQuestions(entry, OVER);
    this.#events.onGiven(present, answer, entry.first);
  }

  /** The client wants no answer any more. */
  leave(key: string, why: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#lose(entry, why);
  }

  /** Gives up the clients that have not come back in time. */
  sweep(): void {
    const now = this.#options.now();
    for (const entry of this.#states.values())
      if (entry.deadline <= now) this.#lose(entry, TOO_LATE);
  }

  /** Nobody can come back any more: neither those that were asked, nor any that would be asked from now on. */
  endAway(why: string): void {
    this.#nobodyBack = why;
    for (const entry of this.#states.values()) this.#lose(entry, why);
  }

  /** The client is gone, and its requests and questions with it. */
  close(): void {
    for (const entry of this.#entries.values()) this.#remove(entry);
    this.#questions.clear();
  }

  /** A question of a request is no longer open. */
  #settled(entry: Entry<F, P, A>, question: Question): void {
    if (!entry.questions.delete(question.name) || entry.asking === 0) return;
    const bytes = bytesOf(question);
    entry.asking -= bytes;
    this.#options.count.bytes -= bytes;
  }

  /** The questions of a request are no longer counted. */
  #uncount(entry: Entry<F, P, A>): void {
    this.#options.count.bytes -= entry.asking;
    entry.asking = 0;
  }

  #keep(entry: Entry<F, P, A>, answer: A): void {
    const { count, sizeOf, tooLarge } = this.#options;
    const bytes = sizeOf(answer);
    const fits = count.bytes - entry.asking + bytes <= MAX_KEPT_BYTES;
    entry.kept = fits ? { answer, bytes } : { answer: tooLarge(entry.first), bytes: 0 };
    count.bytes += entry.kept.bytes;
  }

  #lose(entry: Entry<F, P, A>, why: string): void {
    const { kept, key } = entry;
    this.#remove(entry);
    if (kept === null) this.#events.onLost(key, why);
    this.#dropQuestions(entry, why);
  }

  #remove(entry: Entry<F, P, A>): void {
    const { count } = this.#options;
    if (!this.#entries.delete(entry.key)) return;
    if (entry.state !== null) this.#states.delete(entry.state);
    if (entry.asked) count.calls -= 1;
    this.#uncount(entry);
    count.bytes -= entry.kept?.bytes ?? 0;
  }

  /** Those that may belong to another request are asked about that one; the others have no answer. */
  #dropQuestions(
    entry: Entry<F, P, A>,
    why: string,
    which: (question: Question) => boolean = () => true,
  ): void {
    const open = [...entry.questions.values()].filter(which);
    for (const question of open) this.#settled(entry, question);
    for (const question of open) {
      if (!this.#questions.delete(question.id)) continue;
      const key = this.#nobodyBack === null ? this.#events.another(question) : null;
      if (key === null) {
        this.#events.onUnanswered(question, why);
        continue;
      }
      this.#events.onMoved(question, key);
      this.ask(key, question);
    }
  }
}

/** What it takes in the text that asks it. */
function bytesOf({ name, json }: Question): number {
  return Buffer.byteLength(name) + Buffer.byteLength(json);
}
