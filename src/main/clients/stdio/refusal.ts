/** What a client over a stream of lines is told of a line that is no message. */
import type { Refused } from '../../../shared/json/framing.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';

/** The largest message that a client may send. */
export const MAX_CLIENT_MESSAGE_BYTES = 32 * 1024 * 1024;

export interface Refusal {
  /** Raw JSON of the request's id; null: it is not known, or it is not the client's. */
  readonly id: string | null;
  readonly code: number;
  readonly message: string;
}

export function refusalOf(
  { reason, idText, hasMethod, hasOutcome }: Refused,
  maxBytes: number,
): Refusal {
  const isLarge = reason === 'too_large';
  return {
    // The id of a response is the gateway's own: under it, the client would take an error for an answer.
    id: hasMethod || !hasOutcome ? idText : null,
    code: isLarge ? JSON_RPC.invalidRequest : JSON_RPC.parseError,
    message: isLarge
      ? `message larger than ${maxBytes} bytes`
      : `not a JSON-RPC message (${reason})`,
  };
}
