/** The definitions of `pins.json` as the machine of drift sees them, and back. Pure. */
import { createHash } from 'node:crypto';
import {
  type Form,
  HELD_REASONS,
  keyOf,
  type ServerForms,
  withForms,
} from '../../shared/machines/drift.ts';
import type { DefinitionKind } from '../../shared/model/findings.ts';
import { type DefinitionPin, ownOf, type Pins, withOwn } from '../../shared/model/pins.ts';
import { TIERS } from '../../shared/model/tier.ts';

/** A form that was found out about one definition. */
export interface News {
  readonly server: string;
  readonly kind: DefinitionKind;
  readonly key: string;
  readonly form: Form;
}

/** The first set of a kind, which may be empty. */
export interface FirstSet {
  readonly server: string;
  readonly kind: DefinitionKind;
  readonly key: null;
}

export const NO_FORMS: ServerForms = new Map();

/** Key of a definition in the file; a name too long for it is there as its hash. */
export function definitionKey(kind: DefinitionKind, name: string): string {
  return keyOf(kind, name, (long) => `sha256:${createHash('sha256').update(long).digest('hex')}`);
}

export function formsIn(pins: Pins, server: string): ServerForms {
  const definitions = ownOf(pins.definitions, server);
  if (definitions === null) return NO_FORMS;
  return new Map(Object.entries(definitions).map(([key, forms]) => [key, forms.map(formOf)]));
}

/** The pins with the forms of one server. */
export function withServer(pins: Pins, server: string, forms: ServerForms): Pins {
  const definitions = withOwn(pins.definitions, server, Object.fromEntries(forms));
  return { ...pins, definitions };
}

/**
 * The forms with what is new. What is pinned in the file stays a pin: a person may just have accepted it. What was
 * pinned unjudged nobody has accepted.
 */
export function withNews(
  forms: ServerForms,
  news: readonly (News | FirstSet)[],
  at: string,
): ServerForms {
  let all = forms;
  const kinds = new Set(news.map(({ kind }) => kind));
  for (const kind of kinds) {
    const own = news.flatMap((one) => (one.kind === kind && one.key !== null ? [one] : []));
    const kept = own.filter(({ key, form }) => {
      const before = all.get(key)?.find(({ hash }) => hash === form.hash);
      if (before === undefined || before.held !== undefined || before.unjudged === true)
        return true;
      return form.held === undefined && form.unjudged !== true;
    });
    all = withForms(all, kind, kept, at);
  }
  return all;
}

/** The file may say anything in members that its reader does not know. */
function formOf(pin: DefinitionPin): Form {
  const { remembered, tier, held, after, unjudged, ...known } = pin as DefinitionPin &
    Record<string, unknown>;
  const reason = HELD_REASONS.find((one) => one === held) ?? 'changed';
  const tierKnown = TIERS.find((one) => one === tier);
  return {
    ...known,
    ...(typeof remembered === 'string' ? { remembered } : {}),
    ...(tierKnown === undefined ? {} : { tier: tierKnown }),
    ...(held === undefined ? {} : { held: reason }),
    ...(unjudged === true ? { unjudged } : {}),
    ...(typeof after === 'string' ? { after } : {}),
  };
}
