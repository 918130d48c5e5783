/** The gateway's own tool `health`: always listed, and answered even when everything else is refused. */
import type { Withheld } from '../../shared/model/mcp.ts';
import type { HeldDefinition } from '../catalog/pins.ts';
import type { Policy } from '../config/policy.ts';
import { pinsCommand } from '../pins/held-words.ts';
import type { Server } from '../servers/server.ts';

export interface Blocked {
  readonly server: string;
  readonly change: 'new' | 'changed';
  /** What a person types to accept it. */
  readonly accept: string;
}

export interface HealthView {
  readonly version: string;
  readonly sessionId: string;
  /** ISO. */
  readonly startedAt: string;
  readonly stateOwner: boolean;
  /** Progress, log messages and the like that were dropped because their client does not read. */
  readonly droppedMessages: number;
  readonly halt: { readonly active: boolean; readonly reason: string | null };
  /** Questions of the gateway to clients that have no answer yet. */
  readonly asksOpen: number;
  /** Servers with a program that nobody has accepted. */
  readonly blocked: readonly Blocked[];
  readonly servers: readonly Server[];
  /** Number of tools a server is known to have, null while none was ever seen. */
  readonly toolsOf: (server: string) => number | null;
  /** Number of entries of a server that are renamed or not listed, since they belong to another one. */
  readonly collisionsOf: (server: string) => number;
  /** Entries of its lists that clients would refuse, or that are too long or too many. */
  readonly withheldOf: (server: string) => Withheld;
  /** What it tells that waits for a person. */
  readonly heldOf: (server: string) => readonly HeldDefinition[];
  /** With `exposeDiagnostics` errors and exits, already redacted, are told, too. */
  readonly policy: Pick<Policy, 'exposeDiagnostics' | 'autonomyLevel'>;
}

/** JSON text of the tool's result. */
export function healthText(view: HealthView): string {
  const health = {
    gateway: {
      version: view.version,
      session_id: view.sessionId,
      started_at: view.startedAt,
      owns_state_file: view.stateOwner,
      dropped_messages: view.droppedMessages,
    },
    policy: {
      halt_active: view.halt.active,
      halt_reason: view.halt.reason,
      autonomy_level: view.policy.autonomyLevel,
      asks_waiting: view.asksOpen,
      blocked: view.blocked,
    },
    downstreams: view.servers.map((server) => {
      const record = server.lastRecord;
      const routing = server.record;
      const withheld = view.withheldOf(server.config.name);
      return {
        name: server.config.name,
        phase: server.phase,
        connected: server.phase === 'ready',
        healthy: server.phase === 'ready' && routing.circuit_state === 'closed',
        circuit_state: routing.circuit_state,
        retry_at: routing.retry_at,
        restarts: record?.restarts ?? 0,
        next_restart_at: record?.next_restart_at ?? null,
        tools_count: view.toolsOf(server.config.name),
        protocol_version: record?.protocol_version ?? null,
        name_collisions: view.collisionsOf(server.config.name),
        withheld: withheld.count,
        withheld_why: withheld.why === '' ? null : withheld.why,
        ...heldBack(view.heldOf(server.config.name)),
        in_flight: routing.in_flight,
        queued: routing.queued,
        ...(view.policy.exposeDiagnostics
          ? { last_error: record?.last_error ?? null, last_exit: record?.last_exit ?? null }
          : {}),
      };
    }),
  };
  return JSON.stringify({ content: [{ type: 'text', text: JSON.stringify(health, null, 2) }] });
}

/** Counts and a command; a name may be the very text that is withheld. */
function heldBack(held: readonly HeldDefinition[]) {
  const [first] = held;
  return {
    definitions_withheld: held.length,
    definitions_remedy:
      first === undefined
        ? null
        : `${pinsCommand('diff', first.server, null)}; ${pinsCommand('accept', first.server, null)}`,
  };
}
