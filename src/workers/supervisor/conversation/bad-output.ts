/** Why a line of a server is no message, in words. Pure. */
import type { RefusalReason } from '../../../shared/json/framing.ts';

/** A line of another kind, which is no loss. */
export const NOT_JSON = 'not JSON';
/** Nobody can read the message. */
const IN_FRONT = 'other output stands before a message on its line';

/** How a message may begin. */
const MESSAGE = /\{\s*"(?:jsonrpc|id|method|params|result|error)"\s*:/;
const METHOD = /"method"\s*:/;

/** @param sample the beginning of the line. */
export function whyRefused(reason: RefusalReason, sample: string): string {
  if (reason === 'utf8') return 'not UTF-8';
  if (reason !== 'not_json') return reason.replaceAll('_', ' ');
  // A log of what was received has a method.
  return MESSAGE.test(sample) && !METHOD.test(sample) ? IN_FRONT : NOT_JSON;
}
