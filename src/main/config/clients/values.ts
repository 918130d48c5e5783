/** Values of a client's entry, as their writers mean them. Pure. */
import { isObject } from '../../../shared/model/is-object.ts';

/** `~` and `~/…` as a shell would read them. */
export function home(text: string): string {
  return text === '~' || text.startsWith('~/') ? `\${userHome}${text.slice(1)}` : text;
}

export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
    ? String(value)
    : null;
}

/** A mapping, or a list of `NAME=value`. */
export function pairsOf(value: unknown): [string, unknown][] | null {
  if (isObject(value)) return Object.entries(value);
  if (!Array.isArray(value)) return null;
  const pairs: [string, unknown][] = [];
  for (const one of value) {
    const at = typeof one === 'string' ? one.indexOf('=') : -1;
    if (at <= 0) return null;
    pairs.push([(one as string).slice(0, at), (one as string).slice(at + 1)]);
  }
  return pairs;
}

/** What it is, without showing it. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null || value === undefined) return 'empty';
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}
