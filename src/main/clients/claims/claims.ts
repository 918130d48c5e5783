/** The claims of requests that come one after the other. Most say the same as the one before, which is not read again. */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { LastText } from '../../../shared/json/last-text.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { NO_CLAIM, type Read, readClaim } from './claim.ts';

interface Known {
  readonly read: Read;
  readonly hasSession: boolean;
  /** Where in its message the text began. */
  readonly start: number;
}

export class Claims {
  readonly #last = new LastText<Known>();

  /** See `readClaim`. */
  of(frame: Frame, hasSession = false): Read {
    const meta = rangeOf(frame, SLOT.paramsMeta);
    if (meta === null) return NO_CLAIM;
    const [start, end] = meta;
    const text = frame.line.subarray(start, end);
    const known = this.#last.find(text);
    if (known !== null && known.hasSession === hasSession) {
      return start === known.start ? known.read : moved(known.read, start - known.start);
    }
    return this.#last.keep(text, { read: readClaim(frame, hasSession), hasSession, start }).read;
  }
}

/** The same claim, so many bytes further on. */
function moved(read: Read, by: number): Read {
  if (read.kind !== 'claim') return read;
  const { version, capabilities, clientInfo, logLevel } = read.claim;
  const claim = {
    version,
    capabilities: further(capabilities, by),
    clientInfo: clientInfo === null ? null : further(clientInfo, by),
    logLevel: logLevel === null ? null : further(logLevel, by),
  };
  return { kind: 'claim', claim };
}

function further([start, end]: ByteRange, by: number): ByteRange {
  return [start + by, end + by];
}
