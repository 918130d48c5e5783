/**
 * Calls that a person has to agree to first: the client whose call it is is asked, by a form, and the call is
 * made as it was shown once the answer is yes. It is no call before that: it has no deadline, takes no place, and
 * holds up nobody. Without an answer, or when it cannot be asked for, nothing is sent.
 */
import { createHash } from 'node:crypto';
import { type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import { idNumber } from '../../../shared/json/id-number.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { canBeAsked } from '../../../shared/model/client-can.ts';
import type { ServerConfig } from '../../../shared/model/config.ts';
import type { CatalogEntry } from '../../../shared/model/mcp.ts';
import type { Asker, Audit } from '../../calls/audit.ts';
import type { ToldProgress, Withdrawable } from '../../calls/call.ts';
import type { Failure } from '../../calls/failures.ts';
import { byRules } from '../../calls/gate/gate.ts';
import type { Halt } from '../../calls/gate/halt.ts';
import type { AskAnswer } from '../../calls/observer.ts';
import { progressOf } from '../../calls/progress.ts';
import { inWords, remedy, ruleOf } from '../../catalog/tool-rule.ts';
import type { Client } from '../client.ts';
import type { ServerRequest } from '../request.ts';
import type { RequestIds } from '../server-requests/request-ids.ts';
import { withdrawQuestion } from '../withdraw.ts';
import { askedBy, choiceOf } from './question.ts';

export type Why = Omit<Failure, 'server' | 'phase'>;

/** A call that waits for a yes. */
export interface Asking {
  readonly request: ServerRequest;
  readonly tool: CatalogEntry;
  /** The server's settings: as they are now, also after a change; null: there is no such server any more. */
  readonly config: () => ServerConfig | null;
  /** There is a yes. @param progress what the client was told of the call so far. */
  readonly goOn: (progress: ToldProgress | null) => void;
  /** The call is not made. */
  readonly fail: (why: Why) => void;
  /** The same; its client wants no answer any more. */
  readonly cancelled: () => void;
}

export interface ApprovalsOptions {
  readonly ids: RequestIds;
  readonly halted: () => Halt;
  /** Takes out secrets. */
  readonly hide: (text: string) => string;
  readonly audit: Pick<Audit, 'event'>;
  /** How often a client is told that a call waits for its answer. */
  readonly waitingMs: number;
  /** A question has ended. */
  readonly onAnswer: (server: string, answer: AskAnswer) => void;
}

interface Open extends Withdrawable {
  readonly asking: Asking;
  readonly server: string;
  /** Of the program that was asked for. */
  readonly fingerprint: string;
  readonly timer: NodeJS.Timeout;
  progress: ToldProgress | null;
}

/** Questions that one client has open, and several that come as one: one of these must not be in the way of the others. */
const MAX_OPEN = { ofOne: 16, ofSeveral: 128 } as const;
/** Of all calls that wait for an answer. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Tools that one client has agreed to for its session. */
const MAX_AGREED = 1000;
/** By which a client answers that has no session. */
const QUESTION = 'rea/ask';

export class Approvals {
  readonly #options: ApprovalsOptions;
  /** By the id that the client sees. */
  readonly #open = new Map<string, Open>();
  /** What each client has agreed to for its session. */
  readonly #agreed = new WeakMap<Client, Set<string>>();
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  /** How many questions have no answer yet. */
  get open(): number {
    return this.#open.size;
  }

  /** Asks, unless the client has agreed before. @param config the server's settings. */
  ask(asking: Asking, config: ServerConfig): void {
    const { request, tool } = asking;
    const { client, frame } = request;
    const { name, fingerprint, rules } = config;
    if (this.#agreed.get(client)?.has(keyOf(tool, config)) === true) return asking.goOn(null);
    const unable = whyUnable(request);
    if (unable !== null) return this.#unable(asking, config, unable);
    const max = client.several ? MAX_OPEN.ofSeveral : MAX_OPEN.ofOne;
    if (this.#count(client) >= max || this.#bytes + frame.line.length > MAX_BYTES) {
      return asking.fail(tooMany(max, client));
    }
    const idText = this.#options.ids.mint();
    const open: Open = {
      asking,
      server: name,
      fingerprint,
      timer: setTimeout(() => this.#late(idText, rules.askTimeoutMs), rules.askTimeoutMs),
      progress: null,
      idText: request.idText,
      withdraw: (reason) => {
        this.#settle(idText, open, 'withdrawn');
        withdrawQuestion(client, idText, request.idText, reason);
        asking.cancelled();
      },
    };
    this.#open.set(idText, open);
    this.#bytes += frame.line.length;
    client.track(open);
    this.#timer ??= setInterval(() => this.#tellWaiting(), this.#options.waitingMs).unref();
    const { tier, level } = ruleOf(tool, config);
    const { hide } = this.#options;
    const question = { server: name, tool: tool.key, tier, frame, once: client.several, hide };
    const asked = askedBy(idText, question);
    const facts = { ask: Number(idText), level };
    const about = { server: name, tool: tool.key, tier: tier.tier, request: asked.request };
    this.#options.audit.event({ event: 'ask', ...about, facts }, request);
    client.ask([asked.line], request.idText, QUESTION);
  }

  /** A client answers. @returns false when that is no answer to a question of the gateway's own. */
  answer(client: Client, frame: Frame): boolean {
    const idText = String(idNumber(textAt(frame, SLOT.id) ?? ''));
    const open = this.#open.get(idText);
    if (open === undefined || open.asking.request.client !== client) return false;
    const choice = choiceOf(frame);
    this.#end(idText, open, choice);
    if (choice === 'no') this.#refused(open, 'the person said no');
    else this.#approved(open, choice);
    return true;
  }

  /** HALT was set, or the configuration has changed: what may not be done any more is not asked. */
  reconsider(): void {
    const halted = this.#options.halted();
    for (const [idText, open] of this.#open) {
      const { request, tool, config, fail } = open.asking;
      const now = config();
      const { method } = request;
      const subject = { method, tool, prompt: null, name: tool.key, approved: true };
      const refusal = now === null ? GONE : byRules({ halted, config: now }, subject);
      if (refusal === null) continue;
      this.#end(idText, open, 'withdrawn');
      withdrawQuestion(request.client, idText, request.idText, refusal.why);
      fail({ code: refusal.code, outcome: 'not_sent', message: refusal.why, retryAt: null });
    }
  }

  /** Nobody can answer any more: the calls are not made. */
  endAll(why: Why): void {
    for (const [idText, open] of this.#open) {
      this.#end(idText, open, 'withdrawn');
      open.asking.fail(why);
    }
  }

  /** The client is gone, and its calls with it. */
  forget(client: Client): void {
    for (const [idText, open] of this.#open) {
      if (open.asking.request.client === client) this.#settle(idText, open, 'withdrawn');
    }
  }

  #approved(open: Open, choice: 'once' | 'session'): void {
    const { request, tool, config, goOn, fail } = open.asking;
    const now = config();
    if (now === null || now.fingerprint !== open.fingerprint) {
      const { code, why } = GONE;
      return fail({ code, outcome: 'not_sent', message: why, retryAt: null });
    }
    // What one of several clients agrees to is not what the others do.
    if (choice === 'session' && !request.client.several)
      this.#remember(request.client, keyOf(tool, now));
    goOn(open.progress);
  }

  #remember(client: Client, key: string): void {
    const agreed = this.#agreed.get(client) ?? new Set();
    this.#agreed.set(client, agreed);
    if (agreed.size < MAX_AGREED) agreed.add(key);
  }

  #late(idText: string, ms: number): void {
    const open = this.#open.get(idText);
    if (open === undefined) return;
    this.#end(idText, open, 'late');
    const { request } = open.asking;
    const why = `nobody answered within ${ms} ms (ask_timeout_ms)`;
    withdrawQuestion(request.client, idText, request.idText, why);
    this.#refused(open, why);
  }

  #refused({ asking, server }: Open, why: string): void {
    const { tool, fail } = asking;
    const what = `tool ${JSON.stringify(tool.key)} of server "${server}"`;
    const message = `${what} was not run: ${why}`;
    fail({ code: 'ERR_DENIED_TIER', outcome: 'not_sent', message, retryAt: null });
  }

  #unable({ request, tool, fail }: Asking, config: ServerConfig, unable: string): void {
    this.#answered(config.name, tool, 'unable', { by: request, ask: null });
    const rule = ruleOf(tool, config);
    const { tier, level, levelAt } = rule;
    const what = `tool ${JSON.stringify(tool.key)} of server "${config.name}"`;
    const message = `${what} was not run: ${inWords(tier)}, ${level} (${levelAt}) needs a person's yes for that, and ${unable}; ${remedy(tool.key, rule, config)}`;
    fail({ code: 'ERR_DENIED_TIER', outcome: 'not_sent', message, retryAt: null });
  }

  /** The question has an answer, and its call goes on in another form. */
  #end(idText: string, open: Open, answer: AskAnswer): void {
    this.#settle(idText, open, answer);
    open.asking.request.client.untrack(open);
  }

  #settle(idText: string, { asking, server, timer }: Open, answer: AskAnswer): void {
    if (!this.#open.delete(idText)) return;
    clearTimeout(timer);
    this.#bytes -= asking.request.frame.line.length;
    const { request, tool } = asking;
    this.#answered(server, tool, answer, { by: request, ask: Number(idText) });
    if (this.#open.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** @param ask the number of the question; null: nobody could be asked. */
  #answered(
    server: string,
    tool: CatalogEntry,
    answer: AskAnswer,
    { by, ask }: { readonly by: Asker; readonly ask: number | null },
  ): void {
    this.#options.onAnswer(server, answer);
    const status = answer === 'once' || answer === 'session' ? 'allowed' : 'denied';
    const facts = { ask, answer };
    this.#options.audit.event({ event: 'ask_answer', server, tool: tool.key, status, facts }, by);
  }

  #count(client: Client): number {
    let count = 0;
    for (const { asking } of this.#open.values()) if (asking.request.client === client) count += 1;
    return count;
  }

  /** Clients give up a call that they hear nothing of. */
  #tellWaiting(): void {
    for (const open of this.#open.values()) {
      const { client, frame, idText } = open.asking.request;
      const token = rangeOf(frame, SLOT.paramsMetaProgressToken);
      const message = 'the call waits for a yes';
      const parts =
        token === null ? null : progressOf(open, frame.line.slice(token[0], token[1]), message);
      if (parts !== null) client.progress(parts, idText);
    }
  }
}

const GONE = {
  code: 'ERR_DOWNSTREAM_DOWN',
  why: 'the server was changed or removed while a person was asked; call again',
} as const;

function tooMany(max: number, { several }: Client): Why {
  const who = several ? 'the clients of this endpoint' : 'this client';
  return {
    code: 'ERR_QUEUE_FULL',
    outcome: 'not_sent',
    message: `${max} questions to ${who} are open, or calls that wait for an answer hold ${MAX_BYTES / 1_048_576} MiB; the call was not sent`,
    retryAt: null,
  };
}

/** Why a client cannot be asked, in words; null: it can. */
function whyUnable({ client, idText }: ServerRequest): string | null {
  const grant = client.grant(idText);
  if (grant.refusal !== null) return `this client cannot be asked (${grant.refusal})`;
  const supports = (...path: readonly string[]) => grant.supports(...path);
  if (!canBeAsked(supports, 'elicitation', 'form'))
    return 'this client cannot ask anybody (it has no elicitation)';
  return client.needsDrain ? 'this client does not read what it is sent' : null;
}

/** Another program, or another definition of the tool, is asked about again. */
function keyOf(tool: CatalogEntry, { name, fingerprint }: ServerConfig): string {
  const definition = createHash('sha256').update(tool.json).digest('base64');
  return JSON.stringify([name, fingerprint, tool.key, definition]);
}
