/**
 * What an edit changes, for the person who has asked for it: rea's own entry as it is written, and of other servers
 * how they are started, with the names of their variables and headers and never a value. Pure.
 */
import type { EntryValue } from '../config/clients/known/client.ts';
import type { Change } from '../config/edit/change.ts';
import { formatPath } from '../config/problem.ts';
import { serverText, shortNames } from '../config/server-text.ts';
import type { Contents } from './plan.ts';

/**
 * `+ mcpServers.rea: {…}`, `~` for one that was there and what it was, `- mcpServers.github: npx -y … (env: TOKEN)`: one or
 * two lines for each change.
 *
 * @param entry of rea, as it is written anew; what an entry keeps beside it is only named.
 */
export function differenceLines(
  changes: readonly Change[],
  { own, others }: Contents,
  entry: EntryValue,
): string[] {
  const text = (path: Change['path']) => formatPath(path);
  return changes.flatMap((change) => {
    if (change.kind === 'set') return [];
    if (change.kind === 'remove') {
      const isAt = ({ path }: { readonly path: Change['path'] }) =>
        text(path) === text(change.path);
      const replaced = Object.keys(entry).length === 0 ? undefined : own.find(isAt)?.server;
      const server = others.find(isAt) ?? replaced;
      return [`- ${text(change.path)}${server === undefined ? '' : `: ${serverText(server)}`}`];
    }
    if (change.path[0] === 'inputs') return [`+ inputs: ${JSON.stringify(change.value)}`];
    const path = change.name === null ? change.path : [...change.path, change.name];
    const there = own.find((one) => text(one.path) === text(path));
    const kept = Object.keys(change.value).filter((key) => !Object.hasOwn(entry, key));
    const noted = kept.length === 0 ? '' : ` (kept: ${shortNames(kept)})`;
    const line = `${text(path)}: ${JSON.stringify(entry)}${noted}`;
    return there === undefined
      ? [`+ ${line}`]
      : [`~ ${line}`, `  before: ${serverText(there.server)}`];
  });
}
