import type { SupervisorRecord } from './snapshot.ts';

/** The record of every server before its first own one. */
export const IDLE: SupervisorRecord = {
  phase: 'idle',
  since: '',
  pid: null,
  pgid: null,
  child_started: null,
  incarnation: 0,
  restarts: 0,
  last_exit: null,
  next_restart_at: null,
  last_error: null,
  connection_state: 'never',
  tools_count: null,
  protocol_version: null,
  noise_lines: 0,
  withheld: 0,
  withheld_why: null,
  left_running: [],
};
