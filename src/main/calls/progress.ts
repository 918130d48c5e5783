/**
 * The progress that a client is told of a call, the gateway's own among the server's: each value is larger
 * than the one before, as the protocol wants it. What the server says is changed only where it would be no
 * larger than what the gateway has said. Pure.
 */
import type { Edit } from '../../shared/json/json-rpc.ts';
import { firstMember } from '../../shared/json/json-slice.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';
import type { Call } from './call.ts';

/** Longer messages are not looked into, and longer numbers neither. */
const MAX_BYTES = 64 * 1024;
const MAX_DIGITS = 64;
/** Part of the present value by which the gateway's own are larger: less than any step of a server. */
const STEP = 2 ** -40;
const PROGRESS_HEAD = Buffer.from(
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":',
);

/** The server tells of progress, or of something else about the call. @returns what to replace in its line. */
export function told(call: Call, line: Uint8Array): readonly Edit[] {
  const at = valueOf(line);
  if (at === null) return [];
  const value = numberAt(line, at);
  const before = call.progress;
  if (before === null) {
    call.progress = { value, own: false };
    return [];
  }
  if (!before.own || !(value <= before.value)) {
    if (!(value <= before.value)) before.value = value;
    return [];
  }
  before.value = above(before.value);
  return [{ at, with: Buffer.from(String(before.value)) }];
}

/** The value of the gateway's next progress; null when none is certain to be larger than the server's. */
export function nextValue(call: Pick<Call, 'progress'>): number | null {
  const value = call.progress === null ? 0 : above(call.progress.value);
  if (!Number.isFinite(value)) return null;
  call.progress = { value, own: true };
  return value;
}

/** A notification of the gateway's own about a call; null when its value could not be larger than the last. */
export function progressOf(
  call: Pick<Call, 'progress'>,
  tokenRaw: Uint8Array,
  message: string,
): Uint8Array[] | null {
  const value = nextValue(call);
  if (value === null) return null;
  const rest = `,"progress":${value},"message":${JSON.stringify(message)}}}`;
  return [PROGRESS_HEAD, tokenRaw, Buffer.from(rest)];
}

function above(value: number): number {
  return value + Math.max(1, Math.abs(value)) * STEP;
}

/** Where a notification has the value of its progress; null when it has none. */
function valueOf(line: Uint8Array): ByteRange | null {
  if (line.length > MAX_BYTES) return [0, line.length];
  const params = firstMember(line, [0, line.length], 'params');
  return params === null ? null : firstMember(line, params, 'progress');
}

/** NaN for what is no number, or too long to be read. */
function numberAt(line: Uint8Array, [start, end]: ByteRange): number {
  if (end - start > MAX_DIGITS) return Number.NaN;
  return Number(Buffer.from(line.subarray(start, end)).toString());
}
