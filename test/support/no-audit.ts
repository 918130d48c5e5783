import type { Audit } from '#src/main/calls/audit.ts';

/** Nothing is recorded. */
export const NO_AUDIT: Audit = {
  begins: () => false,
  ended: () => {},
  refused: () => {},
  event: () => {},
};
