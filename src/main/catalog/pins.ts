/**
 * Compares what servers tell with the pins, before it is listed: what is pinned is served at once, the rest when it is
 * judged. What a person has to accept first is withheld, while all else of its server serves. Owns no file and judges
 * nothing itself; calls never wait for it.
 */
import {
  type DefinitionMode,
  type Facts,
  type Form,
  isPinned,
  placeOf,
  refreshed,
  settle,
  type Told,
} from '../../shared/machines/drift.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { DefinitionKind } from '../../shared/model/findings.ts';
import type { ListKind } from '../../shared/model/lists.ts';
import type { CatalogEntry, DefinitionHashes } from '../../shared/model/mcp.ts';
import type { ServerProfile } from '../../shared/model/server.ts';
import { definitionKey } from '../pins/definition-forms.ts';
import type { DefinitionStore } from '../pins/definition-store.ts';
import type { DefinitionTexts } from '../pins/definition-texts.ts';
import { heldLine, softRules } from '../pins/held-words.ts';
import { inTime, type Judge, type Verdicts, verdictOf } from '../pins/judge.ts';
import { type Standing, standingIn } from '../pins/standing.ts';
import type { Catalog } from './catalog.ts';
import { hold } from './held-definitions.ts';
import { namesOfOthers } from './names-of-others.ts';
import { ruleOf } from './tool-rule.ts';

/** Where definitions come from: one of the lanes of a server. */
export interface Teller {
  readonly config: ServerConfig;
}

/** A definition that is withheld now, or is listed with soft findings. */
export interface HeldDefinition {
  readonly server: string;
  readonly kind: DefinitionKind;
  readonly name: string;
  readonly form: Form;
}

/** What became of definitions that were not known. */
export interface Settled {
  readonly server: string;
  readonly kind: DefinitionKind;
  readonly isFirst: boolean;
  readonly news: readonly { readonly name: string; readonly form: Form }[];
}

export interface DefinitionPinsOptions {
  readonly mode: DefinitionMode;
  readonly store: DefinitionStore;
  readonly texts: Pick<DefinitionTexts, 'keep' | 'read'> | null;
  readonly judge: Judge;
  /** How long a list waits for its judge, milliseconds. @default 5000 */
  readonly waitMs?: number;
  readonly catalog: () => Pick<Catalog, 'toolsOf' | 'exposedTools' | 'names'>;
  readonly onSettled: (settled: Settled) => void;
  /** What is withheld of a server is another set now. */
  readonly onHeld: (server: string) => void;
  /** Something that was listed is withheld after all: `reconsider` is due for all that the server has told. */
  readonly onLate: (server: string) => void;
}

interface Item {
  readonly name: string;
  readonly told: Told;
  readonly json: Uint8Array;
  /** Null: of instructions. */
  readonly entry: CatalogEntry | null;
}

interface Offer {
  readonly teller: Teller;
  readonly kind: DefinitionKind;
  readonly items: readonly Item[];
  /** Lists what is not withheld. */
  readonly show: (held: readonly HeldDefinition[]) => void;
  /** Counts the times that it was looked at: only the last one counts. */
  turn: number;
  held: readonly HeldDefinition[];
  warned: readonly HeldDefinition[];
}

const KINDS: Readonly<Record<Exclude<ListKind, 'resources'>, DefinitionKind>> = {
  tools: 'tool',
  prompts: 'prompt',
  templates: 'template',
};

export class DefinitionPins {
  readonly #options: DefinitionPinsOptions;
  readonly #offers = new WeakMap<Teller, Map<DefinitionKind, Offer>>();
  #mode: DefinitionMode;
  #closed = false;

  constructor(options: DefinitionPinsOptions) {
    this.#options = options;
    this.#mode = options.mode;
  }

  get mode(): DefinitionMode {
    return this.#mode;
  }

  setMode(mode: DefinitionMode): void {
    this.#mode = mode;
  }

  /** What is not judged by now is judged at the next start. */
  close(): void {
    this.#closed = true;
  }

  /** A list that a server has told. @param show lists it; called again whenever what is withheld has changed. */
  list(
    teller: Teller,
    list: ListKind,
    entries: readonly CatalogEntry[],
    hashes: readonly DefinitionHashes[],
    show: () => void,
  ): void {
    if (list === 'resources') return show();
    const kind = KINDS[list];
    const items = entries.map((entry, at): Item => {
      const known = hashes[at];
      if (known === undefined) throw new Error(`a list of ${list} without all of its hashes`);
      const { key: name, json } = entry;
      const tier = kind === 'tool' ? tierNow(entry, teller.config) : null;
      return { name, json, entry, told: { ...known, key: definitionKey(kind, name), tier } };
    });
    this.#offer(teller, kind, items, show);
  }

  /** What a server says of itself. @param show tells it to clients, with its instructions or without. */
  introduced(
    teller: Teller,
    profile: ServerProfile,
    hashes: DefinitionHashes | null,
    show: (profile: ServerProfile) => void,
  ): void {
    const kind = 'instructions';
    const without = { ...profile, instructions: '' };
    if (hashes === null) return this.#offer(teller, kind, [], () => show(profile));
    const told = { ...hashes, key: definitionKey(kind, ''), tier: null };
    const json = Buffer.from(JSON.stringify(profile.instructions));
    const items = [{ name: '', json, entry: null, told }];
    // The rest of it is needed at once.
    if (this.#unknown({ teller, items }).length > 0) show(without);
    this.#offer(teller, kind, items, (held) => show(held.length > 0 ? without : profile));
  }

  /** Whether a text that is remembered from an earlier run is that of a pinned definition, or of a withheld one. */
  standing(server: string, kind: DefinitionKind, name: string, text: string): Standing {
    if (this.#mode === 'off') return 'pinned';
    return standingIn(this.#options.store.formsOf(server), kind, name, text);
  }

  /** Pins, or the policy, have changed: everything that the server has told is looked at again. */
  reconsider(teller: Teller): void {
    for (const offer of this.#offers.get(teller)?.values() ?? []) this.#look(offer);
  }

  /** What is withheld of what these have told. */
  held(tellers: readonly Teller[]): HeldDefinition[] {
    return this.#each(tellers, 'held');
  }

  /** What is listed of what these have told, although it has soft findings. */
  warned(tellers: readonly Teller[]): HeldDefinition[] {
    return this.#each(tellers, 'warned');
  }

  #each(tellers: readonly Teller[], which: 'held' | 'warned'): HeldDefinition[] {
    const found = new Map<string, HeldDefinition>();
    for (const teller of tellers) {
      for (const offer of this.#offers.get(teller)?.values() ?? []) {
        for (const one of offer[which]) found.set(`${one.server} ${one.kind} ${one.name}`, one);
      }
    }
    return [...found.values()];
  }

  #offer(teller: Teller, kind: DefinitionKind, items: readonly Item[], show: Offer['show']): void {
    const offers = this.#offers.get(teller) ?? new Map<DefinitionKind, Offer>();
    this.#offers.set(teller, offers);
    const before = offers.get(kind);
    // Nothing that is found out about the one before may be shown any more.
    if (before !== undefined) before.turn = -1;
    const offer = { teller, kind, items, show, turn: 0, held: before?.held ?? [], warned: [] };
    offers.set(kind, offer);
    this.#look(offer);
    if (before === undefined) this.#judgeAgain(offer);
  }

  /** What an earlier run has pinned unjudged is listed, and judged now. */
  #judgeAgain(offer: Offer): void {
    const { teller, items, turn } = offer;
    if (this.#isOff(teller)) return;
    const forms = this.#options.store.formsOf(teller.config.name);
    const unjudged = items.filter(({ told: { key, hash } }) =>
      forms.get(key)?.some((form) => form.hash === hash && form.unjudged === true),
    );
    if (unjudged.length > 0) void this.#judge(offer, unjudged, true, turn);
  }

  #isOff({ config }: Teller): boolean {
    return this.#mode === 'off' || config.pin === 'off';
  }

  #unknown({ teller, items }: Pick<Offer, 'teller' | 'items'>): Item[] {
    if (this.#isOff(teller)) return [];
    const forms = this.#options.store.formsOf(teller.config.name);
    return items.filter(({ told }) => placeOf(this.#mode, forms, told).kind === 'unknown');
  }

  #look(offer: Offer): void {
    const { teller, kind } = offer;
    offer.turn += 1;
    if (this.#isOff(teller)) return this.#show(offer);
    const { store } = this.#options;
    const { name: server } = teller.config;
    const unknown = this.#unknown(offer);
    const isFirst = !isPinned(store.formsOf(server), kind);
    if (unknown.length > 0) {
      void this.#judge(offer, unknown, isFirst, offer.turn);
      return;
    }
    if (isFirst) store.add(server, [{ server, kind, key: null }]);
    this.#refresh(offer);
    this.#show(offer);
  }

  async #judge(
    offer: Offer,
    unknown: readonly Item[],
    isFirst: boolean,
    turn: number,
  ): Promise<void> {
    const { judge, waitMs } = this.#options;
    const { teller, kind } = offer;
    const { name: server } = teller.config;
    const items = unknown.map(({ name, told: { hash }, json }) => {
      return { server, kind, name, hash, json };
    });
    const asked = judge.judge(items).catch(() => items.map(() => null));
    const found = await inTime(asked, waitMs);
    const others = isFirst ? [] : await namesOfOthers(this.#options, server, unknown);
    const settled = (verdicts: Verdicts | null) => {
      if (this.#closed) return;
      const wasListed = this.#settle(offer, unknown, isFirst, (at) => ({
        ...verdictOf(verdicts?.[at] ?? null),
        namesOthers: others[at] === true,
      }));
      // Also by other lanes, and in a newer list.
      if (wasListed) return this.#options.onLate(server);
      if (offer.turn !== turn) return;
      this.#refresh(offer);
      this.#show(offer);
    };
    settled(found);
    // What has waited for that long is withheld until it is judged after all; what came first is listed until then.
    if (found === null) settled(await asked);
  }

  /** @param facts what was found out about each of these. @returns true: one is withheld that was listed. */
  #settle(
    { teller, kind }: Offer,
    unknown: readonly Item[],
    isFirst: boolean,
    facts: (index: number) => Facts,
  ): boolean {
    const { onSettled, store, texts } = this.#options;
    const { name: server } = teller.config;
    const at = new Date().toISOString();
    const forms = store.formsOf(server);
    const news = unknown.flatMap(({ name, told }, index) => {
      const before = forms.get(told.key)?.find(({ hash }) => hash === told.hash);
      const isUnjudged = before?.unjudged === true;
      const found = facts(index);
      // A person was quicker, or nobody knows more than before.
      if (before?.held === undefined && before !== undefined && !isUnjudged) return [];
      if (isUnjudged && found.rules === null) return [];
      const form = settle(this.#mode, forms, told, found, { at, isFirst: isFirst || isUnjudged });
      const isSame = before !== undefined && before.held === form.held;
      return [{ server, kind, key: told.key, name, form, isSame, isUnjudged }];
    });
    for (const { told, json } of unknown) texts?.keep(told.hash, json);
    store.add(server, news);
    const told = news.filter(({ form, isSame, isUnjudged }) => {
      if (isUnjudged && form.held === undefined) return softRules(form).length > 0;
      return form.held === undefined || !isSame;
    });
    if (told.length > 0) onSettled({ server, kind, isFirst, news: told });
    return news.some(({ form, isUnjudged }) => isUnjudged && form.held !== undefined);
  }

  /** Keeps with the pins what was told of them last. */
  #refresh({ teller, kind, items }: Offer): void {
    const { store } = this.#options;
    const { name: server } = teller.config;
    const forms = store.formsOf(server);
    const news = items.flatMap(({ told }) => {
      const form = forms.get(told.key)?.find((one) => one.hash === told.hash);
      const now = form === undefined ? undefined : refreshed(form, told);
      return now === undefined || now === form ? [] : [{ server, kind, key: told.key, form: now }];
    });
    store.add(server, news);
  }

  #show(offer: Offer): void {
    const { teller, kind, items } = offer;
    const { name: server } = teller.config;
    const forms = this.#isOff(teller) ? null : this.#options.store.formsOf(server);
    const held: HeldDefinition[] = [];
    const warned: HeldDefinition[] = [];
    for (const { name, told, entry } of items) {
      const known = forms?.get(told.key)?.find((one) => one.hash === told.hash);
      // Of a server that lists more than is kept, what is not known any more may have been withheld.
      const form = known ?? (forms === null ? undefined : forgotten(told.hash));
      const isHeld = form?.held !== undefined;
      if (isHeld) held.push({ server, kind, name, form });
      else if (form !== undefined && softRules(form).length > 0) {
        warned.push({ server, kind, name, form });
      }
      if (entry !== null) hold(entry, isHeld ? heldLine(server, kind, name, form) : null);
    }
    const before = offer.held;
    offer.held = held;
    offer.warned = warned;
    offer.show(held);
    if (textOf(before) !== textOf(held)) this.#options.onHeld(server);
  }
}

function forgotten(hash: string): Form {
  return { hash, at: new Date(0).toISOString(), held: 'unjudged' };
}

/** Null: a person has said what it is, so that no change of the tool can lower it. */
function tierNow(tool: CatalogEntry, config: ServerConfig): Told['tier'] {
  const { tier } = ruleOf(tool, config);
  return tier.source === 'override' ? null : tier.tier;
}

function textOf(held: readonly HeldDefinition[]): string {
  return held.map(({ name, form }) => `${name} ${form.hash} ${form.held}`).join('\n');
}
