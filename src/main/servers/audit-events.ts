/**
 * Which events of a server's life are kept in the audit log, and as what: each start, end and restart of a
 * process, and the beginning of an absence. Pure.
 */
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { LifecycleMessage } from '../../shared/protocol/from-supervisor.ts';

/** @param server the lane. @returns null for what is not recorded. */
export function auditEventOf(
  server: string,
  { event: told, incarnation, record }: Pick<LifecycleMessage, 'event' | 'incarnation' | 'record'>,
): AuditEvent | null {
  switch (told.event) {
    case 'spawned':
      return { event: 'start', server, facts: { incarnation, pid: told.pid } };
    case 'ready':
      return { event: 'ready', server, facts: { incarnation } };
    case 'respawned':
      return { event: 'restart', server, facts: { incarnation, restarts: record.restarts } };
    case 'child_died_unexpectedly': {
      const { reason, code, signal, detail } = told;
      const facts = { incarnation, reason, code, signal };
      return { event: 'exit', server, status: 'error', error: detail, facts };
    }
    case 'unreachable':
      if (!told.begins) return null;
      return {
        event: 'unreachable',
        server,
        status: 'error',
        error: told.detail,
        facts: { incarnation },
      };
    case 'stopped':
    case 'idle':
      return { event: 'exit', server, facts: { incarnation, reason: told.event } };
    case 'health_changed':
    case 'starting':
    case 'stable':
    case 'backoff':
    case 'draining':
    case 'noise':
      return null;
  }
}
