/** The writer of the audit log without its thread, and what it says to main. */
import { MessageChannel } from 'node:worker_threads';
import { DEFAULT_AUDIT } from '#src/shared/model/audit.ts';
import type { AuditItem, FromAuditWriter } from '#src/shared/protocol/audit.ts';
import { AuditWriter } from '#src/workers/audit-writer/audit-writer.ts';
import { type AuditWorld, BOOT } from './audit-world.ts';

export const SESSION = 'aaaaaaaa-0000';
/** When a disk that has failed is tried again. */
export const RETRY_MS = 500;

export function auditWriter({ dir, stateDir }: AuditWorld) {
  const { port1: controlPort, port2: main } = new MessageChannel();
  const posted: FromAuditWriter[] = [];
  const writer = new AuditWriter(
    {
      kind: 'audit-writer',
      dir,
      stateDir,
      sessionId: SESSION,
      bootId: BOOT,
      gatewayVersion: '0',
      policy: DEFAULT_AUDIT,
      level: 'L3',
      secrets: [],
      owner: false,
      known: [],
      lost: 0,
      controlPort,
    },
    (message) => posted.push(message),
  );
  return {
    writer,
    posted,
    last: () => posted.findLast(({ type }) => type !== 'log'),
    logged: () => posted.flatMap((one) => (one.type === 'log' ? one.message : [])),
    close: () => {
      const problem = writer.close(main);
      main.close();
      controlPort.close();
      return problem;
    },
  };
}

export const auditEvent = (seq: number): AuditItem => ({
  type: 'event',
  seq,
  at: 1_800_000_000_000 + seq,
  event: { event: 'tick' },
  client: null,
});
