/**
 * What records of calls name again and again, told to the audit writer once and then by a number: what is
 * called, who calls, how calls end. Nobody can make it keep ever more.
 */
import type { ErrorCode } from '../../shared/model/errors.ts';
import type { Tier } from '../../shared/model/tier.ts';
import {
  type ClientItem,
  type KnownItem,
  MOST_KNOWN,
  type SubjectItem,
  type WordItem,
} from '../../shared/protocol/audit.ts';
import type { Call, CallOwner } from '../calls/call.ts';
import type { Subject } from '../calls/gate/subject.ts';
import type { CallOutcome } from '../calls/observer.ts';

/** Beyond that subjects are told anew. */
const MOST_SUBJECTS = 20_000;
/** Clients that a new thread is told of at once. */
const MOST_CLIENTS = 1000;
/** Of one owner. */
const MOST_NAMES = 64;
const NO_NAME = 'a client';
/** A client is told again when so many others were told since: those that stay must not be forgotten for those that come. */
const TOLD_SINCE = MOST_KNOWN / 4;

interface KnownClient {
  readonly item: ClientItem;
  /** The number of its last telling. */
  told: number;
}

/** @param all what is known, for a thread that knows nothing yet. */
export type Introduce = (item: KnownItem, all: () => readonly KnownItem[]) => void;

export class NamedItems {
  readonly #introduce: Introduce;
  #subjects = new Map<string, SubjectItem>();
  /** The same by the definition of their tool: no text is put together for each call. */
  #ofTools = new WeakMap<NonNullable<Subject['tool']>, SubjectItem>();
  /** By their names: several clients may come with one token. */
  readonly #clients = new WeakMap<CallOwner, Map<string, KnownClient>>();
  #clientItems: ClientItem[] = [];
  readonly #words = new Map<string, WordItem>();
  #lastSubject = 0;
  #lastClient = 0;
  /** How often a client was told. */
  #tellings = 0;
  /** What was told before that one the present thread does not know. */
  #knownFrom = 0;

  constructor(introduce: Introduce) {
    this.#introduce = introduce;
  }

  subject({ subject, method }: Pick<Call, 'subject' | 'method'>, server: string, tier: Tier) {
    const tool = subject?.tool ?? null;
    const last = tool === null ? undefined : this.#ofTools.get(tool);
    if (last?.tier === tier && last.method === method && last.server === server) return last.id;
    const name = subject?.name ?? null;
    const key = `${server}\n${tier}\n${method}\n${name ?? ''}`;
    const item =
      this.#subjects.get(key) ?? this.#newSubject(key, { server, tool: name, method, tier });
    if (tool !== null) this.#ofTools.set(tool, item);
    return item.id;
  }

  /** @param name of the client of one request; null: it has not introduced itself. */
  client(owner: CallOwner, name: string | null): number {
    const named = name ?? NO_NAME;
    const its = this.#clients.get(owner) ?? new Map<string, KnownClient>();
    const known = its.get(named);
    if (known !== undefined) {
      const isForgotten = known.told < this.#knownFrom || this.#tellings - known.told > TOLD_SINCE;
      if (isForgotten) known.told = this.#tellClient(known.item);
      return known.item.id;
    }
    this.#lastClient += 1;
    const id = this.#lastClient;
    const item: ClientItem = { type: 'client', id, name: `${named} #${id}` };
    // Under other numbers from then on.
    if (its.size >= MOST_NAMES) its.clear();
    its.set(named, { item, told: this.#tellClient(item) });
    this.#clients.set(owner, its);
    return id;
  }

  /** @returns the number of this telling. */
  #tellClient(item: ClientItem): number {
    this.#tellings += 1;
    // A new thread is told of others when they call again.
    this.#clientItems = [...this.#clientItems.slice(1 - MOST_CLIENTS), item];
    this.#tell(item);
    return this.#tellings;
  }

  word(word: CallOutcome | ErrorCode): number {
    const known = this.#words.get(word);
    if (known !== undefined) return known.id;
    const item: WordItem = { type: 'word', id: this.#words.size + 1, word };
    this.#words.set(word, item);
    this.#tell(item);
    return item.id;
  }

  #newSubject(key: string, of: Omit<SubjectItem, 'type' | 'id'>): SubjectItem {
    if (this.#subjects.size >= MOST_SUBJECTS) {
      this.#subjects = new Map();
      this.#ofTools = new WeakMap();
    }
    this.#lastSubject += 1;
    const { server, tool, method, tier } = of;
    const item: SubjectItem = {
      type: 'subject',
      id: this.#lastSubject,
      server,
      tool,
      method,
      tier,
    };
    this.#subjects.set(key, item);
    this.#tell(item);
    return item;
  }

  #tell(item: KnownItem): void {
    this.#introduce(item, () => this.#all());
  }

  #all(): KnownItem[] {
    this.#knownFrom = this.#tellings - this.#clientItems.length + 1;
    return [...this.#words.values(), ...this.#subjects.values(), ...this.#clientItems];
  }
}
