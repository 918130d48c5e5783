/** The servers as routing sees them: which server serves which client. The fleet implements it. */
import type { CallOwner } from '../calls/call.ts';
import type { Server } from './server.ts';

export interface Servers {
  /** The names of all configured servers, in the order of the configuration. */
  readonly names: readonly string[];
  /** Every server that there is now. */
  all(): readonly Server[];
  /** The servers that serve this client: the shared ones, and its own. */
  of(client: CallOwner): readonly Server[];
  /**
   * The one that serves this client of a configured server; null when each client has its own and all
   * there may be are taken by others.
   */
  serving(server: string, client: CallOwner): Server | null;
}
