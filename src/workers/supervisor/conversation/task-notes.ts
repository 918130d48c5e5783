/**
 * Finds the tasks that a server's message names. Pure; reads only messages that are about tasks, and leaves
 * out tasks without a usable id.
 */

import { decodeString, type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { elements, isName, kindAt, member } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import type { TaskAnswer, TaskNote } from '../../../shared/model/mcp.ts';
import { RELATED_TASK } from '../../../shared/model/related-task.ts';
import type { AnswerMessage } from '../../../shared/protocol/from-supervisor.ts';

const TERMINAL = new Set(['completed', 'failed', 'cancelled']);
const MAX_ID = 1024;
const MAX_CURSOR_BYTES = 65_536;
const MAX_LISTED = 1000;

/** The tasks in an answer; none in an error or in the answer of a server without tasks. */
export function tasksOfAnswer(
  frame: Frame,
  expected: TaskAnswer,
): NonNullable<AnswerMessage['tasks']> {
  const { line } = frame;
  const result = rangeOf(frame, SLOT.result);
  const none = { notes: [], nextCursor: null };
  if (result === null) return none;
  if (expected === 'list') return listed(line, result);
  if (expected === 'handle' && !isHandle(frame)) return none;
  const isResult = expected === 'result';
  const note = isResult
    ? relatedTask(line, rangeOf(frame, SLOT.resultMeta))
    : noteAt(line, expected === 'created' ? member(line, result, 'task') : result);
  if (note === null) return none;
  return { notes: [isResult ? { ...note, ended: true } : note], nextCursor: null };
}

/** A result says that it is a task (revision 2026-07-28). */
function isHandle(frame: Frame): boolean {
  const type = rangeOf(frame, SLOT.resultType);
  return type !== null && isName(frame.line, type[0], type[1], 'task');
}

/** The task that `notifications/tasks/status` is about. */
export function taskOfStatus(frame: Frame): TaskNote | null {
  return noteAt(frame.line, rangeOf(frame, SLOT.params));
}

/** The task that a request or notification belongs to. */
export function relatedTaskOf(frame: Frame): TaskNote | null {
  return relatedTask(frame.line, rangeOf(frame, SLOT.paramsMeta));
}

function relatedTask(line: Uint8Array, meta: ByteRange | null): TaskNote | null {
  return noteAt(line, meta === null ? null : member(line, meta, RELATED_TASK));
}

function listed(line: Uint8Array, result: ByteRange): NonNullable<AnswerMessage['tasks']> {
  const list = member(line, result, 'tasks');
  const notes = (list === null ? [] : elements(line, list, MAX_LISTED)).flatMap(
    (at) => noteAt(line, at) ?? [],
  );
  const cursor = member(line, result, 'nextCursor');
  const isCursor =
    cursor !== null &&
    kindAt(line, cursor[0]) === 'string' &&
    cursor[1] - cursor[0] <= MAX_CURSOR_BYTES;
  return {
    notes,
    nextCursor: isCursor ? Buffer.from(line.subarray(cursor[0], cursor[1])).toString() : null,
  };
}

function noteAt(line: Uint8Array, at: ByteRange | null): TaskNote | null {
  const idAt = at === null ? null : member(line, at, 'taskId');
  if (at === null || idAt === null || idAt[1] - idAt[0] > 6 * MAX_ID) return null;
  const id = decodeString(line, idAt);
  if (id === null || id.length > MAX_ID) return null;
  return { id, idAt, at, ended: TERMINAL.has(word(line, at)), ttlMs: ttlOf(line, at) };
}

function word(line: Uint8Array, at: ByteRange): string {
  const status = member(line, at, 'status');
  if (status === null || status[1] - status[0] > 64) return '';
  return decodeString(line, status) ?? '';
}

function ttlOf(line: Uint8Array, at: ByteRange): number | null {
  // Each revision has a name of its own for it.
  const ttl = member(line, at, 'ttlMs') ?? member(line, at, 'ttl');
  if (ttl === null || kindAt(line, ttl[0]) !== 'number' || ttl[1] - ttl[0] > 32) return null;
  return Number(Buffer.from(line.subarray(ttl[0], ttl[1])).toString());
}
