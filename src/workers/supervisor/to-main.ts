/**
 * The way of one incarnation's messages to main. A line goes with its buffer, uncopied, and counts as sent
 * until main has dealt with it. Owned by one incarnation.
 */
import type {
  CallFailedMessage,
  FromSupervisor,
  LogMessage,
} from '../../shared/protocol/from-supervisor.ts';
import type { ReadThrottle } from './limits/read-throttle.ts';

/** Posts one message to main, with the buffers that go with it. */
export type Post = (message: FromSupervisor, transfer: ArrayBuffer[]) => void;
/** Logs one line about this server. */
export type Log = (level: LogMessage['level'], text: string, fields: LogMessage['fields']) => void;

/** A message with a line that owns its whole ArrayBuffer. */
type LineMessage = Extract<FromSupervisor, { readonly line: Uint8Array }>;

export interface ToMainOptions {
  readonly slot: number;
  readonly incarnation: number;
  readonly throttle: ReadThrottle;
  readonly post: Post;
}

export class ToMain {
  readonly slot: number;
  readonly incarnation: number;
  readonly #throttle: ReadThrottle;
  readonly #post: Post;

  constructor({ slot, incarnation, throttle, post }: ToMainOptions) {
    this.slot = slot;
    this.incarnation = incarnation;
    this.#throttle = throttle;
    this.#post = post;
  }

  /** Its line is main's afterwards. */
  line(message: LineMessage): void {
    this.#throttle.sent(message.line.length);
    this.#post(message, [message.line.buffer as ArrayBuffer]);
  }

  callFailed(failed: Pick<CallFailedMessage, 'call' | 'code' | 'outcome' | 'message'>): void {
    const { slot, incarnation } = this;
    this.#post({ type: 'call_failed', slot, incarnation, ...failed }, []);
  }
}
