/**
 * Data that threads are started with, their control ports, and the messages between main and the state
 * writer. Types only.
 */
import type { MessagePort } from 'node:worker_threads';
import type { GuardedPlaces } from '../model/guarded.ts';
import type { ProcessIdentity } from '../model/snapshot.ts';
import type { LogMessage } from './from-supervisor.ts';
import type { StarvationMessage, UsageMessage } from './usage.ts';

/** `workerData` of a supervisor thread. */
export interface SupervisorThreadData {
  readonly kind: 'supervisor';
  readonly callPort: MessagePort;
  readonly factsPort: MessagePort;
  readonly controlPort: MessagePort;
  /** Shared with main, see memory/vitals.ts. */
  readonly vitals: SharedArrayBuffer;
  /** Shared by all threads, see memory/byte-credit.ts. */
  readonly credit: SharedArrayBuffer;
  /** Shared by all threads, see memory/lookup-slots.ts. */
  readonly lookups: SharedArrayBuffer;
  /** Shared by all threads, see memory/known-places.ts. */
  readonly knownPlaces: SharedArrayBuffer;
  /** What no message of a client may name to a server's process. */
  readonly guarded: GuardedPlaces;
  /** Whether servers behind HTTP may run in it: only then the code for them is loaded. */
  readonly http: boolean;
  /** `run/<session_id>.groups`, appended synchronously after each spawn. */
  readonly groupsFile: string;
  /** Version string sent to servers in `clientInfo`. */
  readonly gatewayVersion: string;
}

/** Comlink contract of a supervisor thread's control port. */
export interface SupervisorControl {
  inspect(): { heapUsedBytes: number; slots: string[] };
  /** File URLs and paths of the modules that the thread has loaded. Slow: blocks the thread for some 10 ms. */
  modules(): string[];
}

/** `workerData` of the state-writer thread. Identity and nonce belong to the process: a replacement gets the same. */
export interface StateWriterData {
  readonly kind: 'state-writer';
  /** Absolute path of `.rea`. */
  readonly dir: string;
  readonly sessionId: string;
  /** ISO. */
  readonly startedAt: string;
  readonly identity: ProcessIdentity;
  readonly nonce: string;
  readonly gatewayVersion: string;
  readonly metricsPort: number | null;
  /** Names of the enabled servers in the order of the configuration. */
  readonly servers: readonly string[];
  readonly heartbeatMs: number;
  /** Int32Array(1) that main increments every 250 ms. */
  readonly mainBeats: SharedArrayBuffer;
  readonly controlPort: MessagePort;
  /** First value of `seq` minus one; a replacement goes on from the file instead. */
  readonly seq: number;
}

/** A new source of facts. */
export interface AttachSource {
  readonly type: 'attach';
  readonly port: MessagePort;
}

export type ToStateWriter = AttachSource;

/** State writer → main, on parentPort. */
export type FromStateWriter =
  | { readonly type: 'ownership'; readonly owner: boolean; readonly detail: string }
  | UsageMessage
  | StarvationMessage
  | LogMessage;

/** Comlink contract of the state writer's control port. */
export interface StateWriterControl {
  /** Writes pending changes. Resolves when they are on the disk, or with the error's text. */
  flush(): string | null;
  /** Writes a last time, then removes state file, pid file and lock if they are ours. No write follows. */
  close(): void;
  inspect(): { owner: boolean; seq: number; heapUsedBytes: number };
}
