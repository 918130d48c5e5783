/** Which client requests say that they are from. Most say the same as the one before, which is not read again. */
import type { Frame } from '../../../shared/json/frame.ts';
import { LastText } from '../../../shared/json/last-text.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import type { ClientRecord } from '../../../shared/model/snapshot.ts';
import { clientRecord, nameOf } from '../client-record.ts';
import { controlValue } from '../control-messages.ts';

export interface Named {
  /** Null: it has no name that could be shown. */
  readonly record: ClientRecord | null;
  /** In one line. */
  readonly name: string | null;
}

const NOBODY: Named = { record: null, name: null };

export class NamedClients {
  readonly #last = new LastText<Named>();

  /** @param at range of `clientInfo`; null: the request does not say. */
  of(frame: Frame, at: ByteRange | null): Named {
    if (at === null) return NOBODY;
    const text = frame.line.subarray(at[0], at[1]);
    const known = this.#last.find(text);
    if (known !== null) return known;
    const record = clientRecord(controlValue(frame, at));
    return this.#last.keep(text, { record, name: nameOf(record) });
  }
}
