/**
 * The options of the fleet.
 */
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { KnownPlaces } from '../../shared/memory/known-places.ts';
import type { LookupSlots } from '../../shared/memory/lookup-slots.ts';
import type { RecordedGroup } from '../../shared/memory/vitals.ts';
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import type { Audit } from '../calls/audit.ts';
import type { CallTable } from '../calls/call-table.ts';
import type { Halt } from '../calls/gate/halt.ts';
import type { Observer } from '../calls/observer.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import type { DefinitionPins } from '../catalog/pins.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { Logger } from '../logger.ts';
import type { Logins } from '../logins/logins.ts';
import type { LauncherProcess } from '../processes/launcher-process.ts';
import type { PriorityQueue } from '../processes/priority/priority-queue.ts';
import type { StateWriterThread } from '../threads/state-writer-thread.ts';
import type { Offenders } from './offenders.ts';

export interface FleetOptions {
  readonly config: GatewayConfig;
  readonly calls: CallTable;
  readonly catalogs: Catalogs;
  readonly logins: Pick<Logins, 'serve'>;
  readonly definitions: DefinitionPins;
  /** Servers that start at the same time, at most. */
  readonly startLimit: number;
  /** No server starts before this resolves. */
  readonly startsAfter: Promise<void>;
  /** When servers were used last in an earlier run, in milliseconds since the epoch. */
  readonly usedBefore: ReadonlyMap<string, number>;
  readonly offenders: Offenders;
  readonly credit: ByteCredit;
  readonly lookups: LookupSlots;
  readonly knownPlaces: KnownPlaces;
  readonly guarded: GuardedPlaces;
  readonly groupsFile: string;
  readonly gatewayVersion: string;
  readonly log: Logger;
  readonly secrets: Pick<LogSecrets, 'learn' | 'former'>;
  readonly observer: Observer;
  readonly audit: Audit;
  readonly stateWriter: Pick<StateWriterThread, 'attach' | 'tell'>;
  readonly priorities: PriorityQueue;
  readonly launcher: Pick<LauncherProcess, 'address' | 'failed'>;
  readonly halted: () => Halt;
  /**
   * Resolves when it is gone, or does not end.
   *
   * @param lane whose group it is; null: it is not known, or its detached processes are left alone.
   */
  readonly endGroup: (group: RecordedGroup, lane: string | null) => Promise<void>;
  readonly onChange: () => void;
}
