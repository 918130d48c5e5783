/** The answers that the HTTP edge gives to requests itself, complete and with the client's own id. */
import { failureParts } from '../../../calls/failures.ts';

const OURS = { server: null, phase: null, retryAt: null } as const;

/** @param idText raw JSON of the request's id. */
export function tooManyInFlight(method: string, idText: string, limit: number): Uint8Array[] {
  return failureParts(method, Buffer.from(idText), {
    ...OURS,
    code: 'ERR_QUEUE_FULL',
    outcome: 'not_sent',
    message: `this session has ${limit} requests in flight already; the request was not sent`,
  });
}

/** For a client that comes back for an answer that was larger than what is kept. */
export function answerNotKept(method: string, idText: string, limit: number): Uint8Array[] {
  return failureParts(method, Buffer.from(idText), {
    ...OURS,
    code: 'ERR_MESSAGE_TOO_LARGE',
    outcome: 'answered',
    message: `the answer was larger than the ${limit} bytes kept for a client whose connection broke`,
  });
}

/** For a client whose session ended while its request was with the server, and no stream was open for it. */
export function sessionEnded(method: string, idText: string): Uint8Array[] {
  return failureParts(method, Buffer.from(idText), {
    ...OURS,
    code: 'ERR_OUTCOME_UNKNOWN',
    outcome: 'unknown',
    message: 'the session ended before the answer came; the request may have been carried out',
  });
}
