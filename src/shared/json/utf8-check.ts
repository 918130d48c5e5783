/**
 * Checks UTF-8 that arrives in pieces, as in RFC 3629: no overlong forms, no surrogates, nothing above
 * U+10FFFF. Keeps at most one unfinished sequence; never keeps the pieces.
 */
import { isUtf8 } from 'node:buffer';

export class Utf8Check {
  /** The bytes of a sequence cut by the end of the last piece. */
  readonly #carry = new Uint8Array(4);
  #have = 0;
  #need = 0;

  reset(): void {
    this.#have = 0;
  }

  /** True while a sequence is unfinished. */
  get pending(): boolean {
    return this.#have > 0;
  }

  /** Checks the first `length` bytes of the next piece. False: the text is not UTF-8, whatever follows. */
  push(piece: Uint8Array, length: number): boolean {
    let from = 0;
    if (this.#have > 0) {
      while (from < length && this.#have < this.#need) {
        const byte = piece[from++]!;
        if ((byte & 0xc0) !== 0x80) return false;
        this.#carry[this.#have++] = byte;
      }
      if (this.#have < this.#need) return true;
      this.#have = 0;
      if (!isUtf8(this.#carry.subarray(0, this.#need))) return false;
    }
    const to = this.#cut(piece, from, length);
    if (to <= from) return true;
    return isUtf8(from === 0 && to === piece.length ? piece : piece.subarray(from, to));
  }

  /** Puts an unfinished last sequence aside and returns where it starts. */
  #cut(piece: Uint8Array, from: number, to: number): number {
    if (to <= from || piece[to - 1]! < 0x80) return to;
    let lead = to - 1;
    while (lead > from && lead > to - 3 && (piece[lead]! & 0xc0) === 0x80) lead--;
    const need = lengthFromLead(piece[lead]!);
    if (lead + need <= to) return to;
    this.#carry.set(piece.subarray(lead, to));
    this.#have = to - lead;
    this.#need = need;
    return lead;
  }
}

function lengthFromLead(byte: number): number {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}
