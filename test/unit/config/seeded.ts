/** Tools of the seeded generator: a random source, places inside a value, and the loop. */

export interface Mutation {
  readonly text: string;
  /** What was done, for the message of a failed test. */
  readonly what: string;
  /** The key whose line has to be named, when there is exactly one. */
  readonly key: string | null;
}

export type Json = Record<string, unknown> | unknown[];
export type Random = (below: number) => number;
export type Break = (random: Random) => Mutation | null;

export function generate(breaks: readonly Break[], count: number, seed: number): Mutation[] {
  const random = randomFrom(seed);
  const mutations: Mutation[] = [];
  for (let at = 0; mutations.length < count && at < 20 * count; at++) {
    const mutation = breaks[at % breaks.length]?.(random) ?? null;
    if (mutation !== null) mutations.push(mutation);
  }
  return mutations;
}

/** Mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export interface Place {
  readonly parent: Json;
  readonly key: string | number;
  readonly value: unknown;
  readonly path: readonly (string | number)[];
}

export function places(root: Json): Place[] {
  const found: Place[] = [];
  const walk = (parent: Json, path: readonly (string | number)[]) => {
    for (const [name, value] of Object.entries(parent)) {
      const key = Array.isArray(parent) ? Number(name) : name;
      found.push({ parent, key, value, path: [...path, key] });
      if (typeof value === 'object' && value !== null) walk(value as Json, [...path, key]);
    }
  };
  walk(root, []);
  return found;
}

export function set({ parent, key }: Place, value: unknown): void {
  (parent as Record<string | number, unknown>)[key] = value;
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)] as T;
}

export function mutation(text: string, what: string, { key, path }: Place): Mutation {
  return { text, what: `${what} at ${path.join('.')}`, key: typeof key === 'string' ? key : null };
}
