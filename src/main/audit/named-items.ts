/**
 * What records of calls name again and again, told to the audit writer once and then by a number: what is
 * called, who calls, how calls end. Nobody can make it keep ever more.
 */
import type { ErrorCode } from '../../shared/model/errors.ts';
import type { Tier } from '../../shared/model/tier.ts';
import type { ClientItem, KnownItem, SubjectItem, WordItem } from '../../shared/protocol/audit.ts';
import type { Call, CallOwner } from '../calls/call.ts';
import type { Subject } from '../calls/gate/subject.ts';
import type { CallOutcome } from '../calls/observer.ts';

/** Beyond that subjects are told anew. */
const MOST_SUBJECTS = 20_000;
/** Clients that a new thread is told of. */
const MOST_CLIENTS = 1000;

/** @param all what is known, for a thread that knows nothing yet. */
export type Introduce = (item: KnownItem, all: () => readonly KnownItem[]) => void;

export class NamedItems {
  readonly #introduce: Introduce;
  #subjects = new Map<string, SubjectItem>();
  /** The same by the definition of their tool: no text is put together for each call. */
  #ofTools = new WeakMap<NonNullable<Subject['tool']>, SubjectItem>();
  readonly #clients = new WeakMap<CallOwner, number>();
  #clientItems: ClientItem[] = [];
  readonly #words = new Map<string, WordItem>();
  #lastSubject = 0;
  #lastClient = 0;

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

  client(owner: CallOwner): number {
    const known = this.#clients.get(owner);
    if (known !== undefined) return known;
    this.#lastClient += 1;
    const id = this.#lastClient;
    const name = `${owner.clientName ?? 'a client'} #${id}`;
    const item: ClientItem = { type: 'client', id, name };
    this.#clients.set(owner, id);
    // Clients that are gone are not told again.
    this.#clientItems = [...this.#clientItems.slice(-MOST_CLIENTS), item];
    this.#tell(item);
    return id;
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
    this.#introduce(item, () => [
      ...this.#words.values(),
      ...this.#subjects.values(),
      ...this.#clientItems,
    ]);
  }
}
