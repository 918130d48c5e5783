/**
 * Packs calls and plain answers, almost all traffic between threads, as numbers beside a line. To post an
 * object and a buffer for each of them would cost more than all other work for a small call. Both sides
 * use this file.
 */
import type { AnswerMessage, FromSupervisor } from './from-supervisor.ts';
import type { CallMessage, ToSupervisor } from './to-supervisor.ts';

export type Packable = FromSupervisor | ToSupervisor;

const CALL = 0;
const ANSWER = 1;
const IS_ERROR = 1;
const TOOL_ERROR = 2;
/** Something is cut out of it: two more numbers say what. */
const CUT = 4;
/** What its result has already stands above the flags. */
const HAS_SHIFT = 3;

/** @returns the numbers for the message; null for any other message. */
export function pack(message: Packable): number[] | null {
  if (message.type === 'call') {
    const { slot, incarnation, call, writes, can, tasks } = message;
    return tasks === null ? [CALL, slot, incarnation, call, writes ? 1 : 0, can] : null;
  }
  if (message.type !== 'answer') return null;
  const { slot, incarnation, call, id, at, has, isError, toolError } = message;
  const { tasks, visits, redacted } = message;
  if (tasks !== undefined || visits !== undefined || redacted !== undefined) return null;
  const flags = (isError ? IS_ERROR : 0) | (toolError ? TOOL_ERROR : 0) | (has << HAS_SHIFT);
  const { edits } = message;
  const [edit] = edits;
  if (edit === undefined) return [ANSWER, slot, incarnation, call, id[0], id[1], flags, at];
  if (edits.length > 1 || edit.text !== '') return null;
  const [from, to] = edit.at;
  return [ANSWER, slot, incarnation, call, id[0], id[1], flags | CUT, at, from, to];
}

export function unpack(numbers: readonly number[], line: Uint8Array): CallMessage | AnswerMessage {
  const [kind, slot = 0, incarnation = 0, call = 0, start = 0, end = 0, flags = 0, at = -1] =
    numbers;
  if (kind === CALL) {
    const writes = start === 1;
    return { type: 'call', slot, incarnation, call, line, writes, can: end, tasks: null };
  }
  const isCut = (flags & CUT) !== 0;
  return {
    type: 'answer',
    slot,
    incarnation,
    call,
    line,
    id: [start, end],
    isError: (flags & IS_ERROR) !== 0,
    toolError: (flags & TOOL_ERROR) !== 0,
    at,
    has: flags >> HAS_SHIFT,
    edits: isCut ? [{ at: [numbers[8] ?? 0, numbers[9] ?? 0], text: '' }] : [],
  };
}
