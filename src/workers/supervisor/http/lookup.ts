/**
 * Looks names up, each one once at a time. A look-up may hang for longer than a connection is waited for, and all
 * threads of the process share a few that do it: tries in quick succession must not pile up there.
 */
import type { LookupFunction } from 'node:net';

type Answer = Parameters<LookupFunction>[2];

/** @param resolve `dns.lookup`. */
export function sharing(resolve: LookupFunction): LookupFunction {
  const waiting = new Map<string, Answer[]>();
  return (name, options, answer) => {
    const key = JSON.stringify([name, options]);
    const others = waiting.get(key);
    if (others !== undefined) {
      others.push(answer);
      return;
    }
    const all = [answer];
    waiting.set(key, all);
    resolve(name, options, (...found) => {
      waiting.delete(key);
      for (const one of all) one(...found);
    });
  };
}
