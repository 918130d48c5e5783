/** Long lists in few words: the first are shown and the rest is counted. Pure. */

/** So many of a list are shown. */
const SHOWN = 20;

/**
 * The first lines, and one that counts the others.
 *
 * @param what they are, as one of them.
 * @param advice follows where there are others.
 */
export function firstLines(lines: readonly string[], what: string, advice: string): string[] {
  const more = lines.length - SHOWN;
  if (more <= 0) return [...lines];
  return [...lines.slice(0, SHOWN), `and ${more} more ${what}${more === 1 ? '' : 's'}; ${advice}`];
}

/** The first names, and one entry that counts the others. */
export function firstNames(names: readonly string[]): string[] {
  const more = names.length - SHOWN;
  return more <= 0 ? [...names] : [...names.slice(0, SHOWN), `and ${more} more`];
}
