/** What was found on the disk and in the process table, before it is judged. Types only. */
import type { Liveness } from '../../shared/model/process-identity.ts';
import type { InstanceView } from '../processes/instance.ts';
import type { StateView } from './state-file.ts';

/** The state file as it was found. */
export type StateFile =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'read'; readonly view: StateView; readonly mtimeMs: number };

/** One `run/<session_id>.json`. */
export interface Instance extends Omit<InstanceView, 'identity' | 'sessionId' | 'halted'> {
  readonly sessionId: string;
  readonly pid: number | null;
  /** Null: it runs in another pid namespace and cannot be judged. */
  readonly alive: boolean | null;
  /** True when the state file names it. */
  readonly owner: boolean;
  /** What it shows of itself while another gateway owns the state file, or null. */
  readonly picture: StateView | null;
  /** Whether the last record of its audit log carries its own hash; null: it has none, or it is gone. */
  readonly auditTail: boolean | null;
}

export interface Evidence {
  /** Unix time in milliseconds at which all of this was true. */
  readonly now: number;
  readonly state: StateFile;
  /** Liveness of the process named by the state file or `serve.pid`; `none`: neither names one. */
  readonly owner: Liveness | 'none';
  /** The owner's pid as far as a file names one. */
  readonly pid: number | null;
  /** Milliseconds since the state file was written; null when it holds no time. */
  readonly ageMs: number | null;
  readonly instances: readonly Instance[];
  readonly haltActive: boolean;
}
