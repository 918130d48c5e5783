/**
 * A client's request on its way through routing.
 */
import type { Frame } from '../../shared/json/frame.ts';
import type { Client } from './client.ts';

export interface ServerRequest {
  readonly client: Client;
  readonly frame: Frame;
  readonly method: string;
  /** Raw JSON of its id, as bytes and as text. */
  readonly idRaw: Uint8Array;
  readonly idText: string;
  /** Monotonic time at which waiting for a server's list ends, null while it has not begun. */
  readonly listDeadline: number | null;
}
