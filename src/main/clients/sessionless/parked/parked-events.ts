/** What the calls that are parked need from the rest, and tell it. Pure. */

/** Something that the client is to answer. */
export interface Question {
  /** Raw id under which the router waits for the answer. */
  readonly id: string;
  /** By which the client answers it. */
  readonly name: string;
  /** The request, JSON text without an envelope. */
  readonly json: string;
}

/** Of a whole gateway. */
export interface ParkedCount {
  /** Calls about which their clients were asked. */
  calls: number;
  /** Bytes of answers that wait for their clients, and of what these are asked. */
  bytes: number;
}

/**
 * @typeParam F what is known of a request as it came first. @typeParam P what waits for its answer now. @typeParam A the
 * answer.
 */
export interface ParkedEvents<F, P, A> {
  /** A question has come: `tell` is due when those that come with it are there. */
  onGather(key: string): void;
  /** The request is answered: the client is to answer these and to come back. */
  onAsked(present: P, questions: readonly Question[], state: string): void;
  /** @param answer raw JSON of an object. */
  onAnswered(question: Question, answer: string): void;
  /** Another request that a question may belong to, whose own is over, by its key; null: none does. Nothing is done. */
  another(question: Question): string | null;
  /** That one is asked about now. */
  onMoved(question: Question, key: string): void;
  /** There will be no answer. */
  onUnanswered(question: Question, why: string): void;
  /** The request has its answer. */
  onGiven(present: P, answer: A, first: F): void;
  /** Nobody waits for the answer to the call any more. */
  onLost(key: string, why: string): void;
}

export interface ParkedOptions<F, A> {
  /** How long the client may take to come back. */
  readonly ttlMs: number;
  readonly count: ParkedCount;
  readonly now: () => number;
  /** Makes a text that nobody can guess. */
  readonly mint: () => string;
  readonly sizeOf: (answer: A) => number;
  /** What is given in place of an answer that is too large to be kept. */
  readonly tooLarge: (first: F) => A;
}
