/** The end of every exhaustive `switch`: the compiler accepts it only where no case is left. */

/** Throws: a value arrived that its type does not allow. */
export function assertNever(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`);
}
