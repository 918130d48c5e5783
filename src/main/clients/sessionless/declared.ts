/** What requests say that their client can do. Most say the same as the one before, which is not read again. */
import type { Frame } from '../../../shared/json/frame.ts';
import { LastText } from '../../../shared/json/last-text.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { canOf, hasCapability, TAKES_TASKS } from '../../../shared/model/client-can.ts';
import { isObject } from '../../../shared/model/is-object.ts';
import { TASKS_EXTENSION } from '../../../shared/model/task-handles.ts';
import { controlValue } from '../control-messages.ts';
import type { Declared } from './routed.ts';

interface Known extends Declared {
  readonly capabilities: object;
}

export class DeclaredCapabilities {
  readonly #last = new LastText<Known>();

  /** @param at range of the capabilities, an object. Those that are too large count as none. */
  of(frame: Frame, at: ByteRange): Known {
    const text = frame.line.subarray(at[0], at[1]);
    const known = this.#last.find(text);
    if (known !== null) return known;
    const value = controlValue(frame, at);
    return this.#last.keep(text, knownFrom(isObject(value) ? value : {}));
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
