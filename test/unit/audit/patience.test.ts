/** A call that waits for its record while the audit-writer thread does not answer. */
import pino from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AuditLog } from '#src/main/audit/audit-log.ts';
import { AuditWriterThread } from '#src/main/threads/audit-writer-thread.ts';
import { type AuditPolicy, DEFAULT_AUDIT } from '#src/shared/model/audit.ts';
import { closeClients, house } from '../../support/calls-house.ts';

const PATIENCE_MS = 5000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  // A thread that is there and takes nothing.
  vi.spyOn(AuditWriterThread.prototype, 'start').mockImplementation(() => {});
});
afterEach(() => {
  closeClients();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** One call that writes, and a log that nobody writes. */
function waiting(onFailure: AuditPolicy['onFailure']) {
  const changed = vi.fn<() => void>();
  const log = new AuditLog({
    policy: { ...DEFAULT_AUDIT, onFailure },
    level: 'L3',
    data: {
      dir: '/nowhere',
      stateDir: null,
      sessionId: 's',
      bootId: 'b',
      gatewayVersion: '0',
    },
    secrets: { values: () => [], hideIn: (text) => text },
    probeMs: 60_000,
    log: pino({ level: 'silent' }),
    onWritten: () => {},
    onChange: changed,
  });
  log.start({ event: 'start' });
  const all = house({}, 5, log);
  all.ready(1);
  all.call('a');
  return { ...all, log, changed };
}

it.each([
  ['warn', 1, []],
  ['deny', 0, [{ id: 'a', code: 'ERR_AUDIT_UNAVAILABLE', outcome: 'not_sent' }]],
] as const)('waits for 5 s; with on_failure: %s it is then posted %i times', (how, count, said) => {
  const { log, calls, answers, changed } = waiting(how);
  vi.advanceTimersByTime(PATIENCE_MS - 1);
  log.check();
  expect([calls().length, answers, log.record.state]).toEqual([0, [], 'on']);
  vi.advanceTimersByTime(1);
  log.check();
  expect([calls().length, answers]).toEqual([count, said]);
  expect(log.record).toMatchObject({
    state: 'failing',
    error: 'nothing could be written for 5 s',
    lag_ms: PATIENCE_MS,
  });
  log.check();
  expect(changed).toHaveBeenCalledTimes(1);
});

it.each([
  ['warn', 2, 0],
  ['deny', 0, 2],
] as const)('with on_failure: %s the next call waits no more', (how, count, refused) => {
  const { log, calls, answers, call } = waiting(how);
  vi.advanceTimersByTime(PATIENCE_MS);
  log.check();
  call('b');
  expect([calls().length, answers.length]).toEqual([count, refused]);
});
