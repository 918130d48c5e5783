/**
 * The clock of a call: it ends the call after a time without progress, and after a time in all. It stands
 * while a question of the server is open, because the time that a client takes to answer is not the server's.
 * How long it may stand in all is limited, so that no server keeps its calls for ever by asking.
 */
import type { Call, OpenQuestion } from './call.ts';

/** What a clock needs of the settings of a server, in milliseconds. */
export interface ClockPolicy {
  /** Without progress. */
  readonly callTimeoutMs: number;
  /** With a question open, all questions of a call together. */
  readonly askTimeoutMs: number;
}

/** True while a question is open for the call. */
export function isAsking({ asked }: Call): boolean {
  return asked !== null && asked.open.size > 0;
}

/** For how long the clock has stood so far. */
export function stoodMs(call: Call, now: number): number {
  const { asked } = call;
  if (asked === null) return 0;
  return asked.before + (isAsking(call) ? now - asked.since : 0);
}

/** The client is asked: the clock stands from now on. */
export function stopClock(
  call: Call,
  question: OpenQuestion,
  { callTimeoutMs, askTimeoutMs }: ClockPolicy,
  now: number,
): void {
  call.asked ??= { open: new Set(), since: 0, before: 0, leftMs: 0 };
  const { asked } = call;
  const stands = isAsking(call);
  asked.open.add(question);
  if (stands) return;
  asked.since = now;
  asked.leftMs = callTimeoutMs - (now - call.startedAt);
  if (!call.untimed) arm(call, askTimeoutMs - asked.before);
}

/** The question is settled: the clock goes on with what was left, unless another question is open. */
export function resumeClock(
  call: Call,
  question: OpenQuestion,
  { callTimeoutMs }: Pick<ClockPolicy, 'callTimeoutMs'>,
  now: number,
): void {
  const { asked } = call;
  if (asked === null || !asked.open.delete(question) || isAsking(call)) return;
  const stood = now - asked.since;
  asked.before += stood;
  call.totalDeadline += stood;
  call.startedAt = now - (callTimeoutMs - asked.leftMs);
  if (!call.untimed) arm(call, Math.min(asked.leftMs, call.totalDeadline - now));
}

/** The server has made progress: the time without progress begins anew. */
export function restartClock(call: Call, callTimeoutMs: number, now: number): void {
  call.startedAt = now;
  if (isAsking(call)) {
    if (call.asked !== null) call.asked.leftMs = callTimeoutMs;
    return;
  }
  const left = call.totalDeadline - now;
  // A timer that has been made anew has another length.
  if (left > callTimeoutMs && call.asked === null) call.timer.refresh();
  else arm(call, Math.min(callTimeoutMs, left));
}

function arm(call: Call, ms: number): void {
  clearTimeout(call.timer);
  call.timer = setTimeout(() => call.target.expire(call), Math.max(0, ms));
}
