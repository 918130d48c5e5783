/**
 * The side of a conversation that is different with a server of revision 2026-07-28, which has no handshake: each
 * request says who asks, results say what they are, and changes come on a stream that is asked for. To the rest of
 * the conversation, and to main, such a server looks like any other. Owned by the conversation.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import type { Fit } from '../../../../shared/json/fit-entry.ts';
import { type Frame, rangeOf, scanFrame, stringAt, textAt } from '../../../../shared/json/frame.ts';
import { SLOT, type Slot } from '../../../../shared/json/json-scan.ts';
import { member } from '../../../../shared/json/json-slice.ts';
import {
  type Declared,
  declaredHeaders,
  NO_HEADERS,
  type ParamHeader,
} from '../../../../shared/json/param-headers.ts';
import { withMeta } from '../../../../shared/json/with-meta.ts';
import { withoutParams } from '../../../../shared/json/without.ts';
import type { ListKind } from '../../../../shared/model/lists.ts';
import type { CatalogEntry } from '../../../../shared/model/mcp.ts';
import { STATELESS_PROTOCOL_VERSION } from '../../../../shared/model/revisions.ts';
import type { ServerFeatures } from '../../../../shared/model/server.ts';
import {
  LEAVE_TASK,
  LISTEN_TO_TASK,
  TASK_METHODS,
  TASK_UPDATE,
  TASKS_EXTENSION,
} from '../../../../shared/model/task-handles.ts';
import type { TextEdit } from '../../../../shared/protocol/from-supervisor.ts';
import { encodeHeaderValue } from '../../../../shared/text/header-value.ts';
import type { Line } from '../../link.ts';
import type { OwnRequests } from '../own-requests.ts';
import { tasksOfAnswer } from '../task-notes.ts';
import type { ToldCapabilities } from '../told-capabilities.ts';
import { type Discovery, discoveryOf, namesItself, speaksOnly } from './discovery.ts';
import { envelope } from './envelope.ts';
import { paramHeaders } from './param-headers.ts';
import { whyNotAsked } from './questions.ts';
import { kindOfResult, resultEdits, withoutOddOutput } from './result.ts';
import { Rounds, type RoundsOptions } from './rounds.ts';
import { LISTEN, Subscription } from './subscription.ts';

export interface StatelessOptions extends Omit<RoundsOptions, 'send' | 'mintId'> {
  readonly gatewayVersion: string;
  readonly capabilities: Pick<ToldCapabilities, 'ofCall'>;
  readonly logLevel: string | null;
  readonly line: Line;
  readonly requests: OwnRequests;
  /** A call has this result, JSON text, without being sent. */
  readonly give: (call: number, result: string) => void;
  /** The lists may have changed. */
  readonly onMissed: () => void;
  /** Something that an operator should know. */
  readonly onTrouble: (text: string) => void;
  /** The server does not speak this revision any more. */
  readonly onChanged: (detail: string) => void;
}

/** What becomes of an answer. */
export type Passed =
  | { readonly kind: 'pass' }
  /** The call goes on. */
  | { readonly kind: 'wait' }
  /** Read after "the answer of server x". */
  | { readonly kind: 'wrong'; readonly why: string };

const DISCOVER = 'server/discover';
const NEWLINE = Buffer.from('\n');
/** By these a server says that it does not take what the gateway says of itself. */
const DOUBTS = new Set(['-32020', '-32022']);
const HEADER_MISMATCH = '-32020';
/** How long a server may take to say what it speaks. */
const DISCOVER_MS = 3000;
/** What a header repeats of the params, by method. */
const NAMED: Readonly<Record<string, Slot>> = {
  'tools/call': SLOT.paramsName,
  'prompts/get': SLOT.paramsName,
  'resources/read': SLOT.paramsUri,
  ...Object.fromEntries([...TASK_METHODS].map((method) => [method, SLOT.paramsTaskId])),
};

export class Stateless {
  readonly #options: StatelessOptions;
  readonly #rounds: Rounds;
  #subscription: Subscription | null = null;
  #logLevel: string | null;
  /** The envelope of the last call. */
  #last: { capabilities: string; logLevel: string | null; members: string } | null = null;
  /** By the name of the tool. */
  #paramHeaders = new Map<string, readonly ParamHeader[]>();
  #asksAgain = false;

  constructor(options: StatelessOptions) {
    this.#options = options;
    this.#logLevel = options.logLevel;
    this.#rounds = new Rounds({
      ...options,
      mintId: () => options.requests.mintId(),
      send: (frame, wire, can) => this.#send(frame, wire, can),
    });
  }

  /**
   * Asks the server what it speaks.
   *
   * @param limitMs how long it may take; null: any time.
   * @param onKnown `problem` in words, "" for none; `isAnswer`: the server itself has answered.
   */
  discover(
    limitMs: number | null,
    onKnown: (discovery: Discovery, problem: string, isAnswer: boolean) => void,
  ): void {
    const { requests } = this.#options;
    requests.speaker = this;
    let timer: NodeJS.Timeout | null = null;
    const ask = (isAgain: boolean): string =>
      requests.send(DISCOVER, null, (reply) => {
        if (!isAgain && namesItself(reply)) {
          id = ask(true);
          return;
        }
        if (timer !== null) clearTimeout(timer);
        const isAnswer = reply.ok || reply.error !== undefined;
        const problem = reply.ok ? `${DISCOVER} was answered without a revision` : reply.problem;
        onKnown(discoveryOf(reply), `${DISCOVER} failed: ${problem}`, isAnswer);
      });
    let id = ask(false);
    if (limitMs === null) return;
    timer = setTimeout(() => {
      requests.forget(id);
      onKnown({ kind: 'unknown' }, `${DISCOVER} was not answered within ${limitMs} ms`, false);
    }, limitMs);
  }

  /** The server speaks this revision: listens to its changes. */
  open(features: ServerFeatures): void {
    const { requests, line, onMissed, onTrouble } = this.#options;
    this.#subscription = new Subscription({
      features,
      requests,
      line,
      onMissed,
      onNone: onTrouble,
    });
  }

  setLogLevel(level: string): void {
    this.#logLevel = level;
  }

  /** Params of a request of the gateway's own, JSON text. @param params JSON of an object; null: none. */
  ownParams(method: string, params: string | null): string {
    const { gatewayVersion } = this.#options;
    const listensToTasks = method === LISTEN && this.#subscription?.hasTasks === true;
    const isOfTasks = TASK_METHODS.has(method) || listensToTasks;
    const capabilities = isOfTasks ? WITH_TASKS : '{}';
    const members = envelope({ gatewayVersion, capabilities, logLevel: null });
    const rest = params === null || params === '{}' ? '}' : `,${params.slice(1)}`;
    return `{"_meta":{${members}}${rest}`;
  }

  /** Headers of a request without a name in it. */
  headers(method: string): OutgoingHttpHeaders {
    return { 'mcp-protocol-version': STATELESS_PROTOCOL_VERSION, 'mcp-method': method };
  }

  /** The tools that the server offers now. */
  tools(entries: readonly CatalogEntry[]): void {
    this.#paramHeaders = new Map();
    if (!this.#options.line.wantsHeaders) return;
    for (const { key, json } of entries) {
      const declared = declaredHeaders(json);
      if (declared.ok && declared.headers.length > 0) {
        this.#paramHeaders.set(key, declared.headers);
      }
    }
  }

  /** An entry of a list as clients of earlier revisions know it, or why it cannot be offered. */
  mend(kind: ListKind, json: Uint8Array): Fit {
    if (kind !== 'tools') return { json };
    const declared: Declared = this.#options.line.wantsHeaders ? declaredHeaders(json) : NO_HEADERS;
    return declared.ok ? { json: withoutOddOutput(json) } : declared;
  }

  /** A call of a client. @param line whole, with its line end; its id is the number `call`. @param can see `canOf`. */
  call(call: number, line: Uint8Array, can: number): void {
    const frame = scanFrame(line);
    if ('error' in frame) throw new Error('a call that was scanned before cannot be read');
    const method = stringAt(frame, SLOT.method) ?? '';
    if (method === 'resources/subscribe') return this.#subscribe(call, frame);
    if (method === 'resources/unsubscribe') return this.#unsubscribe(call, frame);
    if (method === LISTEN_TO_TASK) return this.#listenTo(call, frame, can);
    if (method === LEAVE_TASK) return this.#leave(call, frame);
    const own = method === TASK_UPDATE ? frame : withoutParams(frame, ROUND);
    this.#rounds.begin(call, own, method, can);
  }

  /** The call that is at the server under this id; null: none is. */
  callOf(wire: number): number | null {
    return this.#rounds.callOf(wire);
  }

  /** A call is a request about a task. */
  isOfTask(call: number): boolean {
    return this.#rounds.declaredBy(call) !== null;
  }

  /** A call has ended. @returns the id under which it is at the server; null: it is not. */
  end(call: number): number | null {
    return this.#rounds.end(call);
  }

  /** The server answers a call. @param takesTask its client takes a task for an answer. */
  take(call: number, frame: Frame, isError: boolean, takesTask: boolean): Passed {
    if (isError) {
      const code = textAt(frame, SLOT.errorCode) ?? '';
      if (DOUBTS.has(code)) this.#doubt(code);
      return PASS;
    }
    const result = kindOfResult(frame);
    if (result.kind === 'unknown') return { kind: 'wrong', why: result.why };
    if (result.kind === 'input_required') {
      const asks = this.#rounds.wanted(call, frame);
      return asks === null ? { kind: 'wait' } : { kind: 'wrong', why: asks };
    }
    const why =
      result.kind === 'task'
        ? whyNoTask(frame, takesTask)
        : whyNotAsked(frame, this.#rounds.declaredBy(call));
    return why === null ? PASS : { kind: 'wrong', why };
  }

  /** What to replace in a result for clients of earlier revisions. */
  edits(frame: Frame): readonly TextEdit[] {
    return resultEdits(frame);
  }

  /** A client answers, or tells something. Whatever answers no question is not for such a server. */
  reply(line: Uint8Array): void {
    this.#rounds.answered(line);
  }

  /** News of a task may go to its client: somebody listens, and can be asked what the task asks. */
  mayTell(frame: Frame): boolean {
    const task = stringAt(frame, SLOT.paramsTaskId);
    const declared = task === null ? null : (this.#subscription?.listening(task) ?? null);
    return declared !== null && whyNotAsked(frame, declared) === null;
  }

  /** A notification of the server. @returns what is left of it to pass on; null: nothing. */
  notification(frame: Frame, method: string): Frame | null {
    return this.#subscription === null ? frame : this.#subscription.take(frame, method);
  }

  close(): void {
    this.#rounds.close();
    this.#subscription?.close();
  }

  #subscribe(call: number, frame: Frame): void {
    const { give, fail } = this.#options;
    const uri = stringAt(frame, SLOT.paramsUri) ?? '';
    this.#subscription?.subscribe(uri, (why) => {
      if (why === null) give(call, '{}');
      else fail(call, `says that the resource cannot be subscribed to: ${why}`);
    });
  }

  #listenTo(call: number, frame: Frame, can: number): void {
    const { capabilities, give, fail } = this.#options;
    const task = stringAt(frame, SLOT.paramsTaskId) ?? '';
    this.#subscription?.listen(task, capabilities.ofCall(can), (why) => {
      if (why === null) give(call, '{}');
      else fail(call, `says that nobody is told of the task: ${why}`);
    });
  }

  #leave(call: number, frame: Frame): void {
    this.#subscription?.leave(stringAt(frame, SLOT.paramsTaskId) ?? '');
    this.#options.give(call, '{}');
  }

  #unsubscribe(call: number, frame: Frame): void {
    this.#subscription?.unsubscribe(stringAt(frame, SLOT.paramsUri) ?? '');
    this.#options.give(call, '{}');
  }

  #send(frame: Frame, wire: number, can: number): string {
    const { gatewayVersion, line } = this.#options;
    const capabilities = this.#options.capabilities.ofCall(can);
    const logLevel = this.#logLevel;
    // Most calls say the same as the one before.
    let last = this.#last;
    if (last?.capabilities !== capabilities || last.logLevel !== logLevel) {
      const members = envelope({ gatewayVersion, capabilities, logLevel });
      this.#last = last = { capabilities, logLevel, members };
    }
    const { members } = last;
    const headers = line.wantsHeaders ? this.#headersOf(frame) : undefined;
    line.write(Buffer.concat([...withMeta(frame, members), NEWLINE]), wire, headers);
    return capabilities;
  }

  #headersOf(frame: Frame): OutgoingHttpHeaders {
    const method = stringAt(frame, SLOT.method) ?? '';
    const headers = this.headers(encodeHeaderValue(method));
    const named = NAMED[method];
    if (named === undefined) return headers;
    const name = stringAt(frame, named) ?? '';
    const declared = method === 'tools/call' ? this.#paramHeaders.get(name) : undefined;
    const params = rangeOf(frame, SLOT.params);
    if (declared === undefined || params === null) {
      return { ...headers, 'mcp-name': encodeHeaderValue(name) };
    }
    const args = member(frame.line, params, 'arguments');
    const more = paramHeaders(frame.line, args, declared);
    return { ...headers, 'mcp-name': encodeHeaderValue(name), ...more };
  }

  /** The server may be another one than it was: finds out, once. */
  #doubt(code: string): void {
    if (code === HEADER_MISMATCH) this.#options.onMissed();
    if (this.#asksAgain) return;
    this.#asksAgain = true;
    this.discover(DISCOVER_MS, (discovery) => {
      if (discovery.kind !== 'others') return;
      const now = speaksOnly(discovery.revisions);
      this.#options.onChanged(`it spoke MCP ${STATELESS_PROTOCOL_VERSION}, and now ${now}`);
    });
  }
}

const WITH_TASKS = JSON.stringify({ extensions: { [TASKS_EXTENSION]: {} } });

/** Null: it is one that the client takes. */
function whyNoTask(frame: Frame, takesTask: boolean): string | null {
  if (!takesTask) return `is a task, and its client takes none (${TASKS_EXTENSION})`;
  const { notes } = tasksOfAnswer(frame, 'handle');
  return notes.length > 0 ? null : 'is a task without an id that could be kept';
}

const PASS: Passed = { kind: 'pass' };

/** Answers that nobody asked for: a later round has its own under these names. */
const ROUND = ['inputResponses', 'requestState'];
