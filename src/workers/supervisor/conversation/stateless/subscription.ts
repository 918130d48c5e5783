/**
 * The one stream by which a server of revision 2026-07-28 tells changes: of its lists, and of the resources that
 * somebody listens to. Another choice of resources is another stream: the old one is ended when the new one is
 * there. Opened again when it ends. Owned by the stateless side of a conversation.
 */
import { type Frame, rangeOf, textAt } from '../../../../shared/json/frame.ts';
import { idNumber } from '../../../../shared/json/id-number.ts';
import { notificationLine } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { elements, member } from '../../../../shared/json/json-slice.ts';
import { readTaskId } from '../../../../shared/json/keys.ts';
import { eachCut } from '../../../../shared/json/without.ts';
import type { ByteRange } from '../../../../shared/model/byte-range.ts';
import { SUBSCRIPTION_ID } from '../../../../shared/model/meta-keys.ts';
import type { ServerFeatures } from '../../../../shared/model/server.ts';
import type { Line } from '../../link.ts';
import type { OwnRequests } from '../own-requests.ts';
import type { Reply } from '../reply.ts';
import { rewritten } from '../rewrite.ts';

export interface SubscriptionOptions {
  readonly features: ServerFeatures;
  readonly requests: OwnRequests;
  readonly line: Line;
  /** Notifications may have been lost. */
  readonly onMissed: () => void;
  /** The server has no such stream: its lists are as they were at the start. */
  readonly onNone: (why: string) => void;
}

/** Called when the server has taken the choice, or with the reason why it has not. */
type Settled = (why: string | null) => void;

export const LISTEN = 'subscriptions/listen';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const CANCELLED = 'notifications/cancelled';
/** Of the method, of its params, and of a server that wants what the gateway does not give. */
const NOT_HAD = new Set([-32_601, -32_602, -32_021]);
const FIRST_MS = 1000;
const LONGEST_MS = 30_000;
const MAX_EACH = 10_000;

export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #uris = new Set<string>();
  /** The tasks that somebody listens to → what can be asked there, JSON text. */
  readonly #tasks = new Map<string, string>();
  /** Those that the server tells of. */
  #told = new Set<string>();
  /** Ids of the streams that are open: the newest, and the one before until that is acknowledged. */
  #newest: string | null = null;
  #before: string | null = null;
  #acknowledged = false;
  /** The choice has changed since the newest stream was asked for. */
  #changed = false;
  /** Why there is no stream, and will be none. */
  #none: string | null = null;
  /** What waits for the newest stream, and for the one after it. */
  #waiting: Settled[] = [];
  #later: Settled[] = [];
  #failures = 0;
  #lost = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#open();
  }

  subscribe(uri: string, settled: Settled): void {
    const isNew = !this.#uris.has(uri);
    this.#add(isNew, this.#uris.size, settled, () => this.#uris.add(uri));
  }

  /** @param declared JSON text of what the listening client can do. */
  listen(task: string, declared: string, settled: Settled): void {
    const isNew = !this.#tasks.has(task);
    const agreed = (why: string | null) => {
      settled(why ?? (this.#told.has(task) ? null : 'it does not tell of this task'));
    };
    if (!isNew) this.#tasks.set(task, declared);
    this.#add(isNew, this.#tasks.size, agreed, () => this.#tasks.set(task, declared));
  }

  leave(task: string): void {
    if (this.#tasks.delete(task)) this.#change();
  }

  /** What can be asked where somebody listens to the task, JSON text; null: nobody does. */
  listening(task: string): string | null {
    return this.#tasks.get(task) ?? null;
  }

  /** What is listened to includes tasks. */
  get hasTasks(): boolean {
    return this.#tasks.size > 0;
  }

  unsubscribe(uri: string): void {
    if (this.#uris.delete(uri)) this.#change();
  }

  /** A notification of the server. @returns what is left to pass on; null: it was for this stream alone. */
  take(frame: Frame, method: string): Frame | null {
    const meta = rangeOf(frame, SLOT.paramsMeta);
    if (method === CANCELLED) {
      const id = String(idNumber(textAt(frame, SLOT.paramsRequestId) ?? ''));
      const isOpen = id === this.#newest || id === this.#before;
      if (isOpen) this.#options.requests.fail(id, 'the server has ended it');
      return null;
    }
    if (method === ACKNOWLEDGED) {
      const id = meta === null ? null : member(frame.line, meta, SUBSCRIPTION_ID);
      const text = id === null ? '' : Buffer.from(frame.line.subarray(...id)).toString();
      if (String(idNumber(text)) === this.#newest) {
        this.#told = tasksIn(frame);
        this.#acknowledge();
      }
      return null;
    }
    return meta === null ? frame : withoutId(frame, meta);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#none ??= 'the connection has ended';
    this.#waiting = [];
    this.#later = [];
  }

  #add(isNew: boolean, size: number, settled: Settled, add: () => void): void {
    if (this.#none !== null) return settled(this.#none);
    if (size >= MAX_EACH) return settled(`${MAX_EACH} of these are listened to already`);
    if (!isNew && this.#acknowledged && !this.#changed) return settled(null);
    add();
    this.#later.push(settled);
    this.#change();
  }

  /** Several changes at once make one stream. */
  #change(): void {
    if (this.#changed || this.#none !== null) return;
    this.#changed = true;
    if (this.#timer === null && (this.#acknowledged || this.#newest === null)) {
      this.#timer = setTimeout(() => this.#open(), 0);
    }
  }

  #open(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#changed = false;
    const filter = this.#filter();
    this.#waiting.push(...this.#later);
    this.#later = [];
    if (this.#before === null) this.#before = this.#newest;
    this.#newest = null;
    this.#acknowledged = false;
    if (Object.keys(filter).length === 0) {
      this.#end(this.#before);
      this.#before = null;
      return;
    }
    const { requests } = this.#options;
    const params = JSON.stringify({ notifications: filter });
    const id = requests.send(LISTEN, params, (reply) => this.#ended(id, reply));
    this.#newest = id;
  }

  #filter(): Record<string, true | string[]> {
    const { tools, prompts, resources } = this.#options.features;
    return {
      ...(tools ? { toolsListChanged: true } : {}),
      ...(prompts ? { promptsListChanged: true } : {}),
      ...(resources ? { resourcesListChanged: true } : {}),
      ...(this.#uris.size > 0 ? { resourceSubscriptions: [...this.#uris] } : {}),
      ...(this.#tasks.size > 0 ? { taskIds: [...this.#tasks.keys()] } : {}),
    };
  }

  #acknowledge(): void {
    if (this.#acknowledged) return;
    this.#acknowledged = true;
    this.#failures = 0;
    this.#end(this.#before);
    this.#before = null;
    const settled = this.#waiting;
    this.#waiting = [];
    for (const one of settled) one(null);
    if (this.#lost) this.#options.onMissed();
    this.#lost = false;
    if (this.#changed) this.#open();
  }

  /** The server has ended the stream, or has refused it, or the connection broke. */
  #ended(id: string, reply: Reply): void {
    if (id === this.#before) {
      this.#before = null;
      return;
    }
    if (id !== this.#newest || this.#none !== null) return;
    this.#newest = null;
    if (!reply.ok && !this.#acknowledged && NOT_HAD.has(reply.code ?? 0)) {
      return this.#giveUp(reply.problem);
    }
    this.#lost ||= this.#acknowledged;
    this.#acknowledged = false;
    const ms = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#open(), (ms / 2) * (1 + Math.random()));
  }

  #giveUp(problem: string): void {
    this.#none = `it does not tell changes: ${LISTEN} failed: ${problem}`;
    this.#end(this.#before);
    this.#before = null;
    for (const one of [...this.#waiting, ...this.#later]) one(this.#none);
    this.#waiting = [];
    this.#later = [];
    this.#options.onNone(this.#none);
  }

  #end(id: string | null): void {
    if (id === null) return;
    const { requests, line } = this.#options;
    requests.forget(id);
    const params = JSON.stringify({ requestId: Number(id), reason: 'another one is open' });
    line.write(notificationLine(CANCELLED, params), null);
  }
}

/** The tasks that an acknowledgement names. */
function tasksIn(frame: Frame): Set<string> {
  const { line } = frame;
  const params = rangeOf(frame, SLOT.params);
  const filter = params === null ? null : member(line, params, 'notifications');
  const list = filter === null ? null : member(line, filter, 'taskIds');
  const ids = list === null ? [] : elements(line, list, MAX_EACH);
  return new Set(ids.flatMap((at) => readTaskId(line, at) ?? []));
}

/** Which stream a message came on is not for clients: they have streams of their own, or none. */
function withoutId(frame: Frame, meta: ByteRange): Frame {
  return rewritten(frame, (replace) => {
    eachCut(frame.line, meta, [SUBSCRIPTION_ID], (start, end) => replace(start, end, NOTHING));
  });
}

const NOTHING = new Uint8Array(0);
