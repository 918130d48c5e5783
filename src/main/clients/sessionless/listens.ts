/**
 * The streams of changes that a client has open (`subscriptions/listen`): each is told, tagged with its id, of those
 * changes that it has asked for, and of nothing else. Resources are subscribed to at their servers once for all
 * streams of the client. Owned by the client's session or, over HTTP, by what stands for one.
 */
import { type Frame, rangeOf, scanFrame, stringAt } from '../../../shared/json/frame.ts';
import { joinExact, replaceRanges } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { member } from '../../../shared/json/json-slice.ts';
import { withMeta } from '../../../shared/json/with-meta.ts';
import { TAKES_TASKS } from '../../../shared/model/client-can.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { SUBSCRIPTION_ID } from '../../../shared/model/meta-keys.ts';
import { TASK_NEWS } from '../../../shared/model/task-handles.ts';
import type { AnswerForm } from '../../calls/answer-form.ts';
import { type Refusal } from '../claims/claim.ts';
import { type Filter, readFilter } from './listen-filter.ts';
import { tasksNotDeclared } from './task-methods.ts';

/** All streams of a gateway. */
export interface ListenCount {
  open: number;
}

export interface ListensOptions {
  readonly count: ListenCount;
  readonly form: AnswerForm;
  readonly send: (parts: readonly Uint8Array[], idText: string) => void;
  readonly answer: (parts: readonly Uint8Array[], idText: string) => void;
  /** Some server has tasks; elsewhere what a stream asks of them says nothing. */
  readonly offersTasks: () => boolean;
  /** Subscribes to a resource or a task, or ends that. @param done whether its server agrees; called once, or never. */
  readonly subscribe: (subject: Subject, on: boolean, done: (ok: boolean) => void) => void;
}

/** Something that a stream is told of. */
export interface Subject {
  readonly kind: 'resource' | 'task';
  /** Its URI, or its id. */
  readonly id: string;
  /** What can be asked on the stream, see `canOf`. */
  readonly can: number;
}

interface Listen {
  readonly idText: string;
  readonly idRaw: Uint8Array;
  readonly filter: Filter;
  /** Of the resources and tasks asked for, those whose servers tell of changes. */
  readonly resources: Map<string, Subject>;
  readonly tasks: Map<string, Subject>;
  readonly can: number;
  /** It has been told what it will be told of; changes before that are not for it. */
  acknowledged: boolean;
  timer: NodeJS.Timeout | undefined;
}

const MAX_OF_CLIENT = 64;
const MAX_OF_ALL = 1024;
/** How long servers may take to agree to a subscription; those that take longer are left out. */
const AGREE_MS = 5000;
const UPDATED = 'notifications/resources/updated';

export class Listens {
  readonly #options: ListensOptions;
  readonly #open = new Map<string, Listen>();
  /** For each resource and task, the streams that are told of it. */
  readonly #watched = {
    resource: new Map<string, Set<Listen>>(),
    task: new Map<string, Set<Listen>>(),
  };

  constructor(options: ListensOptions) {
    this.#options = options;
  }

  /** Opens a stream, which ends with the answer to its request. @param can see `canOf`. @returns why it does not. */
  open(frame: Frame, idText: string, idRaw: Uint8Array, can: number): Refusal | null {
    const { count } = this.#options;
    const read = readFilter(frame);
    if ('message' in read) return read;
    const lacksTasks = (can & TAKES_TASKS) === 0;
    if (read.taskIds !== null && lacksTasks && this.#options.offersTasks()) {
      return tasksNotDeclared('params.notifications.taskIds');
    }
    if (this.#open.size >= MAX_OF_CLIENT || count.open >= MAX_OF_ALL) {
      const message = `too many streams are open: ${MAX_OF_CLIENT} of one client, ${MAX_OF_ALL} of all`;
      return { code: JSON_RPC.internalError, message };
    }
    const listen: Listen = {
      idText,
      idRaw,
      filter: read,
      resources: new Map(),
      tasks: new Map(),
      can,
      acknowledged: false,
      timer: undefined,
    };
    this.#open.set(idText, listen);
    count.open += 1;
    this.#subscribe(listen);
    return null;
  }

  has(idText: string): boolean {
    return this.#open.has(idText);
  }

  /** The client wants to hear no more. @returns whether there was such a stream. */
  end(idText: string): boolean {
    const listen = this.#open.get(idText);
    if (listen === undefined) return false;
    this.#open.delete(idText);
    this.#options.count.open -= 1;
    clearTimeout(listen.timer);
    for (const subject of [...listen.resources.values(), ...listen.tasks.values()]) {
      this.#unwatch(subject, listen);
    }
    return true;
  }

  /** Ends all streams from this side, with their answers. */
  endAll(): void {
    for (const { idText, idRaw } of this.#open.values()) {
      this.end(idText);
      const result = `{"_meta":{"${SUBSCRIPTION_ID}":${Buffer.from(idRaw).toString()}}}`;
      this.#options.answer(this.#options.form.result(idRaw, result), idText);
    }
  }

  /** The client is gone, and its subscriptions with it. */
  close(): void {
    for (const { timer } of this.#open.values()) clearTimeout(timer);
    this.#options.count.open -= this.#open.size;
    this.#open.clear();
    this.#watched.resource.clear();
    this.#watched.task.clear();
  }

  /** Something has changed. @param parts together a notification. */
  tell(parts: readonly Uint8Array[]): void {
    if (this.#open.size === 0) return;
    const frame = scanFrame(joinExact(parts));
    if ('error' in frame) return;
    const method = stringAt(frame, SLOT.method) ?? '';
    const uri = method === UPDATED ? stringAt(frame, SLOT.paramsUri) : null;
    const task = method === TASK_NEWS ? stringAt(frame, SLOT.paramsTaskId) : null;
    for (const listen of this.#open.values()) {
      const { filter, resources, tasks } = listen;
      const isOfResource = uri === null ? filter.changes.has(method) : covers(resources, uri);
      const isFor = task === null ? isOfResource : tasks.has(task);
      if (listen.acknowledged && isFor) this.#options.send(tagged(frame, listen), listen.idText);
    }
  }

  #subscribe(listen: Listen): void {
    const subjects = subjectsOf(listen);
    const open = new Set(subjects);
    const settled = (subject: Subject, ok: boolean) => {
      const isLate = listen.acknowledged || this.#open.get(listen.idText) !== listen;
      open.delete(subject);
      if (ok) this.#watch(subject, listen);
      if (isLate) {
        if (ok) this.#unwatch(subject, listen);
      } else if (open.size === 0) this.#acknowledge(listen);
    };
    for (const subject of subjects) {
      this.#options.subscribe(subject, true, (ok) => settled(subject, ok));
    }
    if (open.size === 0) {
      if (!listen.acknowledged) this.#acknowledge(listen);
    } else listen.timer = setTimeout(() => this.#acknowledge(listen), AGREE_MS);
  }

  #acknowledge(listen: Listen): void {
    const { filter, idRaw, idText, resources, tasks } = listen;
    clearTimeout(listen.timer);
    listen.acknowledged = true;
    const honoured: Record<string, unknown> = { ...filter.honoured };
    if (resources.size > 0) honoured['resourceSubscriptions'] = [...resources.keys()];
    if (tasks.size > 0) honoured['taskIds'] = [...tasks.keys()];
    const id = Buffer.from(idRaw).toString();
    const params = `{"_meta":{"${SUBSCRIPTION_ID}":${id}},"notifications":${JSON.stringify(honoured)}}`;
    const line = `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":${params}}`;
    this.#options.send([Buffer.from(line)], idText);
  }

  #watch(subject: Subject, listen: Listen): void {
    const { kind, id } = subject;
    chosenBy(listen, subject).set(id, subject);
    const its = this.#watched[kind].get(id) ?? new Set<Listen>();
    this.#watched[kind].set(id, its.add(listen));
  }

  /** The last stream that was told of a resource ends the subscription. */
  #unwatch(subject: Subject, listen: Listen): void {
    const { kind, id } = subject;
    const its = this.#watched[kind].get(id);
    chosenBy(listen, subject).delete(id);
    if (its === undefined || !its.delete(listen) || its.size > 0) return;
    this.#watched[kind].delete(id);
    this.#options.subscribe(subject, false, () => undefined);
  }
}

function subjectsOf({ filter, can }: Listen): Subject[] {
  const of = (kind: Subject['kind']) => (id: string) => ({ kind, id, can });
  const taskIds = (can & TAKES_TASKS) === 0 ? null : filter.taskIds;
  return [...filter.uris.map(of('resource')), ...(taskIds ?? []).map(of('task'))];
}

function chosenBy({ resources, tasks }: Listen, { kind }: Subject): Map<string, Subject> {
  return kind === 'task' ? tasks : resources;
}

/** An update may name a part of the resource that was asked for. */
function covers(uris: ReadonlyMap<string, Subject>, uri: string): boolean {
  if (uris.has(uri)) return true;
  for (const one of uris.keys()) if (uri.startsWith(one) && isPart(one, uri)) return true;
  return false;
}

/** `res://a` has the part `res://a/b`, and not `res://ab`. */
function isPart(whole: string, uri: string): boolean {
  return whole.endsWith('/') || '/?#'.includes(uri.charAt(whole.length));
}

/** The notification with the id of the stream in its `_meta`. */
function tagged(frame: Frame, { idRaw }: Listen): Uint8Array[] {
  const { line } = frame;
  const meta = rangeOf(frame, SLOT.paramsMeta);
  const own = meta === null ? null : member(line, meta, SUBSCRIPTION_ID);
  if (own !== null) return replaceRanges(line, [{ at: own, with: idRaw }]);
  return withMeta(frame, `"${SUBSCRIPTION_ID}":${Buffer.from(idRaw).toString()}`);
}
