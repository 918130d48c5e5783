/**
 * The requests of one client without a session that are with the router: what each said that its client can do, and
 * the way back, for answers, for progress, and for questions, which become answers (parked/). The router knows a
 * request by a key that stays the same when the client comes back to it by another request.
 */
import { randomBytes } from 'node:crypto';
import { type Frame, scanFrame } from '../../../shared/json/frame.ts';
import { errorParts, joinExact, resultParts, sizeOf } from '../../../shared/json/json-rpc.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import type { LogLevel } from '../../../shared/model/log-levels.ts';
import { TASK_METHODS } from '../../../shared/model/task-handles.ts';
import type { AnswerForm } from '../../calls/answer-form.ts';
import type { Grant } from '../../routing/grant.ts';
import { inputRequired, questionOf } from './parked/input-required.ts';
import { Parked } from './parked/parked.ts';
import type { ParkedCount, Question } from './parked/parked-events.ts';
import { answerFor, progressFor } from './parked/readdressed.ts';
import { digestOf, type ReadRetry } from './parked/retry.ts';
import { Visits } from './parked/visits.ts';
import type { Present } from './present.ts';

/** What a request says that its client can do. */
export type Declared = Pick<Grant, 'can' | 'supports'>;

export interface RoutedOptions {
  readonly form: AnswerForm;
  readonly count: ParkedCount;
  /** Gives the one answer. */
  readonly answer: (parts: readonly Uint8Array[], idText: string) => void;
  readonly send: (parts: readonly Uint8Array[], idText: string) => void;
  /** The client has answered what it was asked, or cannot. */
  readonly answered: (response: Frame) => void;
  /** Another request that a question may belong to; see `ParkedEvents`. @param id of the question. */
  readonly another: (id: string) => string | null;
  readonly moved: (id: string, key: string) => void;
  /** Nobody waits for the answer to a request any more. @param key of it. */
  readonly withdraw: (key: string, reason: string) => void;
}

/** A request as it came first. */
interface First {
  readonly idRaw: Uint8Array;
  readonly isAskable: boolean;
  /** What its server is told that the client can do, see `canOf`. */
  readonly can: number;
  readonly declared: Declared;
  /** Answers that came with it, raw JSON by the name of the question. */
  readonly early: Map<string, string>;
}

/** Makes a call once more, as its client has sent it now. @param idRaw with which the answer is to be made. */
type Again = (key: string, idRaw: Uint8Array) => void;

/** Requests about which a client can be asked. */
const ASKABLE = new Set(['tools/call', 'prompts/get', 'resources/read']);
/** How long a client may take to come back. */
const TTL_MS = 300_000;
/** Questions that follow each other this fast are asked together. */
const GATHER_MS = 50;
const STATE_BYTES = 18;
const TOO_LARGE =
  'the answer came while the client was asked, and is too large to be kept; the call was carried out';
const NOT_ASKABLE = 'it belongs to no tools/call, prompts/get or resources/read';

export class Routed {
  readonly #options: RoutedOptions;
  readonly #parked: Parked<First, Present, readonly Uint8Array[]>;
  /** The ids of those that wait now, as the port knows them → their keys. */
  readonly #keys = new Map<string, string>();
  readonly #gathering = new Map<string, NodeJS.Timeout>();
  readonly #visits = new Visits();
  /** How to make calls once more whose clients come back, by their keys. */
  readonly #again = new Map<string, Again>();
  #timer: NodeJS.Timeout | undefined;
  #lastKey = 0;

  constructor(options: RoutedOptions) {
    this.#options = options;
    const { form, count, withdraw } = options;
    this.#parked = new Parked<First, Present, readonly Uint8Array[]>(
      {
        ttlMs: TTL_MS,
        count,
        now: () => performance.now(),
        mint: () => `rea.${randomBytes(STATE_BYTES).toString('base64url')}`,
        sizeOf,
        tooLarge: ({ idRaw }) => form.error(idRaw, JSON_RPC.internalError, TOO_LARGE),
      },
      {
        onGather: (key) => this.#gather(key),
        onAsked: (present, questions, state) => this.#asked(present, questions, state),
        onAnswered: ({ id }, answer) => {
          if (this.#visits.has(id)) this.#visited(id, answer);
          else this.#respond(resultParts(Buffer.from(id), answer));
        },
        another: ({ id }) => options.another(id),
        onMoved: ({ id }, key) => options.moved(id, key),
        onUnanswered: ({ id }, why) => {
          if (this.#visits.has(id)) this.#visited(id, null);
          else this.#respond(errorParts(Buffer.from(id), JSON_RPC.internalError, why));
        },
        onGiven: (present, parts, { idRaw }) =>
          this.#give(present, answerFor(parts, idRaw, present.idRaw)),
        onLost: (key, why) => {
          this.#visits.forget(key);
          withdraw(key, why);
        },
      },
    );
  }

  /** A client is to come back. */
  get isAwaited(): boolean {
    return this.#parked.away > 0;
  }

  /**
   * @param early answers to what the client knows that it will be asked, see `earlyAnswers`. They are used up.
   * @returns the key by which the router is to know the request.
   */
  begin(
    frame: Frame,
    method: string,
    present: Present,
    { declared, early }: Pick<First, 'declared' | 'early'>,
  ): string {
    this.#lastKey += 1;
    // No client's id begins with a letter.
    const key = `r${this.#lastKey}`;
    const { idRaw, idText } = present;
    this.#keys.set(idText, key);
    const isAskable = ASKABLE.has(method);
    // What a task asks is in the answers to requests about it.
    const can = isAskable || TASK_METHODS.has(method) ? declared.can : 0;
    const first = { idRaw, declared, early, isAskable, can };
    // Nobody is asked about the others, whose bytes need not be kept.
    const mayBeAsked = isAskable && can !== 0;
    const digest = mayBeAsked ? () => digestOf(method, frame) : () => '';
    this.#parked.begin(key, first, present, digest);
    return key;
  }

  /**
   * The client comes back.
   *
   * @param again called at once, if at all: where the client was to do something first.
   * @returns false: to no request that there is; nothing was done.
   */
  retry(
    { state, answers }: ReadRetry,
    { frame, method }: { readonly frame: Frame; readonly method: string },
    present: Present,
    again: Again,
  ): boolean {
    const key = this.#parked.find(state, () => digestOf(method, frame));
    if (key === null) return false;
    this.#keys.set(present.idText, key);
    this.#again.set(key, again);
    this.#parked.resume(key, present, answers());
    this.#again.delete(key);
    this.#arm();
    return true;
  }

  /** @param key of a request. */
  has(key: string): boolean {
    return this.#parked.has(key);
  }

  /** @param idText as the port knows a request. */
  waits(idText: string): boolean {
    return this.#keys.has(idText);
  }

  /** @param key of a request that waits for its answer, or of none. */
  levelOf(key: string): LogLevel | null {
    return this.#parked.present(key)?.level ?? null;
  }

  /** What the client can be asked about a request; null: there is no such request. */
  grant(key: string): Grant | null {
    const first = this.#parked.first(key);
    if (first === null) return null;
    const { declared, isAskable, can } = first;
    return {
      refusal: isAskable ? this.#parked.refusal(key) : NOT_ASKABLE,
      byAnswer: true,
      isAway: this.#parked.isAway(key),
      can,
      supports: (...path) => declared.supports(...path),
    };
  }

  /**
   * The one answer of a request.
   *
   * @param asksToVisit it is an error that asks the client to visit URLs first.
   * @returns false: there is no such request.
   */
  answer(key: string, parts: readonly Uint8Array[], asksToVisit = false): boolean {
    if (!this.#parked.has(key)) return false;
    if (!asksToVisit || !this.#askToVisit(key, parts)) this.#parked.answer(key, parts);
    this.#arm();
    return true;
  }

  /** Refuses a request. @returns false: there is no such request. */
  refuse(key: string, code: number, message: string): boolean {
    const first = this.#parked.first(key);
    return first !== null && this.answer(key, this.#options.form.error(first.idRaw, code, message));
  }

  /** What belongs to a request, before its answer; nobody hears it while the client is to come back. */
  send(key: string, parts: readonly Uint8Array[]): boolean {
    const first = this.#parked.first(key);
    if (first === null) return false;
    const present = this.#parked.present(key);
    if (present === null) return true;
    const { idRaw, idText, tokenRaw } = present;
    const own = idRaw === first.idRaw ? parts : progressFor(parts, tokenRaw);
    if (own !== null) this.#options.send(own, idText);
    return true;
  }

  /** The client is asked about a request. @param name of the question, see `questionOf`. */
  ask(key: string, parts: readonly Uint8Array[], name: string | null): boolean {
    const frame = this.#parked.has(key) ? scanFrame(joinExact(parts)) : null;
    if (frame === null || 'error' in frame) return false;
    const question = questionOf(frame, name);
    const early = this.#parked.first(key)?.early;
    const answer = early?.get(question.name);
    if (answer === undefined) this.#parked.ask(key, question);
    else {
      early?.delete(question.name);
      this.#respond(resultParts(Buffer.from(question.id), answer));
    }
    return true;
  }

  /** @param id of a question, raw JSON. @returns false: there is no such question. */
  withdraw(id: string): boolean {
    return this.#parked.withdraw(id);
  }

  /** The client wants no answer any more. @param idText as the port knows the request. @returns false: there is none. */
  leave(idText: string, why: string): boolean {
    const key = this.#keys.get(idText);
    if (key === undefined) return false;
    this.#keys.delete(idText);
    this.#parked.leave(key, why);
    return true;
  }

  /** Nobody can come back any more. */
  stopping(why: string): void {
    this.#parked.endAway(why);
    this.#arm();
  }

  close(): void {
    for (const timer of this.#gathering.values()) clearTimeout(timer);
    this.#gathering.clear();
    this.#parked.close();
    this.#keys.clear();
    this.#arm();
  }

  /** @returns false: the client cannot be asked that. */
  #askToVisit(key: string, refused: readonly Uint8Array[]): boolean {
    const grant = this.grant(key);
    if (grant === null || grant.refusal !== null || !grant.supports('elicitation', 'url'))
      return false;
    const questions = this.#visits.begin(key, refused);
    for (const question of questions) this.#parked.ask(key, question);
    return questions.length > 0;
  }

  /** @param answer of the client; null: there will be none. */
  #visited(id: string, answer: string | null): void {
    const visited = this.#visits.settled(id, answer);
    if (visited === null) return;
    const { key, refused } = visited;
    const first = this.#parked.first(key);
    const again = this.#again.get(key);
    if (refused !== null) this.#parked.answer(key, refused);
    else if (first !== null) again?.(key, first.idRaw);
  }

  #gather(key: string): void {
    clearTimeout(this.#gathering.get(key));
    const timer = setTimeout(() => {
      this.#gathering.delete(key);
      this.#parked.tell(key);
      this.#arm();
    }, GATHER_MS);
    this.#gathering.set(key, timer);
  }

  #asked(present: Present, questions: readonly Question[], state: string): void {
    this.#give(present, resultParts(present.idRaw, inputRequired(questions, state)));
  }

  #give(present: Present, parts: readonly Uint8Array[]): void {
    this.#keys.delete(present.idText);
    this.#options.answer(parts, present.idText);
  }

  #respond(parts: readonly Uint8Array[]): void {
    const frame = scanFrame(joinExact(parts));
    if (!('error' in frame)) this.#options.answered(frame);
  }

  /** Looks again when the next client is late. */
  #arm(): void {
    clearTimeout(this.#timer);
    const { deadline } = this.#parked;
    if (deadline === null) return;
    this.#timer = setTimeout(
      () => {
        this.#parked.sweep();
        this.#arm();
      },
      Math.max(0, deadline - performance.now()),
    ).unref();
  }
}
