/** Why a line of a server is no message, in words. Pure. */
import type { RefusalReason } from '../../../shared/json/framing.ts';

/** How a message may begin. */
const MESSAGE = /\{\s*"(?:jsonrpc|id|method|params|result|error)"\s*:/;

/** @param sample the beginning of the line. */
export function whyRefused(reason: RefusalReason, sample: string): string {
  if (reason === 'utf8') return 'not UTF-8';
  if (reason !== 'not_json') return reason.replaceAll('_', ' ');
  return MESSAGE.test(sample) ? 'other output stands before a message on its line' : 'not JSON';
}
