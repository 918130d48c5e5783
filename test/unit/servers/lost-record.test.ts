import { expect, test } from 'vitest';
import { lostRecord } from '#src/main/servers/lost-record.ts';
import type { SupervisorRecord } from '#src/shared/model/snapshot.ts';

const NOW = Date.parse('2030-01-01T00:00:00.000Z');
const LOSS = { error: 'lost', now: NOW, nextStartAt: NOW + 1500 };
const READY: SupervisorRecord = {
  phase: 'ready',
  since: '2029-12-31T00:00:00.000Z',
  pid: 4711,
  pgid: 4711,
  child_started: '12345',
  incarnation: 3,
  restarts: 2,
  last_exit: null,
  next_restart_at: null,
  last_error: null,
  connection_state: 'ok',
  tools_count: 7,
  protocol_version: '2025-11-25',
  noise_lines: 1,
  withheld: 2,
  withheld_why: 'why',
  left_running: [],
};

test('says when the thread and its server come back', () => {
  expect(lostRecord(READY, LOSS)).toEqual({
    ...READY,
    phase: 'backoff',
    since: '2030-01-01T00:00:00.000Z',
    pid: null,
    pgid: null,
    child_started: null,
    connection_state: 'errored',
    last_error: 'lost',
    last_exit: {
      code: null,
      signal: 'SIGKILL',
      at: '2030-01-01T00:00:00.000Z',
      reason: 'thread',
      detail: 'lost',
      stderr_tail: '',
    },
    next_restart_at: '2030-01-01T00:00:01.500Z',
  });
});

test('a thread that is not replaced has stopped', () => {
  expect(lostRecord(READY, { ...LOSS, nextStartAt: null })).toMatchObject({
    phase: 'stopped',
    next_restart_at: null,
  });
});

test('a thread that never spoke has a record, too', () => {
  expect(lostRecord(null, LOSS)).toMatchObject({
    phase: 'backoff',
    incarnation: 0,
    last_exit: null,
    last_error: 'lost',
  });
});
