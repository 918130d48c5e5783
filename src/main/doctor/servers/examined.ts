/** What was seen of a server that was started once. Types only. */
import type { ServerConfig } from '../../../shared/model/config.ts';
import type { ListKind } from '../../../shared/model/lists.ts';
import type { SupervisorRecord } from '../../../shared/model/snapshot.ts';
import type { CatalogMessage } from '../../../shared/protocol/from-supervisor.ts';

export interface Examined {
  /** As it is configured: it was started with shorter limits. */
  readonly server: ServerConfig;
  /** When its trouble began, or when it was clear that there is none. */
  readonly record: SupervisorRecord;
  /** Its lists, as far as it has told them. */
  readonly lists: ReadonlyMap<ListKind, CatalogMessage>;
  /** From its start to the end of the handshake; null: there was no end. */
  readonly readyMs: number | null;
  /** It serves: it has told its lists, and has answered. */
  readonly serves: boolean;
  /** Of its process tree while it served, in MiB; null: not known. */
  readonly rssMb: number | null;
  /** Whether it exited by itself when its input ended; null: it was not asked. */
  readonly exitsOnEof: boolean | null;
  /** Of its stdout, that were no messages. */
  readonly noiseLines: number;
  /** After its end. */
  readonly leftRunning: SupervisorRecord['left_running'];
  /** How long it was waited for, when that was given up. */
  readonly unclearMs: number | null;
}
