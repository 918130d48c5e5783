/** The definitions that wait for a person, as commands find and accept them in the file. */
import {
  accept,
  DEFINITION_KINDS,
  type Form,
  pinned,
  type ServerForms,
} from '../../shared/machines/drift.ts';
import type { DefinitionKind } from '../../shared/model/findings.ts';
import type { Pins } from '../../shared/model/pins.ts';
import { definitionKey, formsIn, withServer } from './definition-forms.ts';
import { updatePins } from './pins-file.ts';

/** A form in the file that differs from what was pinned before it. */
export interface Difference {
  readonly server: string;
  readonly kind: DefinitionKind;
  /** "" of instructions. */
  readonly name: string;
  readonly form: Form;
  /** Hash of the form before; null: there was none. */
  readonly before: string | null;
}

/** A definition as a person types it: `read_file`, `prompt/ask`, `instructions`; `@` and a hash: only that form. */
const TYPED = /^(.*)@([0-9a-f]{8,64})$/s;

/** Those that wait. @param typed empty: all of the server. @returns the typed ones that do not wait as a string. */
export function waitingIn(
  pins: Pins,
  server: string,
  typed: readonly string[],
): (Difference | string)[] {
  const all = differencesIn(formsIn(pins, server), server).filter(
    ({ form }) => form.held !== undefined,
  );
  if (typed.length === 0) return all;
  return typed.flatMap((text): (Difference | string)[] => {
    const [, beginning = '', hash = ''] = TYPED.exec(text) ?? [];
    const whole = all.filter((one) => isTyped(one, text));
    const some = all.filter((one) => isTyped(one, beginning) && one.form.hash.startsWith(hash));
    const found = whole.length > 0 || hash === '' ? whole : some;
    return found.length === 0 ? [text] : found;
  });
}

/** Those that wait, and those that were pinned without a person since then. @param from ISO. */
export function lookable(
  pins: Pins,
  server: string,
  typed: readonly string[],
  from: string,
): Difference[] {
  return differencesIn(formsIn(pins, server), server).filter(
    (one) =>
      (one.form.held !== undefined || one.form.at >= from) &&
      (typed.length === 0 || typed.some((text) => isTyped(one, text))),
  );
}

/** Pins exactly these forms. */
export async function acceptWaiting(
  stateDir: string,
  wanted: readonly Difference[],
  at: string,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly error: string }> {
  return updatePins(stateDir, (pins) => {
    let all = pins;
    for (const { server, kind, name, form } of wanted) {
      const key = definitionKey(kind, name);
      const forms = formsIn(all, server);
      const before = forms.get(key);
      if (before === undefined) continue;
      const after = new Map(forms).set(key, accept(before, at, form.hash));
      all = withServer(all, server, after);
    }
    return all;
  });
}

function differencesIn(forms: ServerForms, server: string): Difference[] {
  return [...forms].flatMap(([key, those]) => {
    const at = key.indexOf('/');
    const kind = DEFINITION_KINDS.find((one) => one === key.slice(0, at));
    if (kind === undefined) return [];
    const name = key.slice(at + 1);
    return those.flatMap((form): Difference[] => {
      if (form.held === undefined && form.after === undefined) return [];
      const known = those.some(({ hash }) => hash === form.after);
      const before = known ? form.after : pinned(those).findLast((one) => one !== form)?.hash;
      return [{ server, kind, name, form, before: before ?? null }];
    });
  });
}

function isTyped({ kind, name }: Difference, text: string): boolean {
  if (kind === 'instructions') return text === 'instructions' || text === 'instructions/';
  if (`${kind}/${name}` === text) return true;
  if (kind === 'tool' && name === text) return true;
  // One that is in the file by its hash.
  const isLong = text.startsWith(`${kind}/`) && name.startsWith('sha256:');
  return isLong && definitionKey(kind, text.slice(kind.length + 1)) === `${kind}/${name}`;
}
