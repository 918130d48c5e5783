/**
 * The inner loop of the JSON scanner: a state machine over bytes for the grammar of RFC 8259, with its
 * place in a message. Fast because it is one switch over numbers with its state in locals. Owned by
 * json-scan.ts, which checks UTF-8 and keeps bytes beyond a chunk.
 */
import { KeyReader } from './scan-keys.ts';
import { ScalarReader } from './scan-scalars.ts';
import { DeepReader, EscapeReader, skipPlain } from './scan-strings.ts';
import { CONTEXT, CONTEXT_OF_SLOT, SCAN, SLOT_COUNT } from './scan-tables.ts';

const OBJECT = 1;
const TOP_OBJECT = CONTEXT.top * 2 + OBJECT;

const BEGIN = 0;
const VALUE = 1;
const VALUE_OR_END = 2;
const KEY = 3;
const KEY_OR_END = 4;
const COLON = 5;
const AFTER = 6;
const STRING = 7;
const KEY_STRING = 8;
const ESCAPE = 9;
const KEY_ESCAPE = 10;
const SCALAR = 11;
const END = 12;
const END_CR = 13;
const DEEP = 14;

export class ScanLoop {
  /** Start and end offset in the line for each slot, −1 when absent. */
  readonly ranges = new Int32Array(2 * SLOT_COUNT);
  /** One bit for each error met, numbered as in `SCAN`. */
  errors = 0;
  /** The structure is lost: later bytes mean nothing. */
  stopped = false;

  readonly #maxDepth: number;
  readonly #breaks: boolean;
  /** For each open container: twice its context, plus 1 for an object. */
  readonly #stack: Uint8Array;
  /** For each depth with slots: the slot of the value that comes next. */
  readonly #slotAt = new Int8Array(4);
  readonly #keys = new KeyReader();
  readonly #scalar = new ScalarReader();
  readonly #escape = new EscapeReader();
  readonly #deep = new DeepReader();
  #state = BEGIN;
  #depth = 0;

  /** @param breaks see `Scanner`. */
  constructor(maxDepth: number, breaks: boolean) {
    this.#maxDepth = maxDepth;
    this.#breaks = breaks;
    this.#stack = new Uint8Array(maxDepth + 2);
    this.reset();
  }

  reset(): void {
    this.ranges.fill(-1);
    this.errors = 0;
    this.stopped = false;
    this.#slotAt.fill(-1);
    this.#keys.reset();
    this.#state = BEGIN;
    this.#depth = 0;
  }

  /** True when the object is closed. */
  get complete(): boolean {
    return this.#state === END || this.#state === END_CR;
  }

  note(error: number): void {
    this.errors |= 1 << error;
  }

  /**
   * Scans one chunk whose first byte has the offset `base` in the line.
   *
   * @returns the number of bytes scanned; all of them unless it has stopped.
   */
  run(bytes: Uint8Array, base: number): number {
    const scanned = this.#run(bytes, base, bytes.length);
    this.#keys.keep(bytes, base);
    return scanned;
  }

  #run(bytes: Uint8Array, base: number, length: number): number {
    const stack = this.#stack;
    const slotAt = this.#slotAt;
    const ranges = this.ranges;
    let at = 0;
    let state = this.#state;
    let depth = this.#depth;
    let open = stack[depth]!;
    let byte = 0;
    let slot = 0;
    // Three cases try the next separator at once: that saves most turns of the loop.
    while (at < length) {
      switch (state) {
        case STRING:
        case KEY_STRING:
          at = skipPlain(bytes, at, length);
          if (at >= length) break;
          byte = bytes[at++]!;
          if (byte === 0x22) {
            if (state === STRING) {
              if (open > 1 && (slot = slotAt[depth]!) >= 0) ranges[2 * slot + 1] = base + at;
              state = AFTER;
              if (at < length && bytes[at] === 0x2c) {
                at++;
                state = (open & OBJECT) !== 0 ? KEY : VALUE;
              }
              break;
            }
            if (open > 1) slotAt[depth] = this.#endKey(bytes, base, at - 1, open >> 1);
            state = COLON;
            if (at < length && bytes[at] === 0x3a) {
              at++;
              state = VALUE;
            }
            break;
          }
          if (byte === 0x5c) {
            if (state === KEY_STRING) this.#keys.escaped();
            at = this.#escape.begin(bytes, at, length);
            if (at < 0) return this.#stop(~at);
            if (!this.#escape.done) state = state === STRING ? ESCAPE : KEY_ESCAPE;
            break;
          }
          if (byte !== 0x0d) return this.#stop(at - 1);
          this.note(SCAN.bareCr);
          break;
        case ESCAPE:
        case KEY_ESCAPE:
          at = this.#escape.read(bytes, at, length);
          if (at < 0) return this.#stop(~at);
          if (this.#escape.done) state = state === ESCAPE ? STRING : KEY_STRING;
          break;
        case AFTER:
          byte = bytes[at]!;
          if (byte === 0x2c) state = (open & OBJECT) !== 0 ? KEY : VALUE;
          else if (byte === ((open & OBJECT) !== 0 ? 0x7d : 0x5d)) {
            open = stack[--depth]!;
            if (depth === 0) state = END;
            else if (open > 1 && (slot = slotAt[depth]!) >= 0) ranges[2 * slot + 1] = base + at + 1;
          } else if (!this.#blank(bytes, at)) return this.#stop(at);
          at++;
          break;
        case KEY:
        case KEY_OR_END:
          byte = bytes[at]!;
          if (byte === 0x22) {
            state = KEY_STRING;
            if (open > 1) this.#keys.begin(base + at + 1);
          } else if (byte === 0x7d && state === KEY_OR_END) {
            state = AFTER;
            break;
          } else if (!this.#blank(bytes, at)) return this.#stop(at);
          at++;
          break;
        case COLON:
          byte = bytes[at]!;
          if (byte === 0x3a) state = VALUE;
          else if (!this.#blank(bytes, at)) return this.#stop(at);
          at++;
          break;
        case VALUE:
        case VALUE_OR_END:
          byte = bytes[at]!;
          if (byte <= 0x20) {
            if (!this.#blank(bytes, at)) return this.#stop(at);
            at++;
            break;
          }
          if (byte === 0x5d && state === VALUE_OR_END) {
            state = AFTER;
            break;
          }
          slot = open > 1 ? slotAt[depth]! : -1;
          if (slot >= 0) ranges[2 * slot] = base + at;
          if (byte === 0x22) {
            at++;
            state = STRING;
          } else if (byte === 0x7b || byte === 0x5b) {
            at++;
            if (depth >= this.#maxDepth) {
              this.note(SCAN.depth);
              this.#deep.begin();
              state = DEEP;
              break;
            }
            open = byte === 0x5b ? 0 : slot < 0 ? OBJECT : CONTEXT_OF_SLOT[slot]! * 2 + OBJECT;
            stack[++depth] = open;
            state = byte === 0x7b ? KEY_OR_END : VALUE_OR_END;
          } else {
            at = this.#scalar.begin(bytes, at, length);
            if (at < 0) return this.#stop(~at);
            if (slot >= 0 && at < length) ranges[2 * slot + 1] = base + at;
            state = at < length ? AFTER : SCALAR;
            if (at < length && bytes[at] === 0x2c) {
              at++;
              state = (open & OBJECT) !== 0 ? KEY : VALUE;
            }
          }
          break;
        case SCALAR:
          at = this.#scalar.read(bytes, at, length);
          if (at < 0) return this.#stop(~at);
          if (at >= length) break;
          if (open > 1 && (slot = slotAt[depth]!) >= 0) ranges[2 * slot + 1] = base + at;
          state = AFTER;
          break;
        case BEGIN:
          byte = bytes[at]!;
          if (byte === 0x7b) {
            depth = 1;
            open = TOP_OBJECT;
            stack[1] = open;
            state = KEY_OR_END;
          } else if (!this.#blank(bytes, at)) return this.#stop(at);
          at++;
          break;
        case END:
        case END_CR:
          if (state === END_CR) this.note(SCAN.bareCr);
          byte = bytes[at]!;
          if (this.#breaks) {
            if (!this.#blank(bytes, at)) return this.#stopBehind(at);
          } else if (byte !== 0x0d && byte !== 0x20 && byte !== 0x09) return this.#stopBehind(at);
          else state = byte === 0x0d ? END_CR : END;
          at++;
          break;
        default:
          at = this.#deep.read(bytes, at, length);
          if (this.#deep.done) state = AFTER;
      }
    }
    this.#state = state;
    this.#depth = depth;
    return at;
  }

  /** Something follows the closed object. */
  #stopBehind(at: number): number {
    this.#state = END;
    return this.#stop(at);
  }

  #stop(at: number): number {
    this.note(SCAN.syntax);
    this.stopped = true;
    return at;
  }

  /** @returns the slot of the value that comes next, or −1. */
  #endKey(bytes: Uint8Array, base: number, end: number, context: number): number {
    const slot = this.#keys.finish(bytes, base, end, context);
    if (slot >= -1) return slot;
    this.note(-slot);
    return -1;
  }

  /**
   * True for white space between tokens. A carriage return is white space, but also an error, unless breaks are
   * taken for spaces.
   */
  #blank(bytes: Uint8Array, at: number): boolean {
    const byte = bytes[at]!;
    if (byte === 0x20 || byte === 0x09) return true;
    if (this.#breaks && (byte === 0x0a || byte === 0x0d)) {
      bytes[at] = 0x20;
      return true;
    }
    if (byte !== 0x0d) return false;
    this.note(SCAN.bareCr);
    return true;
  }
}
