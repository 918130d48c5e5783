/** Whether a server's error says that there is no such resource. Pure. */
import { member } from '../../shared/json/json-slice.ts';

/** In one revision or another. */
const NOT_FOUND = new Set(['-32002', '-32602']);

export function saysNotFound(line: Uint8Array): boolean {
  const error = member(line, [0, line.length], 'error');
  const code = error === null ? null : member(line, error, 'code');
  return code !== null && NOT_FOUND.has(Buffer.from(line.subarray(code[0], code[1])).toString());
}
