/** What lanes are made of. Types only. */
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { Audit } from '../calls/audit.ts';
import type { CallOwner } from '../calls/call.ts';
import type { CallTable } from '../calls/call-table.ts';
import type { Halt } from '../calls/gate/halt.ts';
import type { Rates } from '../calls/gate/rate.ts';
import type { Observer } from '../calls/observer.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { Logger } from '../logger.ts';
import type { PriorityQueue } from '../processes/priority/priority-queue.ts';
import type { Placement } from '../threads/placement.ts';
import type { Offenders } from './offenders.ts';
import type { Server } from './server.ts';
import type { ServerUses } from './server-options.ts';

/** The parts that all lanes share. */
export interface LaneContext {
  readonly placement: Placement;
  readonly offenders: Offenders;
  readonly credit: ByteCredit;
  readonly calls: CallTable;
  readonly uses: ServerUses<Server>;
  readonly log: Logger;
  readonly observer: Observer;
  readonly audit: Audit;
  readonly priorities: PriorityQueue;
  readonly halted: () => Halt;
  readonly secrets: Pick<LogSecrets, 'former'>;
  readonly rates: Rates;
  /** A call waits for a server to start. */
  readonly onAwaited: () => void;
  readonly onChange: () => void;
}

/** The parts that differ from lane to lane. */
export interface LanePlace {
  readonly config: ServerConfig;
  /** The one client that it serves; null: all of them. */
  readonly owner: CallOwner | null;
  /** Its entry in the byte credit. */
  readonly creditLane: number;
  /** The highest that a lane of this name may have had before. */
  readonly generation: number;
}
