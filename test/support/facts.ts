/** Facts for the state writer, complete and neutral unless told otherwise. */

import { AUDIT_OFF } from '#src/shared/model/audit.ts';
import type { LaneRecord, SupervisorRecord } from '#src/shared/model/snapshot.ts';
import { UNROUTED } from '#src/shared/model/unrouted.ts';
import type { CatalogFact, MainFact, SupervisorFact } from '#src/shared/protocol/facts.ts';

const record: SupervisorRecord = {
  phase: 'ready',
  since: '2025-01-01T00:00:00.000Z',
  pid: null,
  pgid: null,
  child_started: null,
  incarnation: 1,
  restarts: 0,
  last_exit: null,
  next_restart_at: null,
  last_error: null,
  connection_state: 'ok',
  tools_count: 3,
  protocol_version: '2025-11-25',
  noise_lines: 0,
  withheld: 0,
  withheld_why: null,
  left_running: [],
};

export const routing: LaneRecord = UNROUTED;

export function supervisorFact(
  server: string,
  rev: number,
  changes: Partial<SupervisorRecord> = {},
  order: { generation?: number; incarnation?: number } = {},
): SupervisorFact {
  const { generation = 1, incarnation = 1 } = order;
  const whole = { ...record, incarnation, ...changes };
  return { type: 'supervisor', server, generation, incarnation, rev, record: whole };
}

export function mainFact(rev: number, changes: Partial<MainFact> = {}): MainFact {
  return {
    type: 'main',
    rev,
    servers: {},
    sessions: 0,
    clients: [],
    disabled: [],
    leftOut: [],
    halt: { active: false, reason: null },
    endpoint: { stdio: true, http: null, auth: null, token_file: null },
    loopLagMs: 0,
    priority: 'none',
    reload: { problems: null, waiting: [], more: 0 },
    definitions: { withheld: [], more: 0, changed: [], findings: [] },
    audit: AUDIT_OFF,
    ...changes,
  };
}

export function catalogFact(server: string, names: readonly string[]): CatalogFact {
  const tools = names.map((name) => JSON.stringify({ name, x: 'ü"\n' }));
  const lists = { tools };
  const fingerprint = '0123456789abcdef';
  return { type: 'catalog', server, fingerprint, profile: null, lists, heldUp: null };
}
