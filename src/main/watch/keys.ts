/** Keys as `node:readline` tells of them → keys as the watch knows them. Pure. */
import { cleanForTerminal, PLACEHOLDER } from '../../shared/text/clean-text.ts';

export type Key =
  | PlainKey
  | { readonly name: 'quit' }
  | { readonly name: 'suspend' }
  | { readonly name: 'redraw' };

/** A key whose meaning depends on what is shown. */
export type PlainKey =
  | { readonly name: 'text'; readonly text: string }
  | { readonly name: (typeof NAMED)[number] };

type Control = Exclude<Key, PlainKey>['name'];

/** The second argument of a `keypress` event. */
export interface Keypress {
  readonly name?: string | undefined;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
}

const NAMED = [
  'up',
  'down',
  'pageup',
  'pagedown',
  'home',
  'end',
  'return',
  'escape',
  'backspace',
] as const;
const CONTROLS: Readonly<Record<string, Control>> = {
  c: 'quit',
  z: 'suspend',
  l: 'redraw',
};

/** @param typed what the key stands for; undefined: nothing. @returns null for a key that means nothing here. */
export function keyOf(typed: string | undefined, key: Keypress): Key | null {
  const { name = '' } = key;
  if (key.ctrl === true) {
    const control = CONTROLS[name];
    return control === undefined ? null : { name: control };
  }
  // Some keyboards send this one for Enter.
  const known = NAMED.find((one) => one === (name === 'enter' ? 'return' : name));
  if (known !== undefined) return { name: known };
  if (key.meta === true || typed === undefined || typed === '') return null;
  const text = cleanForTerminal(typed);
  return text.includes(PLACEHOLDER) ? null : { name: 'text', text };
}
