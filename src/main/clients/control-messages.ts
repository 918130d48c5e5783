/**
 * The parts of a client's messages that are read as values: of those that are about the conversation itself, and
 * are small. Pure.
 */
import { decodeString, type Frame, rangeOf } from '../../shared/json/frame.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { member } from '../../shared/json/json-slice.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';
import { isLogLevel, LOG_LEVELS, type LogLevel } from '../../shared/model/log-levels.ts';
import type { ClientRecord } from '../../shared/model/snapshot.ts';
import { clientRecord } from './client-record.ts';

/** What is larger is never parsed. */
const MAX_CONTROL_BYTES = 1024 * 1024;
const MAX_REASON = 1000;

/** Null: there are none, they are no object, or too large. */
function controlParams(frame: Frame): Record<string, unknown> | null {
  const params = controlValue(frame, rangeOf(frame, SLOT.params));
  return typeof params === 'object' && params !== null ? (params as Record<string, unknown>) : null;
}

/** The value at a range of a message; null: none, or too large. */
export function controlValue({ line }: Frame, at: ByteRange | null): unknown {
  if (at === null || at[1] - at[0] > MAX_CONTROL_BYTES) return null;
  return JSON.parse(Buffer.from(line.subarray(at[0], at[1])).toString());
}

/** What `initialize` says; capabilities are null where they are no object. Null: it is not valid. */
export function readHello(frame: Frame): {
  readonly version: string;
  readonly capabilities: object | null;
  readonly record: ClientRecord | null;
} | null {
  const params = controlParams(frame);
  const version = params?.['protocolVersion'];
  if (typeof version !== 'string') return null;
  const told = params?.['capabilities'];
  const capabilities = typeof told === 'object' ? told : null;
  return { version, capabilities, record: clientRecord(params?.['clientInfo']) };
}

export const ODD_LEVEL = `params.level must be one of ${LOG_LEVELS.join(', ')}`;

/** What `logging/setLevel` asks for; null: no level that there is. */
export function readLevel(frame: Frame): LogLevel | null {
  const level = controlParams(frame)?.['level'];
  return typeof level === 'string' && isLogLevel(level) ? level : null;
}

/** The client's reason to cancel a request, for the server to see. */
export function cancelReason(frame: Frame): string {
  const params = rangeOf(frame, SLOT.params);
  const at = params === null ? null : member(frame.line, params, 'reason');
  const reason = at === null ? null : decodeString(frame.line, at);
  return reason === null ? 'cancelled by the client' : reason.slice(0, MAX_REASON);
}
