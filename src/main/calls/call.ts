/**
 * One call on its way: what it is, who owns it, and how it ends. Knows no table and no server.
 */
import type { TaskAnswer } from '../../shared/model/mcp.ts';
import type { AnswerMessage } from '../../shared/protocol/from-supervisor.ts';
import type { Downstream } from '../servers/server.ts';
import type { Edit } from './call-table.ts';
import type { Failure } from './failures.ts';

/** Who gets what a call brings: a session, or the gateway itself. */
export interface CallOwner {
  /** It has not taken what it got: no further call of it is sent to a server until it does. */
  readonly congested: boolean;
  /** The one answer. */
  answer(call: { readonly idText: string }, parts: readonly Uint8Array[]): void;
  /** Something before the answer. */
  send(parts: readonly Uint8Array[], idText: string): void;
}

export interface Call {
  readonly id: number;
  readonly session: CallOwner;
  /** Raw JSON of the client's id, as bytes and as text. */
  readonly idRaw: Uint8Array;
  readonly idText: string;
  /** Raw JSON of the client's progress token, null when it asked for none. */
  readonly tokenRaw: Uint8Array | null;
  /** Another one when its server is replaced while it waits. */
  downstream: Downstream;
  readonly method: string;
  /** The complete line for the server; kept until the answer because an unsent call may be queued again. */
  readonly line: Uint8Array;
  /** Monotonic, milliseconds. */
  readonly admittedAt: number;
  readonly totalDeadline: number;
  /** The call has ended; `answered` when the server has answered, `ok` when with a result. */
  readonly onEnd: ((ok: boolean, answered: boolean) => void) | null;
  /** Asked before one that waits is sent: what it is about may be gone with the process that had it. */
  readonly lapsed: ((server: Downstream) => Omit<Failure, 'server' | 'phase'> | null) | null;
  /** The server does not know what was asked for: true when another one is asked instead. */
  readonly elsewhere: (() => boolean) | null;
  /** What its answer is looked into for by the supervisor thread. */
  readonly tasks: TaskAnswer | null;
  /** Told what was found there, before the answer is given. @returns what to replace in it. */
  readonly onTasks: ((answer: AnswerMessage, call: Call) => readonly Edit[]) | null;
  /**
   * It may take any time, as `tasks/result` does: it has no deadline, says nothing about how fast or
   * healthy the server is, and takes no other call's place.
   */
  readonly patient: boolean;
  timer: NodeJS.Timeout;
  /** The incarnation it was posted to, null while it waits in the queue. */
  postedTo: number | null;
  postedAt: number;
}
