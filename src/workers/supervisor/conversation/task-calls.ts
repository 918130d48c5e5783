/**
 * The calls of one incarnation that have to do with tasks: what their answers are looked into for, the
 * progress tokens that live on after the answer until the task has ended, and the calls that were given
 * up before they could tell which task they made. Keeps account; sends nothing.
 */
import type { Frame } from '../../../shared/json/frame.ts';
import type { TaskAnswer, TaskNote } from '../../../shared/model/mcp.ts';
import type { AnswerMessage } from '../../../shared/protocol/from-supervisor.ts';
import { tasksOfAnswer } from './task-notes.ts';

/** Tokens of running tasks, and calls given up; the oldest are forgotten first. */
const MAX_KEPT = 4096;

export class TaskCalls {
  readonly #expected = new Map<number, TaskAnswer>();
  /** Task → the call that made it, while it runs. */
  readonly #running = new Map<string, number>();
  readonly #tokens = new Set<number>();
  readonly #givenUp = new Set<number>();

  sent(call: number, expected: TaskAnswer | null): void {
    if (expected !== null) this.#expected.set(call, expected);
  }

  /** Nobody waits for the call any more. @param arrives whether it may have been sent. */
  cancelled(call: number, arrives: boolean): void {
    const expected = this.#expected.get(call);
    this.#expected.delete(call);
    if (expected !== 'created' || !arrives) return;
    this.#givenUp.add(call);
    const [oldest] = this.#givenUp;
    if (this.#givenUp.size > MAX_KEPT && oldest !== undefined) this.#givenUp.delete(oldest);
  }

  /** An answer that somebody waits for. Undefined: it has nothing to do with tasks. */
  answered(call: number, frame: Frame): AnswerMessage['tasks'] {
    const expected = this.#expected.get(call);
    if (expected === undefined) return undefined;
    this.#expected.delete(call);
    const tasks = tasksOfAnswer(frame, expected);
    const [made] = tasks.notes;
    if (expected === 'created' && made !== undefined && !made.ended) this.#keep(made.id, call);
    return tasks;
  }

  /** The task that a call made which nobody waited for any more, null when there is none. */
  orphan(call: number, frame: Frame): string | null {
    if (!this.#givenUp.delete(call)) return null;
    const [made] = tasksOfAnswer(frame, 'created').notes;
    return made === undefined || made.ended ? null : made.id;
  }

  /** Whether progress of this call, which has been answered, still concerns anybody. */
  runs(call: number): boolean {
    return this.#tokens.has(call);
  }

  /** The server told the status of a task. @returns the call whose token has ended with it, if any. */
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
