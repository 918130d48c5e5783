/**
 * The server as its supervisor thread sees it.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import type {
  FromSupervisor,
  LogMessage,
  SecretMessage,
} from '../../shared/protocol/from-supervisor.ts';
import type { OpenSlot } from '../../shared/protocol/to-supervisor.ts';

/** The values that a server is handed to a thread with. */
export type Opening = Pick<
  OpenSlot,
  | 'generation'
  | 'incarnation'
  | 'restarts'
  | 'lastExit'
  | 'lastError'
  | 'clientCapabilities'
  | 'formerSecrets'
>;

/** A server that runs in the thread, on the side of main. */
export interface Tenant {
  readonly config: ServerConfig;
  /** Its entry in the byte credit. */
  readonly creditLane: number;
  /** It is being stopped for good: a thread that is lost comes back without it. */
  readonly retired: boolean;
  /** The values it is handed to a thread with, made anew each time. */
  readonly opening: () => Opening;
  /** A thread runs and has been handed the server. */
  readonly onOpened: () => void;
  readonly onMessage: (message: Exclude<FromSupervisor, LogMessage | SecretMessage>) => void;
  /** Its process group was killed because the thread is lost. */
  readonly onKilled: (incarnation: number) => void;
  /**
   * The thread is lost and its children have been killed, or it could not be started; nothing posted
   * to it will be answered. It is handed to the next one in `restartInMs`, unless it is retired:
   * then the thread knows it no longer.
   */
  readonly onLost: (state: 'stalled' | 'crashed', detail: string, restartInMs: number) => void;
  /** It took most of the time of a thread that others use, for long; why, in words. */
  readonly onTooBusy: (detail: string) => void;
  /** It was at work when a thread was lost that others use: the thread knows it no longer. */
  readonly onEvicted: (restartInMs: number) => void;
}
