/** The servers as routing sees them: which server serves which client. The fleet implements it. */
import type { CallOwner } from '../calls/call.ts';
import type { Server } from './server.ts';

export interface Servers {
  /** Of all that are configured, in that order. */
  readonly names: readonly string[];
  /** Every server that there is now. */
  all(): readonly Server[];
  /** Those that serve this client: the shared ones, and its own. */
  of(client: CallOwner): readonly Server[];
  /**
   * The one that serves this client of a configured server; null when each client has its own and all
   * there may be are taken by others.
   */
  serving(server: string, client: CallOwner): Server | null;
}
