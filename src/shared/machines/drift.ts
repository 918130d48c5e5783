/**
 * What becomes of the definitions that a server tells: served because they are pinned, pinned because they are the
 * first of their kind or harmless, or withheld until a person accepts them. A pure machine over the pins of one
 * server; who judges definitions, keeps the file and lists the tools is not known here.
 */
import type { DefinitionKind } from '../model/findings.ts';
import { type DefinitionPin, MOST_DEFINITIONS, MOST_FORMS } from '../model/pins.ts';
import { sterner, type Tier } from '../model/tier.ts';

export const DEFINITION_KINDS: readonly DefinitionKind[] = [
  'tool',
  'prompt',
  'template',
  'instructions',
];

/** `review`: only what is suspicious is withheld. `withhold`: every change is. `off`: nothing is compared. */
export const DEFINITION_MODES = ['off', 'review', 'withhold'] as const;

export type DefinitionMode = (typeof DEFINITION_MODES)[number];

/**
 * Why a definition is withheld: `findings` hard ones, `unjudged` nobody could judge it, `tier` the tool asks for less
 * caution than before, `names` it names tools of another server, `changed` every change is withheld.
 */
export const HELD_REASONS = ['findings', 'unjudged', 'tier', 'names', 'changed'] as const;

export type HeldReason = (typeof HELD_REASONS)[number];

/** One form of a definition in the file. Members beyond those of the file are there where they say something. */
export interface Form extends DefinitionPin {
  /** sha256 of the text that is remembered for the next start. */
  readonly remembered?: string;
  /** Of a tool: what it might do when it was told last. */
  readonly tier?: Tier;
  /** It is no pin: it waits for a person. */
  readonly held?: HeldReason;
  /** It is a pin because it came first; nobody has judged it, and no person has accepted it. */
  readonly unjudged?: true;
  /** It came after the first ones, and no person has accepted it; the hash of the form before, or `new`. */
  readonly after?: string;
}

/** By `<kind>/<name>`; `<kind>` alone: the first set of this kind is pinned. */
export type ServerForms = ReadonlyMap<string, readonly Form[]>;

/** A definition as it is told. */
export interface Told {
  /** Key of its forms. */
  readonly key: string;
  readonly hash: string;
  readonly remembered: string | null;
  /** What it may do as a tool by the present rules; null: it is none, or a person has said what its tier is. */
  readonly tier: Tier | null;
}

/** What was found out about one whose hash is not known. */
export interface Facts {
  /** Names of the rules that it breaks; null: nobody could judge it. */
  readonly rules: readonly string[] | null;
  /** One of them is near no false alarm. */
  readonly hard: boolean;
  /** It names tools of another server, which its earlier forms did not. */
  readonly namesOthers: boolean;
}

export type Place =
  | { readonly kind: 'served' }
  | { readonly kind: 'held' }
  /** It has to be judged. */
  | { readonly kind: 'unknown' };

/** Forms of one definition where there are very many definitions. */
const FEWEST_FORMS = 2;
/** Forms that wait for a person, of one definition. */
const MOST_HELD = 4;
const MARK = '-';
/** Characters of a name in a key; longer ones are told apart by a hash. */
const LONGEST_NAME = 900;

/** @param longName a short name in place of a long one. */
export function keyOf(
  kind: DefinitionKind,
  name: string,
  longName: (name: string) => string,
): string {
  return `${kind}/${name.length > LONGEST_NAME ? longName(name) : name}`;
}

/** Whether a first set of this kind is pinned: what is told from now on is a change. */
export function isPinned(forms: ServerForms, kind: DefinitionKind): boolean {
  return forms.has(kind);
}

/** Where a definition stands before anybody judges it. */
export function placeOf(mode: DefinitionMode, forms: ServerForms, { key, hash }: Told): Place {
  const form = forms.get(key)?.find((one) => one.hash === hash);
  if (form === undefined) return { kind: 'unknown' };
  if (form.held === undefined) return { kind: 'served' };
  // What waited for other reasons than its own is judged again.
  const again = form.held === 'unjudged' || (form.held === 'changed' && mode === 'review');
  return again ? { kind: 'unknown' } : { kind: 'held' };
}

/**
 * The form in the file of a definition that was not known.
 *
 * @param at ISO.
 * @param isFirst it is of the first set of its kind.
 */
export function settle(
  mode: DefinitionMode,
  forms: ServerForms,
  told: Told,
  facts: Facts,
  { at, isFirst }: { readonly at: string; readonly isFirst: boolean },
): Form {
  const { key, hash, remembered, tier } = told;
  const before = pinned(forms.get(key) ?? []);
  const isUnjudged = isFirst && facts.rules === null;
  const held = isFirst ? heldAtFirst(facts) : heldAsChange(mode, before, told, facts);
  return {
    hash,
    at,
    ...(facts.rules === null ? {} : { verdict: facts.rules }),
    ...(remembered === null ? {} : { remembered }),
    ...(tier === null ? {} : { tier }),
    ...(held === null ? {} : { held }),
    ...(isUnjudged ? { unjudged: true as const } : {}),
    ...(isFirst ? {} : { after: before.at(-1)?.hash ?? 'new' }),
  };
}

/** Nobody need be asked because a judge is away: what comes first is trusted until it is judged. */
function heldAtFirst({ hard }: Facts): HeldReason | null {
  return hard ? 'findings' : null;
}

function heldAsChange(
  mode: DefinitionMode,
  before: readonly Form[],
  { tier }: Told,
  { rules, hard, namesOthers }: Facts,
): HeldReason | null {
  if (hard) return 'findings';
  if (isLower(tier, before)) return 'tier';
  if (namesOthers) return 'names';
  if (mode === 'withhold') return 'changed';
  return rules === null ? 'unjudged' : null;
}

/** Lower than every form that is pinned. */
function isLower(tier: Tier | null, before: readonly Form[]): boolean {
  const tiers = before.flatMap(({ tier: one }) => one ?? []);
  if (tier === null || tiers.length === 0) return false;
  return tiers.every((one) => one !== tier && sterner(one, tier) === one);
}

/** The forms with these, and the mark of the kind. Those of a definition are bounded: the oldest go. */
export function withForms(
  forms: ServerForms,
  kind: DefinitionKind,
  news: readonly { readonly key: string; readonly form: Form }[],
  at: string,
): ServerForms {
  const all = new Map(forms);
  if (!all.has(kind)) all.set(kind, [{ hash: MARK, at }]);
  const most = Math.max(
    FEWEST_FORMS,
    Math.min(MOST_FORMS, Math.floor(MOST_DEFINITIONS / all.size)),
  );
  for (const { key, form } of news) {
    // Last: of too many names those that were touched longest ago go.
    const before = all.get(key) ?? [];
    all.delete(key);
    all.set(key, bounded([...before.filter(({ hash }) => hash !== form.hash), form], most));
  }
  const told = new Set(news.map(({ key }) => key));
  for (const [key, own] of all) {
    if (all.size <= MOST_DEFINITIONS) break;
    // What is withheld stays so, and what has just been told is not what was touched longest ago.
    const isHeld = own.some(({ held }) => held !== undefined);
    if (key.includes('/') && !told.has(key) && !isHeld) all.delete(key);
  }
  for (const key of all.keys()) {
    if (all.size <= MOST_DEFINITIONS) break;
    if (key.includes('/')) all.delete(key);
  }
  return all;
}

/** Forms of one definition that were changed by several: the newest word on each hash holds. */
export function bounded(forms: readonly Form[], most = MOST_FORMS): readonly Form[] {
  const held = forms.filter((one) => one.held !== undefined).slice(-Math.min(MOST_HELD, most - 1));
  const kept = pinned(forms).slice(-(most - held.length));
  return forms.filter((one) => held.includes(one) || kept.includes(one));
}

/** What a person accepts: the form with this hash, which waits, is a pin then. */
export function accept(forms: readonly Form[], at: string, hash: string): readonly Form[] {
  return forms.map((form) => {
    if (form.held === undefined || form.hash !== hash) return form;
    const { held: _held, after: _after, ...rest } = form;
    return { ...rest, at };
  });
}

/** A pin with what was told of it last; the same object when that is nothing new. */
export function refreshed(form: Form, { remembered, tier }: Told): Form {
  const isSame =
    (remembered === null || form.remembered === remembered) &&
    (tier === null || form.tier === tier);
  if (isSame) return form;
  return {
    ...form,
    ...(remembered === null ? {} : { remembered }),
    ...(tier === null ? {} : { tier }),
  };
}

export function pinned(forms: readonly Form[]): readonly Form[] {
  return forms.filter(({ held }) => held === undefined);
}
