/**
 * The line that a call sends to its server: the client's bytes under an id of the gateway's own.
 */
import { type Frame, rangeOf } from '../../shared/json/frame.ts';
import type { Edit } from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { withoutClaim } from './claim.ts';

const END_OF_LINE = Buffer.from('}\n');

/**
 * The line that goes to the server: the client's `params` byte for byte, with the edits and the
 * gateway's progress token in place, and without the claim of another revision.
 */
export function serverLine(
  id: number,
  method: string,
  frame: Frame,
  edits: readonly Edit[],
): Uint8Array {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`;
  const params = rangeOf(frame, SLOT.params);
  if (params === null) return Buffer.from(`${head}}\n`);
  const token = rangeOf(frame, SLOT.paramsMetaProgressToken);
  const claim = withoutClaim(frame);
  const known = claim.length === 0 ? edits : [...edits, ...claim];
  const all = token === null ? known : [...known, { at: token, with: Buffer.from(String(id)) }];
  const parts: Uint8Array[] = [Buffer.from(`${head},"params":`)];
  let [at] = params;
  const ordered = all.length < 2 ? all : all.toSorted((a, b) => a.at[0] - b.at[0]);
  for (const edit of ordered) {
    parts.push(frame.line.subarray(at, edit.at[0]), edit.with);
    [, at] = edit.at;
  }
  parts.push(frame.line.subarray(at, params[1]), END_OF_LINE);
  // Small buffers share a pool: they are copied once more on their way to the thread.
  return Buffer.concat(parts);
}
