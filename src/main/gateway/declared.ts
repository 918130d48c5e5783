/** What the clients of a shared gateway have declared that they can do, taken together. */
import { isObject } from '../../shared/model/is-object.ts';

const MAX_UNITS = 64 * 1024;

export class Declared {
  readonly #of = new Map<object, object>();
  #told = '{}';

  /** @param capabilities as the client sent them. @returns JSON text of all together; null: nothing has changed. */
  set(client: object, capabilities: object): string | null {
    this.#of.set(client, capabilities);
    return this.#changed();
  }

  /** The client is gone. @returns as above. */
  delete(client: object): string | null {
    return this.#of.delete(client) ? this.#changed() : null;
  }

  #changed(): string | null {
    const all = [...this.#of.values()].reduce(union, {});
    const text = JSON.stringify(all);
    // Nobody declares that much; what was told before stays.
    if (text === this.#told || text.length > MAX_UNITS) return null;
    this.#told = text;
    return text;
  }
}

/** Members of both; where both have one, of objects again both, else the first one's. */
function union(one: object, other: object): object {
  const all: Record<string, unknown> = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const before = Object.hasOwn(all, key) ? all[key] : undefined;
    all[key] = isObject(before) && isObject(value) ? union(before, value) : (before ?? value);
  }
  return all;
}
