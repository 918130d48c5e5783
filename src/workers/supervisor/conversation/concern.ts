/**
 * Which call, task or elicitation a message of a server belongs to, by what the message itself says. Pure;
 * looks only at the few members that say it, and into an error only when it asks a client to visit a URL.
 */
import { decodeString, type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import { idNumber } from '../../../shared/json/id-number.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { elements, member } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import type { Concern } from '../../../shared/model/mcp.ts';
import { TASK_NEWS } from '../../../shared/model/task-handles.ts';
import { relatedTaskOf, taskOfStatus } from './task-notes.ts';

const URL_ELICITATION_REQUIRED = '-32042';
const MAX_ID = 1024;
const MAX_ELICITATIONS = 32;

/** @returns null when the message names something that cannot exist, so that it concerns no client. */
export function concernOf(frame: Frame, method: string): Concern | null {
  if (method === 'notifications/tasks/status' || method === TASK_NEWS) {
    const note = taskOfStatus(frame);
    return note === null ? null : { kind: 'task', note };
  }
  const note = relatedTaskOf(frame);
  if (note !== null) return { kind: 'task', note };
  if (method === 'notifications/elicitation/complete') {
    const id = elicitationIdOf(frame.line, rangeOf(frame, SLOT.params));
    return id === null ? null : { kind: 'elicitation', id };
  }
  const token = rangeOf(frame, SLOT.paramsProgressToken);
  if (token === null) return { kind: 'all' };
  const call = idNumber(textAt(frame, SLOT.paramsProgressToken) ?? '');
  return call === null ? null : { kind: 'call', call, token };
}

/** The id of the URL that an `elicitation/create` asks a client to visit. */
export function elicitationOf(frame: Frame): string | null {
  return elicitationIdOf(frame.line, rangeOf(frame, SLOT.params));
}

/** Range of the code of an error that lists URLs to visit, whatever the code is; null for any other error. */
export function visitOf(frame: Frame): ByteRange | null {
  const data = rangeOf(frame, SLOT.errorData);
  if (data === null || member(frame.line, data, 'elicitations') === null) return null;
  return rangeOf(frame, SLOT.errorCode);
}

/** The ids of the URLs that an error asks a client to visit before it tries again. */
export function elicitationsOf(frame: Frame): string[] {
  const { line } = frame;
  if (textAt(frame, SLOT.errorCode) !== URL_ELICITATION_REQUIRED) return [];
  const data = rangeOf(frame, SLOT.errorData);
  const list = data === null ? null : member(line, data, 'elicitations');
  if (list === null) return [];
  return elements(line, list, MAX_ELICITATIONS).flatMap((at) => elicitationIdOf(line, at) ?? []);
}

function elicitationIdOf(line: Uint8Array, of: ByteRange | null): string | null {
  const at = of === null ? null : member(line, of, 'elicitationId');
  if (at === null || at[1] - at[0] > 6 * MAX_ID) return null;
  const id = decodeString(line, at);
  return id === null || id.length > MAX_ID ? null : id;
}
