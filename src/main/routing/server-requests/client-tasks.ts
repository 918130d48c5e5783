/**
 * Tasks that clients made of what servers asked them: which client a server means when it asks for one.
 * An id that two clients gave the same server means nobody. Keeps account; sends nothing.
 */

import type { Session } from '../../clients/session.ts';
import type { Downstream } from '../../servers/server.ts';

export interface ClientTask {
  readonly session: Session;
  readonly downstream: Downstream;
  readonly incarnation: number;
  /** The question it was made of. */
  readonly method: string;
  /** Raw id under which the client was asked, which is its progress token; and the server's own token. */
  readonly idText: string;
  readonly tokenRaw: Uint8Array | null;
}

/** Clients of which each has a task with the same id. */
interface Ambiguous {
  readonly ambiguous: Set<Session>;
}

/** Of each server; the oldest are forgotten first. */
const MAX_PER_SERVER = 256;

export class ClientTasks {
  readonly #servers = new Map<Downstream, Map<string, ClientTask | Ambiguous>>();

  made(
    id: string,
    { session, downstream, incarnation, method, idText, tokenRaw }: ClientTask,
  ): void {
    const task = { session, downstream, incarnation, method, idText, tokenRaw };
    const its = this.#servers.get(downstream) ?? new Map<string, ClientTask | Ambiguous>();
    this.#servers.set(downstream, its);
    const before = its.get(id);
    its.delete(id);
    const others = new Set(before === undefined ? [] : sessionsOf(before));
    others.delete(session);
    its.set(id, others.size === 0 ? task : { ambiguous: others.add(session) });
    const [oldest] = its.keys();
    if (its.size > MAX_PER_SERVER && oldest !== undefined) its.delete(oldest);
  }

  of(downstream: Downstream, id: string): ClientTask | null {
    const task = this.#servers.get(downstream)?.get(id);
    return task === undefined || 'ambiguous' in task ? null : task;
  }

  /** The tasks of the session that have this id, one for each server that knows it. */
  withId(session: Session, id: string): ClientTask[] {
    return [...this.#servers.keys()].flatMap((downstream) => {
      const task = this.of(downstream, id);
      return task?.session === session ? [task] : [];
    });
  }

  /** The task that was asked for under this id. */
  askedAs(session: Session, idText: string): ClientTask | null {
    for (const its of this.#servers.values()) {
      for (const task of its.values()) {
        if ('ambiguous' in task || task.session !== session) continue;
        if (task.idText === idText) return task;
      }
    }
    return null;
  }

  forget(session: Session): void {
    for (const [downstream, its] of this.#servers) {
      for (const [id, task] of its) {
        if ('ambiguous' in task) task.ambiguous.delete(session);
        const left = 'ambiguous' in task ? task.ambiguous.size > 0 : task.session !== session;
        if (!left) its.delete(id);
      }
      if (its.size === 0) this.#servers.delete(downstream);
    }
  }

  /** Those of which this is true are nobody's any more. @returns each with its id. */
  forgetIf(isOver: (task: ClientTask) => boolean): (ClientTask & { readonly id: string })[] {
    const over = [...this.#servers.values()].flatMap((its) =>
      [...its].flatMap(([id, task]) => {
        if ('ambiguous' in task || !isOver(task)) return [];
        its.delete(id);
        return { ...task, id };
      }),
    );
    for (const [downstream, its] of this.#servers) if (its.size === 0) this.serverGone(downstream);
    return over;
  }

  serverGone(downstream: Downstream): void {
    this.#servers.delete(downstream);
  }
}

function sessionsOf(task: ClientTask | Ambiguous): Iterable<Session> {
  return 'ambiguous' in task ? task.ambiguous : [task.session];
}
