/** What a request that makes a good claim says besides its method and what it asks for, or why it is not served. Pure. */
import { decodeString, type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { member } from '../../../shared/json/json-slice.ts';
import { isLongId, LONG_ID } from '../../../shared/json/keys.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { listOf } from '../../../shared/model/lists.ts';
import { isLogLevel, LOG_LEVELS, type LogLevel } from '../../../shared/model/log-levels.ts';
import { CLAIM_KEYS } from '../../../shared/model/meta-keys.ts';
import { type Claim, invalid, type Refusal } from '../claims/claim.ts';
import type { ClaimedRequest } from '../port.ts';
import { type ReadRetry, readRetry } from './parked/retry.ts';

export interface Judged {
  /** The least severe messages that it wants to hear; null: none. */
  readonly level: LogLevel | null;
  /** The client comes back by it; null: it is a request like any. */
  readonly retry: ReadRetry | null;
}

/** Also said of a request with a session. */
export const IN_USE = 'this id is in use by another call';

/** @param inUse another request of the client has its id. */
export function judge(request: ClaimedRequest, inUse: boolean): Judged | Refusal {
  const { frame, method, claim } = request;
  if (isLongId(frame, SLOT.id) || isLongId(frame, SLOT.paramsMetaProgressToken)) {
    return { code: JSON_RPC.invalidRequest, message: LONG_ID };
  }
  if (inUse) return { code: JSON_RPC.invalidRequest, message: IN_USE };
  if (listOf(method) !== null && hasCursor(frame)) {
    return invalid('unknown cursor: this gateway sends each list in one page');
  }
  const retry = readRetry(frame);
  if (retry !== null && 'message' in retry) return retry;
  const level = levelOf(frame, claim);
  return level === 'unknown' ? UNKNOWN_LEVEL : { level, retry };
}

const UNKNOWN_LEVEL = invalid(
  `params._meta["${CLAIM_KEYS.logLevel}"] must be one of ${LOG_LEVELS.join(', ')}`,
);

function hasCursor(frame: Frame): boolean {
  const params = rangeOf(frame, SLOT.params);
  return params !== null && member(frame.line, params, 'cursor') !== null;
}

function levelOf({ line }: Frame, { logLevel }: Claim): LogLevel | null | 'unknown' {
  if (logLevel === null) return null;
  const text = decodeString(line, logLevel);
  return text !== null && isLogLevel(text) ? text : 'unknown';
}
