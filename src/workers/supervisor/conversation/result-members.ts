/** Where a result can be added to, and what must not be added because it is there. Pure. */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT, type Slot } from '../../../shared/json/json-scan.ts';
import { isEmpty, kindAt } from '../../../shared/json/json-slice.ts';
import { RESULT_HAS } from '../../../shared/protocol/from-supervisor.ts';

/** Offset behind the opening brace of the result; -1 when it is no object. */
export function insideResult(frame: Frame): number {
  const at = rangeOf(frame, SLOT.result);
  return at !== null && kindAt(frame.line, at[0]) === 'object' ? at[0] + 1 : -1;
}

/** @returns bits of `RESULT_HAS`. */
export function resultHas(frame: Frame): number {
  const at = rangeOf(frame, SLOT.result);
  if (at === null || isEmpty(frame.line, at)) return 0;
  const bit = (slot: Slot, value: number) => (rangeOf(frame, slot) === null ? 0 : value);
  return (
    RESULT_HAS.anything |
    bit(SLOT.resultType, RESULT_HAS.resultType) |
    bit(SLOT.resultTtlMs, RESULT_HAS.ttlMs) |
    bit(SLOT.resultCacheScope, RESULT_HAS.cacheScope)
  );
}
