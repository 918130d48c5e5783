/**
 * The calls that involve tasks: what to look for in their answers, the progress tokens that stay valid after
 * the answer until the task has ended, and the cancelled calls that may still create a task. Keeps account;
 * sends nothing. Owned by the answers.
 */
import type { Frame } from '../../../shared/json/frame.ts';
import type { TaskAnswer, TaskNote } from '../../../shared/model/mcp.ts';
import type { AnswerMessage } from '../../../shared/protocol/from-supervisor.ts';
import { tasksOfAnswer } from './task-notes.ts';

/** Running tasks, and cancelled calls; the oldest are forgotten first. */
const MAX_KEPT = 4096;

export class TaskCalls {
  readonly #expected = new Map<number, TaskAnswer>();
  /** Running task → the call that created it. */
  readonly #running = new Map<string, number>();
  readonly #tokens = new Set<number>();
  /** By the ids under which they are at the server. */
  readonly #givenUp = new Map<number, 'created' | 'handle'>();

  sent(call: number, expected: TaskAnswer | null): void {
    if (expected !== null) this.#expected.set(call, expected);
  }

  /** The call may be answered with a task instead of a result. */
  takesTask(call: number): boolean {
    return this.#expected.get(call) === 'handle';
  }

  /**
   * The call was cancelled or failed.
   *
   * @param arrives whether the server may have got it.
   * @param wire the id under which it is at the server.
   */
  cancelled(call: number, arrives: boolean, wire = call): void {
    const expected = this.#expected.get(call);
    this.#expected.delete(call);
    if ((expected !== 'created' && expected !== 'handle') || !arrives) return;
    this.#givenUp.set(wire, expected);
    const [oldest] = this.#givenUp.keys();
    if (this.#givenUp.size > MAX_KEPT && oldest !== undefined) this.#givenUp.delete(oldest);
  }

  /** A call in flight was answered. @returns undefined when it does not involve tasks. */
  answered(call: number, frame: Frame): AnswerMessage['tasks'] {
    const expected = this.#expected.get(call);
    if (expected === undefined) return undefined;
    this.#expected.delete(call);
    const tasks = tasksOfAnswer(frame, expected);
    const [made] = tasks.notes;
    if (expected === 'created' && made !== undefined && !made.ended) this.#keep(made.id, call);
    return tasks;
  }

  /** A cancelled call was answered. @returns the task that it created and that runs, null for none. */
  orphan(wire: number, frame: Frame): string | null {
    const expected = this.#givenUp.get(wire);
    if (expected === undefined) return null;
    this.#givenUp.delete(wire);
    const [made] = tasksOfAnswer(frame, expected).notes;
    return made === undefined || made.ended ? null : made.id;
  }

  /** Whether the call has been answered and its task still runs. */
  runs(call: number): boolean {
    return this.#tokens.has(call);
  }

  /** Tasks run, as far as is known. */
  get areRunning(): boolean {
    return this.#running.size > 0;
  }

  /** The server told the status of a task. @returns the call whose progress token ends with it, or null. */
  told(note: TaskNote): number | null {
    const call = this.#running.get(note.id);
    if (!note.ended || call === undefined) return null;
    this.#running.delete(note.id);
    this.#tokens.delete(call);
    return call;
  }

  #keep(id: string, call: number): void {
    const before = this.#running.get(id);
    if (before !== undefined) this.#tokens.delete(before);
    this.#running.delete(id);
    this.#running.set(id, call);
    this.#tokens.add(call);
    if (this.#running.size <= MAX_KEPT) return;
    for (const [oldest, its] of this.#running) {
      this.#running.delete(oldest);
      this.#tokens.delete(its);
      return;
    }
  }
}
