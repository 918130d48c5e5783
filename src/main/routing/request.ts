/**
 * A client's request while it is on its way, as the rooms of routing hand it to each other.
 */
import type { Frame } from '../../shared/json/frame.ts';
import type { Call } from '../calls/call.ts';
import { Session } from '../clients/session.ts';

/** A client's request that is not on its way to one server. */
export interface Withdrawable {
  readonly idText: string;
  /** Its client cancelled it. */
  withdraw(): void;
}

/** A client's request on its way to a server. */
export interface ServerRequest {
  readonly session: Session;
  readonly frame: Frame;
  readonly method: string;
  readonly idRaw: Uint8Array;
  readonly idText: string;
  /** Monotonic time at which waiting for a server's list ends, null while it has not begun. */
  readonly listDeadline: number | null;
}

/** What is done besides passing the answer on. */
export type Hooks = Pick<Call, 'onEnd' | 'lapsed' | 'elsewhere' | 'tasks' | 'onTasks' | 'patient'>;

export const NO_HOOKS: Hooks = {
  onEnd: null,
  lapsed: null,
  elsewhere: null,
  tasks: null,
  onTasks: null,
  patient: false,
};
