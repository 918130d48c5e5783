/**
 * The calls at a server of revision 2026-07-28 from their first line to their answer: a server that wants to know
 * something first says so by an answer, and gets the call again with what it wanted. Its client sees one call and
 * the questions. Owned by the stateless side of a conversation.
 */
import { type Frame, rangeOf, scanFrame, textAt } from '../../../../shared/json/frame.ts';
import { joinExact, notificationLine } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { member } from '../../../../shared/json/json-slice.ts';
import { TASK_METHODS } from '../../../../shared/model/task-handles.ts';
import { clip } from '../../../../shared/text/clean-text.ts';
import { stringMember } from '../own-requests.ts';
import { nextRound, type Question, readWanted } from './questions.ts';

export interface RoundsOptions {
  /** Sends a request with its envelope. @param wire its id. @returns what it said that its client can do. */
  readonly send: (frame: Frame, wire: number, can: number) => string;
  /** An id that no other request has. */
  readonly mintId: () => number;
  /** Puts a question of the server to the client of this call. */
  readonly ask: (question: Question, call: number) => void;
  /** Takes a question back. @param cancelled a notification that says so. */
  readonly withdraw: (cancelled: Frame) => void;
  /** The call cannot go on. @param why in words, to be read after "the answer of server x". */
  readonly fail: (call: number, why: string) => void;
}

interface Open {
  /** As the client sent it; null for a call that must not be asked about. */
  readonly frame: Frame | null;
  /** The id under which it is at the server now; null: it is not, its client is asked. */
  wire: number | null;
  /** See `canOf`. */
  readonly can: number;
  declared: string;
  /** A request about a task: what the task asks is in its answer. */
  readonly isOfTask: boolean;
  rounds: number;
  state: string | null;
  /** Questions that are open: their id → the server's name for them. */
  asked: Map<string, string>;
  answers: Map<string, string>;
  timer: NodeJS.Timeout | null;
}

/** Never added to. */
const NONE = new Map<string, string>();
/** Calls about which a server may ask. */
const ASKABLE = new Set(['tools/call', 'prompts/get', 'resources/read']);
const NOT_ASKABLE =
  'asks for input, which is allowed only for tools/call, prompts/get and resources/read';
/** The same as those of the official SDK. */
const MAX_ROUNDS = 8;
/** Before a call is sent again that its server only wanted to be asked again about. */
const PAUSE_MS = 250;
const MAX_TEXT_UNITS = 1000;

export class Rounds {
  readonly #options: RoundsOptions;
  readonly #open = new Map<number, Open>();
  /** Ids of later rounds → their calls. */
  readonly #later = new Map<number, number>();
  /** Open questions → their calls. */
  readonly #questions = new Map<string, number>();
  #lastQuestion = 0;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** @param frame whole, without a line end; its id is the number `call`. */
  begin(call: number, frame: Frame, method: string, can: number): void {
    this.#open.set(call, {
      frame: ASKABLE.has(method) ? frame : null,
      wire: call,
      can,
      declared: this.#options.send(frame, call, can),
      isOfTask: TASK_METHODS.has(method),
      rounds: 0,
      state: null,
      // Most calls are never asked about.
      asked: NONE,
      answers: NONE,
      timer: null,
    });
  }

  /** The call that is at the server under this id now; null: none is. */
  callOf(wire: number): number | null {
    const call = this.#later.get(wire) ?? wire;
    return this.#open.get(call)?.wire === wire ? call : null;
  }

  /** What a request about a task said that its client can do, JSON text; null: it is about none. */
  declaredBy(call: number): string | null {
    const open = this.#open.get(call);
    return open?.isOfTask === true ? open.declared : null;
  }

  /** The call has ended. @returns the id under which it is at the server; null: it is not. */
  end(call: number): number | null {
    const open = this.#open.get(call);
    if (open === undefined) return null;
    this.#open.delete(call);
    if (open.timer !== null) clearTimeout(open.timer);
    if (open.wire !== null) this.#later.delete(open.wire);
    this.#withdrawAll(open);
    return open.wire;
  }

  /**
   * The server wants to know something.
   *
   * @returns why it cannot; null: its client is asked, or the call is sent again.
   */
  wanted(call: number, frame: Frame): string | null {
    const open = this.#open.get(call);
    if (open?.frame == null) return NOT_ASKABLE;
    if (open.rounds >= MAX_ROUNDS) return `asks for input more than ${MAX_ROUNDS} times`;
    const read = readWanted(frame, open.declared, () => `"rea-asks-${++this.#lastQuestion}"`);
    if (!read.ok) return read.why;
    const { questions, state } = read.wanted;
    open.rounds += 1;
    if (open.wire !== null) this.#later.delete(open.wire);
    open.wire = null;
    open.state = state;
    open.asked = new Map(open.asked);
    open.answers = new Map();
    for (const question of questions) {
      const id = textAt(question.frame, SLOT.id) ?? '';
      open.asked.set(id, question.key);
      this.#questions.set(id, call);
    }
    if (questions.length === 0) open.timer = setTimeout(() => this.#again(call), PAUSE_MS);
    for (const question of questions) this.#options.ask(question, call);
    return null;
  }

  /** A client answers. @returns false: that is no answer to a question of these. */
  answered(line: Uint8Array): boolean {
    const frame = scanFrame(line);
    if ('error' in frame) return false;
    const id = textAt(frame, SLOT.id) ?? '';
    const call = this.#questions.get(id);
    const open = call === undefined ? undefined : this.#open.get(call);
    const key = open?.asked.get(id);
    if (call === undefined || open === undefined || key === undefined) return false;
    this.#questions.delete(id);
    open.asked.delete(id);
    const result = rangeOf(frame, SLOT.result);
    if (result === null) {
      this.#options.fail(call, `asks for input, and its client says: ${errorText(frame)}`);
      return true;
    }
    const raw = Buffer.from(frame.line.subarray(result[0], result[1])).toString();
    open.answers.set(key, raw);
    if (open.asked.size === 0) this.#again(call);
    return true;
  }

  close(): void {
    for (const { timer } of this.#open.values()) if (timer !== null) clearTimeout(timer);
    this.#open.clear();
    this.#later.clear();
    this.#questions.clear();
  }

  #again(call: number): void {
    const open = this.#open.get(call);
    if (open?.frame == null) return;
    open.timer = null;
    const wire = this.#options.mintId();
    const line = joinExact(nextRound(open.frame, String(wire), open.answers, open.state));
    const frame = scanFrame(line);
    // What the client said is valid by itself, and so is the whole, unless it said too much.
    if ('error' in frame) return this.#options.fail(call, 'cannot be given what it asks for');
    open.wire = wire;
    this.#later.set(wire, call);
    open.declared = this.#options.send(frame, wire, open.can);
  }

  #withdrawAll({ asked }: Open): void {
    for (const id of asked.keys()) {
      this.#questions.delete(id);
      const params = `{"requestId":${id},"reason":"the call has ended"}`;
      const frame = scanFrame(joinExact([notificationLine('notifications/cancelled', params)]));
      if (!('error' in frame)) this.#options.withdraw(frame);
    }
    asked.clear();
  }
}

function errorText(frame: Frame): string {
  const error = rangeOf(frame, SLOT.error);
  const isSaid = error !== null && member(frame.line, error, 'message') !== null;
  const said = isSaid ? stringMember(frame.line, error, 'message') : null;
  return clip(said ?? 'an error without a message', MAX_TEXT_UNITS);
}
