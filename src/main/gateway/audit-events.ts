/** What the gateway itself tells its audit log: its start and end, and HALT. */
import type { AuditEvent } from '../../shared/model/audit.ts';
import { keepAnchorsElsewhere } from '../audit/anchor-command.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Halt } from '../calls/gate/halt.ts';
import { firstNames } from '../config/first-of.ts';
import type { GatewayOptions } from './options.ts';

/** @returns the timer that hands the anchor to a program of the operator's. */
export function startAudit(
  audit: AuditLog,
  { clocks, config, decided, log, policy, stateDir, version }: GatewayOptions,
): NodeJS.Timeout {
  const servers = config.servers.map(({ name }) => name);
  const facts = { version, pid: process.pid, servers: firstNames(servers), policy: policy.file };
  audit.start({ event: 'gateway_start', facts });
  for (const event of decided) audit.event(event);
  if (policy.audit.enabled && stateDir === null) {
    log.info(
      'the audit log has no anchor, because there is no state directory: nobody can find out that its end was cut off',
    );
  }
  return keepAnchorsElsewhere(policy.audit.anchorCommand, audit, { log, everyMs: clocks.anchorMs });
}

export function haltEvent({ active, reason }: Halt): AuditEvent {
  const event = active ? 'halt' : 'halt_cleared';
  return reason === null ? { event } : { event, facts: { reason } };
}
