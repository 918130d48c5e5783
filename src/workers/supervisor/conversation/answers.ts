/**
 * The calls in flight and what the server answers to them and to the gateway's own requests. Each call gets
 * one answer or one failure, unless it is cancelled. Owned by the conversation.
 */
import { type Frame, rangeOf, scanFrame, textAt } from '../../../shared/json/frame.ts';
import { idNumber } from '../../../shared/json/id-number.ts';
import { joinExact, notificationLine, resultParts } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { LATE_ASKS_MS } from '../../../shared/model/asks.ts';
import type { TaskAnswer, TaskNote } from '../../../shared/model/mcp.ts';
import type { ReadThrottle } from '../limits/read-throttle.ts';
import type { Line, RequestId } from '../link.ts';
import type { Loss } from '../receiver.ts';
import type { Counts, Results } from '../results/results.ts';
import type { ToMain } from '../to-main.ts';
import { elicitationsOf, visitOf } from './concern.ts';
import type { Notifications } from './notifications.ts';
import type { OwnRequests } from './own-requests.ts';
import { insideResult, resultHas } from './result-members.ts';
import {
  meaningOf,
  withoutLaterCode,
  withoutOurError,
  withoutOurErrorInTask,
} from './server-errors.ts';
import type { Passed, Stateless } from './stateless/stateless.ts';
import { TaskCalls } from './task-calls.ts';
import { isToolError } from './tool-error.ts';
import { signedInputs, signedVisits } from './who-asks.ts';

export interface AnswersOptions {
  readonly server: string;
  readonly line: Line;
  /** Null: the server speaks a revision with a handshake. */
  readonly stateless: () => Stateless | null;
  readonly requests: OwnRequests;
  readonly notifications: Notifications;
  readonly throttle: ReadThrottle;
  /** What becomes of what the server answers. */
  readonly results: Results;
  readonly toMain: ToMain;
}

/** A line that cannot be passed on. */
export interface BadLine {
  /** Raw JSON text of its id, as far as it was found. */
  readonly idText: string | null;
  readonly hasMethod: boolean;
  readonly code: 'ERR_MESSAGE_TOO_LARGE' | 'ERR_MALFORMED_MESSAGE';
  readonly why: string;
  readonly bytes: number;
  readonly sample: string;
}

/** What is known of an answer besides its bytes. */
interface About {
  readonly isError: boolean;
  /** Bits of `ERROR_MEANS`. */
  readonly means: number;
  readonly redacted: Counts | null;
}

/** Cancelled calls whose late answer is still recognized; the oldest are forgotten first. */
const MAX_LATE = 1024;
/** A large late answer is kept only this long after a cancellation: servers that heed it send none. */
const LATE_MS = 30_000;
const PASS: Passed = { kind: 'pass' };

export class Answers {
  readonly #options: AnswersOptions;
  readonly #inFlight = new Set<number>();
  readonly #tasks = new TaskCalls();
  /** Cancelled calls. The server may answer them all the same, which is no fault. */
  readonly #late = new Set<number>();
  /** When a call was given up last that the server may still work on. */
  #lastLeftAt = 0;
  /** Some calls have ended here, and the server will not say when it is done with them. */
  #worksUnseen = false;
  #stray = 0;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Answers that were dropped: a second one to the same call, or one to an id that was never used. */
  get stray(): number {
    return this.#stray;
  }

  /**
   * Whether a large answer may be of use. Late ones count for a while, because they may tell of a task that
   * has to be cancelled.
   */
  get areAwaited(): boolean {
    const isLate = this.#late.size > 0 && performance.now() - this.#lastLeftAt < LATE_MS;
    return this.#inFlight.size > 0 || isLate || !this.#options.requests.areSettled;
  }

  /** Whether the answer to a request is still waited for. */
  isOpen(id: RequestId): boolean {
    if (typeof id === 'string') return this.#options.requests.has(id);
    const call = this.#callOf(id);
    return call !== null && this.#inFlight.has(call);
  }

  /** Whether progress of a call still concerns a client: the call is in flight, or its task runs. */
  hasProgress(call: number): boolean {
    return this.#inFlight.has(call) || this.#tasks.runs(call);
  }

  /** @param line complete with newline, its id is the number `call`. @param can see `canOf`. */
  call(call: number, line: Uint8Array, tasks: TaskAnswer | null, can: number): void {
    this.#inFlight.add(call);
    this.#tasks.sent(call, tasks);
    const stateless = this.#options.stateless();
    if (stateless === null) this.#options.line.write(line, call);
    else stateless.call(call, line, can);
  }

  /** Calls in flight, the oldest first. */
  get calls(): readonly number[] {
    return [...this.#inFlight];
  }

  /** The server may be working on calls that have ended here: nothing says that it speaks of those in flight. */
  get areOthersOpen(): boolean {
    return this.#worksUnseen || this.#late.size > 0 || this.#tasks.areRunning;
  }

  /** The same, but for those that ended so long ago that the server will hardly ask anything for them. */
  get mayAskForOthers(): boolean {
    const isLong = performance.now() - this.#lastLeftAt >= LATE_ASKS_MS;
    return this.#tasks.areRunning || (this.areOthersOpen && !isLong);
  }

  /** The only call that the server can be working on; null: there is none, or it may be another. */
  get only(): number | null {
    if (this.#inFlight.size !== 1 || this.areOthersOpen) return null;
    const [only] = this.#inFlight;
    return only ?? null;
  }

  /** A call has this result, JSON text, that its server was not asked for. */
  give(call: number, result: string): void {
    const frame = scanFrame(joinExact(resultParts(Buffer.from(String(call)), result)));
    if (!('error' in frame) && this.#inFlight.delete(call)) {
      this.#deliver(call, call, frame, { isError: false, means: 0, redacted: null });
    }
  }

  /** A call cannot go on. @param why read after "the answer of server x". */
  spoil(call: number, why: string): void {
    if (!this.#inFlight.delete(call)) return;
    this.#options.stateless()?.end(call);
    this.#malformed(call, why);
  }

  /** @returns whether it had left for the server; null when it has ended before. */
  cancel(call: number, reason: string): boolean | null {
    const { line, notifications, stateless } = this.#options;
    notifications.forget(call);
    if (!this.#inFlight.delete(call)) return null;
    const other = stateless();
    const wire = other === null ? call : other.end(call);
    // It has left, and is not at the server now.
    if (wire === null) return true;
    const withdrawn = line.withdraw(wire);
    this.#tasks.cancelled(call, !withdrawn, wire);
    if (withdrawn) return wire !== call;
    this.#late.add(wire);
    this.#lastLeftAt = performance.now();
    if (this.#late.size > MAX_LATE) {
      this.#late.delete(this.#late.values().next().value ?? 0);
      this.#worksUnseen = true;
    }
    const params = JSON.stringify({ requestId: wire, reason });
    line.write(notificationLine('notifications/cancelled', params), null);
    return true;
  }

  /** A response of the server. */
  take(frame: Frame, isError: boolean): void {
    const { requests, server, throttle, stateless } = this.#options;
    const idText = textAt(frame, SLOT.id) ?? '';
    const wire = idNumber(idText);
    const call = wire === null ? null : this.#callOf(wire);
    if (call !== null && wire !== null && this.#inFlight.has(call)) {
      throttle.useful(frame.line.length);
      const takesTask = this.#tasks.takesTask(call);
      const passes = stateless()?.take(call, frame, isError, takesTask) ?? PASS;
      if (passes.kind === 'wait') return this.#options.line.answered(wire, null);
      if (passes.kind === 'wrong') {
        this.#options.line.answered(wire, null);
        return this.spoil(call, passes.why);
      }
      const signed = this.#signed(call, frame, isError);
      this.#inFlight.delete(call);
      stateless()?.end(call);
      const means = isError ? this.#meaningOf(frame) : 0;
      const passed = this.#options.results.take(signed);
      if (!('why' in passed)) {
        const { redacted } = passed;
        return this.#deliver(call, wire, passed.frame, { isError, means, redacted });
      }
      this.#tasks.cancelled(call, false);
      const message = `the answer of server "${server}" is withheld: ${passed.why}`;
      return this.#fail(call, { code: passed.code, outcome: 'answered', message });
    }
    const orphan = wire === null ? null : this.#tasks.orphan(wire, frame);
    if (orphan !== null) {
      this.#late.delete(wire ?? 0);
      requests.send('tasks/cancel', JSON.stringify({ taskId: orphan }), () => {});
    } else if (requests.settle(idText, frame) || this.#late.delete(wire ?? 0)) {
      throttle.useful(frame.line.length);
    } else {
      this.#countStray();
    }
  }

  /** A large answer that was not kept because none was awaited. @param idText raw JSON text of its id. */
  passedOver(idText: string, bytes: number): void {
    const call = idNumber(idText);
    if (call !== null && this.#late.delete(call)) this.#options.throttle.useful(bytes);
    else this.#countStray();
  }

  /** Ends the request that a bad line answers. @returns false when it answers none. */
  refuse({ idText, hasMethod, code, why, bytes }: BadLine): boolean {
    const { requests, server, throttle } = this.#options;
    if (idText === null || hasMethod) return false;
    if (requests.refuse(idText, why)) return true;
    const wire = idNumber(idText);
    const call = wire === null ? null : this.#callOf(wire);
    if (call === null || !this.#inFlight.delete(call)) return false;
    this.#options.stateless()?.end(call);
    throttle.useful(bytes);
    this.#tasks.cancelled(call, false);
    const what = code === 'ERR_MESSAGE_TOO_LARGE' ? 'is too large' : 'is malformed';
    const message = `the answer of server "${server}" ${what}: ${why}`;
    this.#fail(call, { code, outcome: 'answered', message });
    return true;
  }

  /** A request will have no answer. Ignored when none is waited for. */
  lost(id: RequestId, loss: Loss): void {
    if (typeof id === 'string') {
      this.#options.requests.fail(id, loss.message, loss.body);
      return;
    }
    const call = this.#callOf(id);
    if (call === null || !this.#inFlight.delete(call)) return;
    this.#options.stateless()?.end(call);
    this.#tasks.cancelled(call, true);
    if (loss.outcome === 'unknown') {
      this.#worksUnseen = true;
      this.#lastLeftAt = performance.now();
    }
    this.#fail(call, loss);
  }

  /** The server told the status of a task. The last progress of a task comes before the news of its end. */
  taskTold(note: TaskNote): void {
    const call = this.#tasks.told(note);
    if (call !== null) this.#options.notifications.finish(call);
  }

  /** @returns the calls that have no answer. */
  close(): number[] {
    const open = [...this.#inFlight];
    this.#inFlight.clear();
    return open;
  }

  /** The call that is at the server under this id; null: none can be. */
  #callOf(wire: number): number | null {
    const stateless = this.#options.stateless();
    return stateless === null ? wire : stateless.callOf(wire);
  }

  /** The answer without what only the gateway says, and with the server's name at what it asks. */
  #signed(call: number, frame: Frame, isError: boolean): Frame {
    const { server, stateless } = this.#options;
    const own = withoutOurError(isError ? withoutLaterCode(frame) : frame);
    const isOfTask = stateless()?.isOfTask(call) ?? false;
    return isOfTask ? signedInputs(withoutOurErrorInTask(own), server) : signedVisits(own, server);
  }

  /** Only a server without a handshake knows the codes of its revision. */
  #meaningOf(frame: Frame): number {
    return this.#options.stateless() === null ? 0 : meaningOf(frame);
  }

  #malformed(call: number, why: string): void {
    const message = `the answer of server "${this.#options.server}" ${why}`;
    this.#fail(call, { code: 'ERR_MALFORMED_MESSAGE', outcome: 'answered', message });
  }

  /** @param wire the id under which it was at the server. */
  #deliver(call: number, wire: number, frame: Frame, about: About): void {
    const { isError, means, redacted } = about;
    const { line: link, notifications, stateless, toMain } = this.#options;
    const { slot, incarnation } = toMain;
    const { line } = frame;
    notifications.finish(call);
    link.answered(wire, isError ? frame : null);
    const answer = {
      type: 'answer',
      slot,
      incarnation,
      call,
      line,
      id: rangeOf(frame, SLOT.id) ?? [0, 0],
      isError,
      toolError: !isError && isToolError(frame),
      at: isError ? (rangeOf(frame, SLOT.errorCode)?.[0] ?? -1) : insideResult(frame),
      has: isError ? means : resultHas(frame),
      edits: isError ? [] : (stateless()?.edits(frame) ?? []),
    } as const;
    const found = redacted === null ? {} : { redacted };
    const tasks = this.#tasks.answered(call, frame);
    if (isError) {
      const code = visitOf(frame);
      return toMain.line({
        ...answer,
        ...found,
        ...(code === null ? {} : { visits: { code, ids: elicitationsOf(frame) } }),
        ...(tasks === undefined ? {} : { tasks }),
      });
    }
    if (tasks === undefined)
      return toMain.line(redacted === null ? answer : { ...answer, redacted });
    for (const note of tasks.notes) this.taskTold(note);
    toMain.line({ ...answer, ...found, tasks });
  }

  #fail(call: number, loss: Loss): void {
    const { notifications, toMain } = this.#options;
    notifications.finish(call);
    toMain.callFailed({ call, ...loss });
  }

  #countStray(): void {
    this.#stray += 1;
    this.#options.throttle.unsolicited();
  }
}
