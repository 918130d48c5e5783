/** What a client can be asked about one of its requests, or about none in particular. */
import { canOf, hasCapability } from '../../shared/model/client-can.ts';

export interface Grant {
  /** Why it cannot be asked anything, in words; null: it can. */
  readonly refusal: string | null;
  /** It is asked by the answer to the request, and answers by another request, if at all. */
  readonly byAnswer: boolean;
  /** It has been asked that way, and has not come back yet. */
  readonly isAway: boolean;
  /** What it has declared, see `canOf`. */
  readonly can: number;
  /** True when it declared this capability. @param path the keys of nested objects. */
  supports(...path: readonly string[]): boolean;
}

/** Of a client that is asked by requests. @param capabilities as it declared them. */
export function grantOf(capabilities: object): Grant {
  return {
    refusal: null,
    byAnswer: false,
    isAway: false,
    can: canOf(capabilities),
    supports: (...path) => hasCapability(capabilities, path),
  };
}
