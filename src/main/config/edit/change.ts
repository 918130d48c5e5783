/** A change of one entry of a configuration file, and what the file says after it. Pure. */
import { isObject } from '../../../shared/model/is-object.ts';
import type { Path } from '../problem.ts';

export type Change =
  /** A key of an entry; added if it is missing. */
  | { readonly kind: 'set'; readonly path: Path; readonly key: string; readonly value: boolean }
  /** A further entry: of a list at its end, of an object under `name`. `path`: of the list or object. */
  | {
      readonly kind: 'add';
      readonly path: Path;
      readonly name: string | null;
      readonly value: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'remove'; readonly path: Path };

/** The value of the whole document after the change; the one before stays as it is. Null: it does not fit. */
export function changed(document: unknown, change: Change): unknown {
  const whole: unknown = structuredClone(document ?? {});
  if (change.kind === 'remove') {
    const parent = inside(whole, change.path.slice(0, -1), false);
    const last = change.path.at(-1);
    if (Array.isArray(parent) && typeof last === 'number') parent.splice(last, 1);
    else if (isObject(parent) && last !== undefined)
      delete (parent as Record<string, unknown>)[last];
    else return null;
    return whole;
  }
  if (change.kind === 'set') {
    const entry = inside(whole, change.path, false);
    if (!isObject(entry)) return null;
    (entry as Record<string, unknown>)[change.key] = change.value;
    return whole;
  }
  const list = inside(whole, change.path, change.name === null ? [] : {});
  if (Array.isArray(list) && change.name === null) list.push(change.value);
  else if (isObject(list) && change.name !== null) {
    (list as Record<string, unknown>)[change.name] = change.value;
  } else return null;
  return whole;
}

/** @param missing put there when the last step leads nowhere; false: nothing is. */
function inside(value: unknown, path: Path, missing: object | false): unknown {
  let at = value;
  for (const [index, step] of path.entries()) {
    if (typeof at !== 'object' || at === null) return undefined;
    const members = at as Record<string | number, unknown>;
    const isLast = index === path.length - 1;
    if (isLast && missing !== false && (members[step] ?? null) === null) members[step] = missing;
    at = Object.hasOwn(members, step) ? members[step] : undefined;
  }
  return at;
}
