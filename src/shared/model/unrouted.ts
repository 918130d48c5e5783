/** Main's record of a server before its first call. */
import type { LaneRecord } from './snapshot.ts';

export const UNROUTED: LaneRecord = {
  circuit_state: 'closed',
  retry_at: null,
  open_transitions: 0,
  session_blocker_emitted: false,
  in_flight: 0,
  queued: 0,
  calls: 0,
  errors: 0,
  p50_ms: null,
  p99_ms: null,
  thread: { state: 'running', restarts: 0, heap_mb: null, mates: 0, held_up: null },
  share: 'normal',
  name_collisions: 0,
};
