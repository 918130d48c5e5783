/** What requests say that their client can do. Most say the same as the one before, which is not read again. */
import type { Frame } from '../../../shared/json/frame.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { canOf, hasCapability, TAKES_TASKS } from '../../../shared/model/client-can.ts';
import { isObject } from '../../../shared/model/is-object.ts';
import { TASKS_EXTENSION } from '../../../shared/model/task-handles.ts';
import { controlValue } from '../control-messages.ts';
import type { Declared } from './routed.ts';

/** Longer ones are read each time. */
const MAX_REMEMBERED = 16 * 1024;

interface Known extends Declared {
  readonly capabilities: object;
}

export class DeclaredCapabilities {
  #text: Uint8Array = new Uint8Array(0);
  #known: Known = knownFrom({});

  /** @param at range of the capabilities, an object. Those that are too large count as none. */
  of(frame: Frame, at: ByteRange): Known {
    const text = frame.line.subarray(at[0], at[1]);
    if (Buffer.compare(text, this.#text) === 0) return this.#known;
    const value = controlValue(frame, at);
    const known = knownFrom(isObject(value) ? value : {});
    if (text.length > MAX_REMEMBERED) return known;
    this.#text = text.slice();
    this.#known = known;
    return known;
  }
}

function knownFrom(capabilities: object): Known {
  const takesTasks = hasCapability(capabilities, ['extensions', TASKS_EXTENSION]);
  return {
    capabilities,
    can: canOf(capabilities) | (takesTasks ? TAKES_TASKS : 0),
    supports: (...path) => hasCapability(capabilities, path),
  };
}
