/** What follows when the kill switch is set or cleared: what waits is refused, and no server asks anybody any more. */
import type { Halt } from '../calls/gate/halt.ts';
import type { Logger } from '../logger.ts';
import { haltEvent } from './audit-events.ts';
import type { Parts } from './parts.ts';

/** @param cancels calls in flight end, too; what became of them is not known then. */
export function haltChanged(
  { audit, router, fleet }: Parts,
  halt: Halt,
  cancels: boolean,
  log: Logger,
): void {
  const words = halt.active ? 'HALT is set: calls are refused' : 'HALT is cleared';
  log.warn({ ...halt }, words);
  audit.event(haltEvent(halt));
  if (!halt.active) return;
  router.halted();
  fleet.halted(cancels ? `the gateway is halted: ${halt.reason ?? 'no reason given'}` : null);
}
