/** Bounds what is said about an event: texts, lists and nesting of a record that somebody else may have filled. */

const MAX_NAME = 256;
const MAX_TEXT = 300;
/** Facts, elements of a list, and levels of nesting. */
const MAX_FACTS = 32;
const MAX_DEPTH = 3;

/** @param clean cuts a text and takes secrets out of it. */
export function boundedFacts(
  facts: Readonly<Record<string, unknown>>,
  clean: (text: string, max: number) => string,
): Record<string, unknown> {
  const bounded = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return clean(value, MAX_TEXT);
    if (typeof value !== 'object' || value === null) return value;
    if (depth > MAX_DEPTH) return '…';
    if (Array.isArray(value)) {
      return value.slice(0, MAX_FACTS).map((one) => bounded(one, depth + 1));
    }
    const entries = Object.entries(value).slice(0, MAX_FACTS);
    return Object.fromEntries(
      entries.map(([key, one]) => [clean(key, MAX_NAME), bounded(one, depth + 1)]),
    );
  };
  return bounded(facts, 0) as Record<string, unknown>;
}
