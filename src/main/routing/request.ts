/**
 * A client's request on its way through routing.
 */
import type { Frame } from '../../shared/json/frame.ts';
import type { LogLevel } from '../../shared/model/log-levels.ts';
import type { AnswerForm } from '../calls/answer-form.ts';
import type { Client } from './client.ts';

export interface ServerRequest {
  readonly client: Client;
  /** As the client of this request has introduced itself, bounded; null: it has not. */
  readonly clientName: string | null;
  readonly frame: Frame;
  readonly method: string;
  /** Raw JSON of its id, for the answer. */
  readonly idRaw: Uint8Array;
  /** By which routing and its client know it; no other open request of the client has the same. */
  readonly idText: string;
  readonly form: AnswerForm;
  /** The least severe log messages of its server that it wants to hear; null: none besides those of its session. */
  readonly logLevel: LogLevel | null;
  /** Monotonic time at which waiting for a server's list ends, null while it has not begun. */
  readonly listDeadline: number | null;
}
