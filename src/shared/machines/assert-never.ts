/** The default case of exhaustive `switch` statements: the compiler accepts it only if no case is left. */

/** Throws for a value that its type does not allow. */
export function assertNever(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`);
}
