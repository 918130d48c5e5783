/** Which client requests say that they are from. Most say the same as the one before, which is not read again. */
import type { Frame } from '../../../shared/json/frame.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import type { ClientRecord } from '../../../shared/model/snapshot.ts';
import { clientRecord, nameOf } from '../client-record.ts';
import { controlValue } from '../control-messages.ts';

/** Longer ones are read each time. */
const MAX_REMEMBERED = 4096;

export interface Named {
  /** Null: it has no name that could be shown. */
  readonly record: ClientRecord | null;
  /** In one line. */
  readonly name: string | null;
}

const NOBODY: Named = { record: null, name: null };

export class NamedClients {
  #text: Uint8Array = new Uint8Array(0);
  #known = NOBODY;

  /** @param at range of `clientInfo`; null: the request does not say. */
  of(frame: Frame, at: ByteRange | null): Named {
    if (at === null) return NOBODY;
    const text = frame.line.subarray(at[0], at[1]);
    if (Buffer.compare(text, this.#text) === 0) return this.#known;
    const record = clientRecord(controlValue(frame, at));
    const named = { record, name: nameOf(record) };
    if (text.length > MAX_REMEMBERED) return named;
    this.#text = text.slice();
    this.#known = named;
    return named;
  }
}
