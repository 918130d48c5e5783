/** What a client has declared that it can do. Pure. */

/** @param path the keys of nested objects, the last of which must be an object, too. */
export function hasCapability(capabilities: object, path: readonly string[]): boolean {
  let at: unknown = capabilities;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false;
    at = (at as Record<string, unknown>)[name];
  }
  return typeof at === 'object' && at !== null;
}
