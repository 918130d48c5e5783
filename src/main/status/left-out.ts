/** The line of `rea status` about servers that some clients do not see. Pure. */
import { firstNames } from '../config/first-of.ts';
import type { Line } from './paint.ts';
import { shown } from './words.ts';

const MOST = 5;
const LONGEST = 64;

/** @param names of servers that have an instance for each client. */
export function leftOutLines(names: readonly string[], isDead: boolean): Line[] {
  if (isDead || names.length === 0) return [];
  const first = firstNames(
    names.map((name) => shown(name, LONGEST)),
    MOST,
  );
  const what = `not seen by HTTP clients without a session: ${first.join(', ')}`;
  const why = 'one process for each client, and these clients have no token of their own';
  return [
    {
      text: `${what} (${why}) → give each client a line of its own in a --token-file`,
      tone: 'warn',
    },
  ];
}
