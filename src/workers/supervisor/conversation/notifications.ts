/**
 * The way of a server's notifications to main: bounded in size and rate, so that a chatty server costs main
 * little. Reads nothing of a message except its log level. Owned by the conversation; holds the timer of its
 * reports.
 */
import { decodeString, type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { firstMember } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import type { Concern } from '../../../shared/model/mcp.ts';
import type {
  NotificationMessage,
  ProgressMessage,
} from '../../../shared/protocol/from-supervisor.ts';
import { type Rate, TokenBucket } from '../limits/token-bucket.ts';
import { ProgressPacer } from './progress-pacer.ts';

/** Longer notifications are dropped: nobody reads a log message or a progress of this size. */
const MAX_BYTES = 1024 * 1024;
const MAX_LEVEL_BYTES = 64;
/** For log messages of the server, for its other notifications, and for the progress of each call. */
const LOG_RATE: Rate = { perSecond: 200, burst: 200 };
const OTHER_RATE: Rate = { perSecond: 200, burst: 500 };
const PROGRESS_RATE: Rate = { perSecond: 50, burst: 100 };
/** How log messages begin as SDKs write them. */
const LOG_BEGINNINGS = [
  '{"method":"notifications/message",',
  '{"jsonrpc":"2.0","method":"notifications/message",',
].map((text) => Buffer.from(text));
const ID_KEY = Buffer.from('"id"');
/** Drops are reported together, this long after the first of them. */
const REPORT_MS = 5000;

export interface NotificationsOptions {
  readonly slot: number;
  readonly incarnation: number;
  /** `message.line` owns its whole ArrayBuffer and may be transferred. */
  readonly send: (message: NotificationMessage | ProgressMessage) => void;
  readonly onDropped: (dropped: DroppedNotifications) => void;
}

/** Counts since the last report. */
export interface DroppedNotifications {
  /** Over the rate. */
  readonly tooMany: number;
  /** Over the size. */
  readonly tooLarge: number;
}

export class Notifications {
  readonly #options: NotificationsOptions;
  readonly #logs = new TokenBucket(LOG_RATE, performance.now());
  readonly #others = new TokenBucket(OTHER_RATE, performance.now());
  readonly #progress: ProgressPacer<ProgressMessage>;
  /** Whether the newest log message was over the rate. */
  #loud = false;
  readonly #dropped = { tooMany: 0, tooLarge: 0 };
  #reportTimer: NodeJS.Timeout | null = null;

  constructor(options: NotificationsOptions) {
    this.#options = options;
    this.#progress = new ProgressPacer<ProgressMessage>({
      rate: PROGRESS_RATE,
      send: options.send,
      now: () => performance.now(),
    });
  }

  /**
   * Whether a line is a log message over the rate, which then counts as dropped: during a flood lines are not
   * even scanned. Never true for a line that may be a request.
   */
  passesOver(line: Uint8Array): boolean {
    if (!this.#loud) return false;
    const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
    if (!LOG_BEGINNINGS.some((text) => text.equals(bytes.subarray(0, text.length)))) return false;
    if (bytes.includes(ID_KEY)) return false;
    this.#loud = this.#logs.waitMs(performance.now()) > 0;
    if (this.#loud) this.#drop('tooMany');
    return this.#loud;
  }

  /** A notification other than progress. */
  pass(frame: Frame, method: string, concerns: Concern): void {
    const { slot, incarnation, send } = this.#options;
    const { line } = frame;
    if (line.length > MAX_BYTES) return this.#drop('tooLarge');
    const now = performance.now();
    const isLog = method === 'notifications/message';
    const passes = (isLog ? this.#logs : this.#others).take(now);
    if (isLog) this.#loud = !passes;
    if (!passes) return this.#drop('tooMany');
    const level = levelOf(frame);
    send({ type: 'notification', slot, incarnation, method, level, concerns, line });
  }

  /** A `notifications/progress` of a call in flight. @param token range of the call's token. */
  progress(call: number, line: Uint8Array, token: ByteRange): void {
    const { slot, incarnation } = this.#options;
    if (line.length <= MAX_BYTES) {
      const message = { type: 'progress', slot, incarnation, call, line, token } as const;
      return this.#progress.push(call, message);
    }
    this.#drop('tooLarge');
  }

  /** The outcome of a call follows: sends the progress that is held back. */
  finish(call: number): void {
    this.#progress.finish(call);
  }

  /** The call was cancelled. */
  forget(call: number): void {
    this.#progress.forget(call);
  }

  /** Reports drops that were not yet reported. */
  close(): void {
    this.#progress.close();
    this.#report();
  }

  #drop(why: keyof DroppedNotifications): void {
    this.#dropped[why] += 1;
    this.#reportTimer ??= setTimeout(() => this.#report(), REPORT_MS);
  }

  #report(): void {
    if (this.#reportTimer === null) return;
    clearTimeout(this.#reportTimer);
    this.#reportTimer = null;
    this.#options.onDropped({ ...this.#dropped });
    this.#dropped.tooMany = 0;
    this.#dropped.tooLarge = 0;
  }
}

/** The level of a log message; null when it has none or one that cannot be valid. */
function levelOf(frame: Frame): string | null {
  const params = rangeOf(frame, SLOT.params);
  const at = params === null ? null : firstMember(frame.line, params, 'level');
  if (at === null || at[1] - at[0] > MAX_LEVEL_BYTES) return null;
  return decodeString(frame.line, at);
}
