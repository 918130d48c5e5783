/**
 * Message and outcome of requests that HTTP ended without an answer. Pure; text of the server must be
 * redacted already.
 */
import { clip } from '../../../shared/text/clean-text.ts';
import type { Loss } from '../receiver.ts';

const SHOWN_UNITS = 300;

const ADVICE: Readonly<Record<number, string>> = {
  401: 'it wants other credentials: configure headers (Authorization) or token_file',
  403: 'it does not allow this with the credentials of headers or token_file',
  404: 'nothing answers at this path: look at url',
  405: 'it takes no POST at this path: look at url',
};

/** What proxies say while there is no server behind them; 0 for those that only end the connection. */
const AWAY_STATUS: ReadonlySet<number | null> = new Set([0, 502, 503, 504, 521, 522, 523]);

/** Whether a status says that there is no server now. */
export function isAbsence(status: number | null): boolean {
  return AWAY_STATUS.has(status);
}

/** An error status in words. @param body of the response, redacted, in one line. @param login what there is to know of it; null: there is none. */
export function statusText(status: number, body: string, login: string | null = null): string {
  const said = clip(body.trim(), SHOWN_UNITS);
  const parts = (
    login === null
      ? [`HTTP ${status}`, ADVICE[status] ?? '', said]
      : [`HTTP ${status}`, said, login]
  ).filter((part) => part !== '');
  return parts.join('; ');
}

/** An error status without a JSON-RPC message. Below 500 the server refused the request. */
export function statusLoss(
  server: string,
  status: number,
  body: string,
  login: string | null,
): Loss {
  return {
    code: 'ERR_HTTP_STATUS',
    outcome: status >= 500 || status === 408 ? 'unknown' : 'answered',
    message: `server "${server}" answered with ${statusText(status, body, login)}`,
  };
}

export function redirectLoss(server: string, detail: string): Loss {
  const message = `server "${server}" answered with ${detail}`;
  return { code: 'ERR_HTTP_STATUS', outcome: 'answered', message };
}

export function outcomeUnknown(server: string, what: string): Loss {
  const message = `server "${server}": ${what}; the call may have been executed`;
  return { code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown', message };
}

/** @param why completes "the answer of server x …". */
export function noAnswer(server: string, why: string): Loss {
  const message = `the answer of server "${server}" ${why}`;
  return { code: 'ERR_MALFORMED_MESSAGE', outcome: 'answered', message };
}

/** What is left for the owner at the end of an exchange. */
export type Ending =
  /** The stream went on after the answer, and is not read any more. */
  | 'cut'
  /** The answer may still come on another stream, or else is lost. `isSure`: the server has taken the request. */
  | { readonly loss: Loss; readonly isSure: boolean };

/** Completes `noAnswer`. */
export const UNDECODABLE = 'is malformed: the body is not what its content-encoding says';

/** For `outcomeUnknown`. */
export const ELSEWHERE =
  'the answer did not come: HTTP 202, and the server has no stream of notifications';

/** The body was too long to be read to its end. @param isAnswer whether it can only have been the answer. */
export function endlessLoss(server: string, maxBytes: number, isAnswer: boolean): Loss {
  const what = isAnswer ? 'the answer' : 'a message';
  return {
    code: 'ERR_MESSAGE_TOO_LARGE',
    outcome: isAnswer ? 'answered' : 'unknown',
    message: `${what} of server "${server}" is too large: it does not end, ${maxBytes} bytes are allowed`,
  };
}
