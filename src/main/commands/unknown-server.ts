/** What commands say of a name that no server of the configuration has. Pure. */
import { nearest } from '../config/problem.ts';

const MOST_NAMES = 20;
const MAX_NAME = 64;

/** @returns one line about the first name that no server has; null: all are known. */
export function unknownServer(asked: readonly string[], known: readonly string[]): string | null {
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown === undefined) return null;
  return `no server "${unknown.slice(0, MAX_NAME)}" is enabled in the configuration; ${hint(unknown, known)}`;
}

function hint(unknown: string, known: readonly string[]): string {
  const like = nearest(unknown, known);
  if (like !== null) return `did you mean "${like}"?`;
  return known.length === 0
    ? 'it has none'
    : `servers here: ${known.slice(0, MOST_NAMES).join(', ')}`;
}
