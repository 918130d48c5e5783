/** Shortens long lists: the first entries are shown and the others counted. Pure. */

/** Entries shown of a list. */
const SHOWN = 20;

/**
 * The first lines, and one that counts the others.
 *
 * @param what a noun for one of them.
 * @param advice put behind the count of the others.
 */
export function firstLines(lines: readonly string[], what: string, advice: string): string[] {
  const more = lines.length - SHOWN;
  if (more <= 0) return [...lines];
  return [...lines.slice(0, SHOWN), `and ${more} more ${what}${more === 1 ? '' : 's'}; ${advice}`];
}

/** The first names, and one entry that counts the others. */
export function firstNames(names: readonly string[], most = SHOWN): string[] {
  const more = names.length - most;
  return more <= 0 ? [...names] : [...names.slice(0, most), `and ${more} more`];
}
