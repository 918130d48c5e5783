/**
 * Facts that supervisors and main send to the state writer, each on its own port. Types only.
 */
import type { ListKind, UriKind } from '../model/lists.ts';
import type { HeldUri } from '../model/remembered.ts';
import type { ServerProfile } from '../model/server.ts';
import type { LaneRecord, StateSnapshot, SupervisorRecord } from '../model/snapshot.ts';

/** The whole record of one supervisor. `generation` counts its threads; the newest wins. */
export interface SupervisorFact {
  readonly type: 'supervisor';
  readonly server: string;
  readonly generation: number;
  readonly incarnation: number;
  readonly rev: number;
  readonly record: SupervisorRecord;
}

/** News of one server, for `catalog.json`. A new fingerprint makes all earlier news invalid. */
export interface CatalogFact {
  readonly type: 'catalog';
  readonly server: string;
  readonly fingerprint: string;
  /** Null: nothing new. */
  readonly profile: ServerProfile | null;
  /** Raw text of each entry of the new lists; null for a list that is too large to be remembered. */
  readonly lists: Readonly<Partial<Record<ListKind, readonly string[] | null>>>;
  /** Why it got a thread of its own; null: nothing new. */
  readonly heldUp: string | null;
}

/** All URIs of one kind that servers keep although others list them, too; for `catalog.json`. */
export interface HeldFact {
  readonly type: 'held';
  readonly kind: UriKind;
  readonly held: readonly HeldUri[];
}

/** All facts that main owns. */
export interface MainFact {
  readonly type: 'main';
  readonly rev: number;
  /** By lane, in the order in which they are shown. */
  readonly servers: Readonly<Record<string, LaneRecord>>;
  readonly sessions: number;
  readonly clients: StateSnapshot['clients'];
  readonly disabled: StateSnapshot['disabled'];
  readonly leftOut: StateSnapshot['left_out'];
  readonly halt: StateSnapshot['halt'];
  readonly endpoint: StateSnapshot['endpoint'];
  readonly loopLagMs: number;
  readonly priority: StateSnapshot['priority'];
  readonly reload: StateSnapshot['reload'];
  readonly audit: StateSnapshot['audit'];
  readonly definitions: StateSnapshot['definitions'];
}

export type Fact = SupervisorFact | CatalogFact | HeldFact | MainFact;
