/** The line of `rea status` about servers that some clients do not see. Pure. */
import type { Line } from './paint.ts';
import { shown } from './words.ts';

const MOST = 5;
const LONGEST = 64;

/** @param names of servers that have an instance for each client. */
export function leftOutLines(names: readonly string[], isDead: boolean): Line[] {
  if (isDead || names.length === 0) return [];
  const first = names.slice(0, MOST).map((name) => shown(name, LONGEST));
  const more = names.length > MOST ? ` and ${names.length - MOST} more` : '';
  const what = `not seen by HTTP clients without a session: ${first.join(', ')}${more}`;
  const why = 'one process for each client, and these clients have no token of their own';
  return [
    {
      text: `${what} (${why}) → give each client a line of its own in a --token-file`,
      tone: 'warn',
    },
  ];
}
