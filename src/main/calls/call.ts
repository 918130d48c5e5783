/**
 * One call: its request, its owner, which gets the answer, the server that has it, and its end. Depends on
 * no client, no server and no table.
 */
import type { Edit } from '../../shared/json/json-rpc.ts';
import type { TaskAnswer } from '../../shared/model/mcp.ts';
import type { Tier } from '../../shared/model/tier.ts';
import type { AnswerMessage } from '../../shared/protocol/from-supervisor.ts';
import { type AnswerForm, PLAIN } from './answer-form.ts';
import type { Failure } from './failures.ts';
import type { Subject } from './gate/subject.ts';

/** The maker of a call as the call sees it: a client, or the gateway itself. */
export interface CallOwner {
  /** It does not read what it was sent: no further call of it goes to a server until it does. */
  readonly needsDrain: boolean;
  /** The one answer. @param asksToVisit it is an error that asks the client to visit URLs, which it may be asked. */
  answer(
    call: { readonly idText: string },
    parts: readonly Uint8Array[],
    asksToVisit?: boolean,
  ): void;
  /** Progress, before the answer. */
  send(parts: readonly Uint8Array[], idText: string): void;
}

/** The server as one call sees it. */
export interface CallTarget {
  /** The call's time is over. */
  expire(call: Call): void;
  /** The answer is no longer wanted: none will be given, and the server is told. */
  cancel(call: Call, reason: string): void;
  /** The records of some of its calls that waited for that are kept, or cannot be. */
  recordsKept(): void;
}

/** A question of the server, for the calls that may have caused it. */
export interface OpenQuestion {
  /** The call has ended because its client has not answered in time. */
  expired(call: Call): void;
}

/** The times, in milliseconds, in which the client of a call is or was asked. */
export interface AskedTime {
  readonly open: Set<OpenQuestion>;
  /** When the clock was stopped last, monotonic. */
  since: number;
  /** For how long it has stood before that. */
  before: number;
  /** What was left of the time without progress when it was stopped. */
  leftMs: number;
}

/** The progress that a client was told. */
export interface ToldProgress {
  /** The largest so far; NaN when that is not known. */
  value: number;
  /** Some of it was the gateway's own. */
  own: boolean;
}

/** A client's request that has no answer yet. */
export interface Withdrawable {
  readonly idText: string;
  /** Its client has cancelled it, or is gone. */
  withdraw(reason: string): void;
}

export interface Call extends Withdrawable {
  readonly id: number;
  readonly owner: CallOwner;
  /** As the client of this call has introduced itself, bounded; null: it has not. Others may have the same owner. */
  readonly clientName: string | null;
  /** Raw JSON of the client's id, as bytes and as text. */
  readonly idRaw: Uint8Array;
  readonly idText: string;
  /** Raw JSON of the client's progress token, null when it asked for none. */
  readonly tokenRaw: Uint8Array | null;
  /** The successor, when its server is replaced while the call waits. */
  target: CallTarget;
  readonly method: string;
  /** In which its client is answered. */
  readonly form: AnswerForm;
  /** The complete line for the server; kept until the answer because an unsent call may be queued again. */
  readonly line: Uint8Array;
  /** Monotonic, milliseconds. */
  readonly admittedAt: number;
  /** Later by the time in which its client was asked. */
  totalDeadline: number;
  /** For the rules; null: the gateway's own call. */
  readonly subject: Subject | null;
  /** The call has ended; `answered` when the server has answered, `ok` when with a result. */
  readonly onEnd: ((ok: boolean, answered: boolean) => void) | null;
  /** Asked before a waiting call is sent: its subject may be gone with the process that had it. */
  readonly lapsed: ((target: CallTarget) => Omit<Failure, 'server' | 'phase'> | null) | null;
  /** The server does not know what was asked for: true when another one is asked instead. */
  readonly elsewhere: (() => boolean) | null;
  /** The parts of its answer that the supervisor thread looks for. */
  readonly tasks: TaskAnswer | null;
  /** Called with the parts found, before the answer is given. @returns the replacements to make in it. */
  readonly onTasks: ((answer: AnswerMessage, call: Call) => readonly Edit[]) | null;
  /**
   * It may take any time, as `tasks/result` does: it has no deadline, says nothing about how fast or
   * healthy the server is, and takes no other call's place.
   */
  readonly untimed: boolean;
  /** What it may do; null: it is the gateway's own, and is not recorded. */
  readonly tier: Tier | null;
  /** What its client can be asked, see `canOf`. */
  readonly can: number;
  /**
   * Its `begin` in the audit log. `asked`: it waits until that is on the disk. `failed`: it cannot be
   * written, and the policy refuses the call.
   */
  record: 'none' | 'asked' | 'kept' | 'failed';
  timer: NodeJS.Timeout;
  /** When its time without progress began, monotonic milliseconds. */
  startedAt: number;
  /** Questions of the server that may belong to it; null: there was none. */
  asked: AskedTime | null;
  /** The progress that its client was told of it; null: none. */
  progress: ToldProgress | null;
  /** Its time is over, and its thread has been asked whether it had left. */
  overdue: boolean;
  /** The incarnation it was posted to, null while it waits in the queue. */
  postedTo: number | null;
  postedAt: number;
  /** The number of secrets found in its answer, by kind; null: none. */
  redacted: Readonly<Record<string, number>> | null;
  /** Of its server's answer; 0: there is none yet. */
  answerBytes: number;
}

/** False for a request that waits for something else than its server's answer. */
export function isCall(request: Withdrawable): request is Call {
  return 'target' in request;
}

/** Everything done with a call besides passing its answer on. */
export type Hooks = Pick<
  Call,
  'onEnd' | 'lapsed' | 'elsewhere' | 'tasks' | 'onTasks' | 'untimed' | 'progress'
>;

/** The arguments of `newCall`. */
export type CallParts = Pick<
  Call,
  'id' | 'owner' | 'idRaw' | 'idText' | 'tokenRaw' | 'target' | 'method' | 'line'
> & {
  /** Milliseconds without progress, and in all. */
  readonly timeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly hooks: Partial<Hooks>;
  /** @default null: it has not introduced itself */
  readonly clientName?: string | null;
  /** @default plain */
  readonly form?: AnswerForm;
  /** @default null: no rule judges it */
  readonly subject?: Subject | null;
  /** @default null: it is not recorded */
  readonly tier?: Tier | null;
  /** @default 0: nothing */
  readonly can?: number;
};

/** The longest a timer can wait: 24 days. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Makes a call and starts its timer; the caller adds it to the table. Written out member by member: every
 * call comes through here, and spreading an object costs microseconds.
 */
export function newCall(parts: CallParts): Call {
  const now = performance.now();
  const { hooks } = parts;
  const untimed = hooks.untimed === true;
  const timer = setTimeout(expire, untimed ? MAX_TIMER_MS : parts.timeoutMs);
  const call: Call = {
    id: parts.id,
    owner: parts.owner,
    clientName: parts.clientName ?? null,
    idRaw: parts.idRaw,
    idText: parts.idText,
    tokenRaw: parts.tokenRaw,
    target: parts.target,
    method: parts.method,
    form: parts.form ?? PLAIN,
    line: parts.line,
    admittedAt: now,
    totalDeadline: untimed ? Infinity : now + parts.totalTimeoutMs,
    subject: parts.subject ?? null,
    onEnd: hooks.onEnd ?? null,
    lapsed: hooks.lapsed ?? null,
    elsewhere: hooks.elsewhere ?? null,
    tasks: hooks.tasks ?? null,
    onTasks: hooks.onTasks ?? null,
    untimed,
    tier: parts.tier ?? null,
    can: parts.can ?? 0,
    record: 'none',
    timer,
    startedAt: now,
    asked: null,
    progress: hooks.progress ?? null,
    overdue: false,
    postedTo: null,
    postedAt: now,
    redacted: null,
    answerBytes: 0,
    withdraw: (reason) => call.target.cancel(call, reason),
  };
  function expire(): void {
    call.target.expire(call);
  }
  return call;
}
