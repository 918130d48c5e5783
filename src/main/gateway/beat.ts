import type { Parts } from './parts.ts';

/** What is looked at with each of main's heartbeats. @param now monotonic milliseconds. */
export function beat(
  { fleet, audit, definitions }: Parts,
  observer: { readonly loopLag: (ms: number) => void },
  now: number,
  loopLagMs: number,
): void {
  observer.loopLag(loopLagMs);
  fleet.check(now);
  audit.check();
  definitions.look();
}
