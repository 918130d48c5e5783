/**
 * What supervisors and main tell the state writer, each on a port of its own.
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

/** What one server has told of late, for `catalog.json`; with another fingerprint nothing earlier counts. */
export interface CatalogFact {
  readonly type: 'catalog';
  readonly server: string;
  readonly fingerprint: string;
  /** Null: nothing new. */
  readonly profile: ServerProfile | null;
  /** Raw text of each entry of the lists that are new; null for one that is too large to be remembered. */
  readonly lists: Readonly<Partial<Record<ListKind, readonly string[] | null>>>;
}

/** The URIs that servers keep although others list them, too, for `catalog.json`; all of one kind. */
export interface HeldFact {
  readonly type: 'held';
  readonly kind: UriKind;
  readonly held: readonly HeldUri[];
}

/** Everything main owns. */
export interface MainFact {
  readonly type: 'main';
  readonly rev: number;
  /** By lane, in the order in which they are shown. */
  readonly servers: Readonly<Record<string, LaneRecord>>;
  readonly sessions: number;
  readonly halt: StateSnapshot['halt'];
  readonly endpoint: StateSnapshot['endpoint'];
  readonly loopLagMs: number;
  readonly priority: StateSnapshot['priority'];
  readonly reload: StateSnapshot['reload'];
}

export type Fact = SupervisorFact | CatalogFact | HeldFact | MainFact;
