/**
 * The options of a server, and the interface of the thread that it runs in.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import type { ThreadRecord } from '../../shared/model/snapshot.ts';
import type { Audit } from '../calls/audit.ts';
import type { ServerLink } from '../calls/backend.ts';
import type { CallOwner } from '../calls/call.ts';
import type { CallTable } from '../calls/call-table.ts';
import type { Halt } from '../calls/gate/halt.ts';
import type { Rates } from '../calls/gate/rate.ts';
import type { Observer } from '../calls/observer.ts';
import type { Logger } from '../logger.ts';

/** The thread that a server runs in. */
export interface ServerThread extends ServerLink {
  readonly threadRecord: ThreadRecord;
  /** Starts the server if it is idle. */
  wake(): void;
}

/** Uses of a server other than calls. */
export interface ServerUses<S> {
  /** True when a client relies on it without a call: subscriptions, open requests of the server's own. */
  reliesOn(server: S): boolean;
  /** True when a task is at work there, or has ended and its result is still to be fetched. */
  hasTasks(server: S): boolean;
}

export interface ServerOptions<S> {
  readonly config: ServerConfig;
  /** The one client that it serves; null: all of them. */
  readonly owner: CallOwner | null;
  readonly thread: ServerThread;
  readonly calls: CallTable;
  readonly uses: ServerUses<S>;
  readonly log: Logger;
  readonly observer: Observer;
  readonly audit: Audit;
  readonly halted: () => Halt;
  readonly rates: Rates;
  /** A call waits for it to start. */
  readonly onAwaited: () => void;
  /** Something in `record` changed. */
  readonly onChange: () => void;
}
