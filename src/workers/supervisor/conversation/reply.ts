/** What became of a request of the gateway's own. Types only. */
import type { ByteRange } from '../../../shared/model/byte-range.ts';

export type Reply =
  | { readonly ok: true; readonly line: Uint8Array; readonly result: ByteRange }
  | {
      readonly ok: false;
      /** In words; the server's part of it is clipped, not redacted. */
      readonly problem: string;
      /** No answer came. */
      readonly lost?: true;
      /** Of the error that it answered with; null when that is no number of usual length. */
      readonly code?: number | null;
      /** The JSON-RPC error, where the server has sent one, and its range in the line. */
      readonly error?: { readonly line: Uint8Array; readonly at: ByteRange };
    };
