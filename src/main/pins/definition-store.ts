/**
 * The definitions of `pins.json` that this gateway goes by: what the file says, and what it has found out since and not
 * written yet. Writes a moment later, all at once; without a state directory it keeps them for this run.
 */
import { DEFINITION_KINDS, type ServerForms } from '../../shared/machines/drift.ts';
import { NO_PINS, type Pins } from '../../shared/model/pins.ts';
import type { ChangedDefinitions } from '../../shared/model/snapshot.ts';
import { type FirstSet, formsIn, type News, withNews, withServer } from './definition-forms.ts';
import { updatePins } from './pins-file.ts';
import { identityOf, pinsPath, readPins } from './read-pins.ts';

export interface DefinitionStoreOptions {
  /** Null: there is none. */
  readonly stateDir: string | null;
  readonly warn: (line: string) => void;
}

const SAVE_MS = 50;
/** A large file is written less often: that costs main time. */
const MS_PER_MIB = 200;
const AGAIN_MS = 5000;
/** Changes that become old are looked for so often. */
const CHANGES_MS = 60_000;
/** What waits to be written while the file cannot be. */
const MOST_UNSAVED = 50_000;

export class DefinitionStore {
  readonly #options: DefinitionStoreOptions;
  #pins: Pins = NO_PINS;
  readonly #forms = new Map<string, ServerForms>();
  /** Null: has to be looked for. */
  #changes: { readonly from: number; readonly list: readonly ChangedDefinitions[] } | null = null;
  #unsaved: (News | FirstSet)[] = [];
  #seen: string | null = null;
  /** Size of the file when it was looked at last. */
  #mib = 0;
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<boolean> | null = null;
  #warned: string | null = null;

  constructor(options: DefinitionStoreOptions) {
    this.#options = options;
    this.look();
  }

  formsOf(server: string): ServerForms {
    const known = this.#forms.get(server);
    if (known !== undefined) return known;
    const unsaved = this.#unsaved.filter((one) => one.server === server);
    const forms = withNews(formsIn(this.#pins, server), unsaved, new Date().toISOString());
    this.#forms.set(server, forms);
    return forms;
  }

  add(server: string, news: readonly (News | FirstSet)[]): void {
    if (news.length === 0) return;
    const forms = withNews(this.formsOf(server), news, new Date().toISOString());
    this.#forms.set(server, forms);
    this.#changes = null;
    if (this.#options.stateDir === null) return;
    this.#unsaved = [...this.#unsaved, ...news].slice(-MOST_UNSAVED);
    this.#soon(this.#saveMs);
  }

  /** Looks whether somebody else has written the file. @returns true: it says something else now. */
  look(): boolean {
    const { stateDir } = this.#options;
    if (stateDir === null) return false;
    const { id, bytes } = identityOf(stateDir);
    if (id === this.#seen) return false;
    this.#seen = id;
    this.#mib = bytes / 1_048_576;
    const read = readPins(stateDir);
    if (read.kind === 'damaged') {
      this.#warn(`${pinsPath(stateDir)} ${read.why}; the definitions known so far stay in force`);
      return false;
    }
    this.#take(read.kind === 'pins' ? read.pins : NO_PINS);
    return true;
  }

  /** What came after the first ones and is pinned without a person, by server and kind. @param from epoch, ms. */
  changed(from: number): readonly ChangedDefinitions[] {
    const known = this.#changes;
    if (known !== null && from - known.from < CHANGES_MS) return known.list;
    const list = changesOf(this.#all(), new Date(from).toISOString());
    this.#changes = { from, list };
    return list;
  }

  /** Hashes of all pins and of all forms that wait. */
  names(): ReadonlySet<string> {
    const hashes = Object.values(this.#pins.definitions ?? {}).flatMap((kinds) =>
      Object.values(kinds).flatMap((forms) => forms.map(({ hash }) => hash)),
    );
    return new Set([
      ...hashes,
      ...this.#unsaved.flatMap((one) => (one.key === null ? [] : one.form.hash)),
    ]);
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#saving;
    if (this.#unsaved.length > 0) await this.#save();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  get #saveMs(): number {
    return Math.max(SAVE_MS, this.#mib * MS_PER_MIB);
  }

  #soon(ms: number): void {
    if (this.#timer !== null || this.#saving !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#saving = this.#save();
      void this.#saving.then((saved) => {
        this.#saving = null;
        if (this.#unsaved.length > 0) this.#soon(saved ? this.#saveMs : AGAIN_MS);
      });
    }, ms).unref();
  }

  /** @returns false: it will have to be tried again. */
  async #save(): Promise<boolean> {
    const { stateDir } = this.#options;
    if (stateDir === null) return true;
    const news = this.#unsaved;
    const at = new Date().toISOString();
    const updated = await updatePins(stateDir, (pins) => changed(pins, news, at));
    if (!updated.ok) {
      this.#warn(updated.error);
      return false;
    }
    const saved = new Set(news);
    this.#unsaved = this.#unsaved.filter((one) => !saved.has(one));
    this.#warned = null;
    const { pins, from, to } = updated;
    this.#take(pins);
    // What others have written meanwhile is left to `look`, which says so.
    if (from.id === this.#seen) {
      this.#seen = to.id;
      this.#mib = to.bytes / 1_048_576;
    }
    return true;
  }

  /** Of every server that is known. */
  #all(): Map<string, ServerForms> {
    const servers = [...Object.keys(this.#pins.definitions ?? {}), ...this.#forms.keys()];
    return new Map(servers.map((server) => [server, this.formsOf(server)]));
  }

  #take(pins: Pins): void {
    this.#pins = pins;
    this.#changes = null;
    this.#forms.clear();
  }

  /** Once for each trouble. */
  #warn(line: string): void {
    if (this.#warned === line) return;
    this.#warned = line;
    this.#options.warn(line);
  }
}

function changed(pins: Pins, news: readonly (News | FirstSet)[], at: string): Pins {
  let all = pins;
  for (const server of new Set(news.map((one) => one.server))) {
    const own = news.filter((one) => one.server === server);
    all = withServer(all, server, withNews(formsIn(all, server), own, at));
  }
  return all;
}

/** The newest first. */
function changesOf(
  all: ReadonlyMap<string, ServerForms>,
  from: string,
): readonly ChangedDefinitions[] {
  const found: ChangedDefinitions[] = [];
  for (const [server, forms] of all) {
    for (const kind of DEFINITION_KINDS) {
      let [count, since] = [0, ''];
      for (const [key, those] of forms) {
        if (!key.startsWith(`${kind}/`)) continue;
        const changed = those.filter((one) => one.after !== undefined && one.held === undefined);
        const [last] = changed.slice(-1);
        if (last === undefined || last.at < from) continue;
        count += 1;
        if (last.at > since) since = last.at;
      }
      if (count > 0) found.push({ server, kind, count, since });
    }
  }
  return found.sort((one, other) => (one.since < other.since ? 1 : -1));
}
