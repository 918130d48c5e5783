/**
 * The way of clients' messages to a server: the one place where every call, notification and answer meets
 * the rules before the conversation sends it. A message that waits for its verdict holds up no other. Owned
 * by one incarnation.
 */

import { errorParts, joinExact } from '../../../shared/json/json-rpc.ts';
import { member } from '../../../shared/json/json-slice.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import type { CallMessage } from '../../../shared/protocol/to-supervisor.ts';
import { cleanForTerminal, clip } from '../../../shared/text/clean-text.ts';
import { redactedHead } from '../../../shared/text/redact.ts';
import { TokenBucket } from '../limits/token-bucket.ts';
import type { ArgumentRule } from '../rules/argument-rule.ts';
import type { PathRule, Refusal } from '../rules/path-rule.ts';
import type { Log, ToMain } from '../to-main.ts';
import type { Conversation } from './conversation.ts';

export interface OutgoingOptions {
  readonly server: string;
  /** Null: every path may leave. */
  readonly rule: PathRule | null;
  /** Judges calls that have passed the other one. */
  readonly argumentRule: ArgumentRule;
  readonly conversation: Conversation;
  readonly toMain: ToMain;
  /** Takes secrets out of text. */
  readonly redact: (text: string) => string;
  readonly log: Log;
}

const SHOWN = { kept: 4096, shown: 400 };
/** Warnings in the log; those over the rate are counted. */
const WARNING_RATE = { perSecond: 1, burst: 5 };
/** Messages other than calls that may wait for their verdict at the same time. */
const MAX_HELD_MESSAGES = 256;
const NEWLINE = Buffer.from('\n');

export class Outgoing {
  readonly #options: OutgoingOptions;
  /** Calls that wait for their verdict. */
  readonly #held = new Set<number>();
  readonly #warnings = new TokenBucket(WARNING_RATE, performance.now());
  #heldMessages = 0;
  /** Warnings over the rate since the last one. */
  #untold = 0;
  #closed = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  call(message: CallMessage): void {
    const { rule } = this.#options;
    const { call, line } = message;
    const verdict = rule === null ? null : rule.request(line);
    if (verdict === null) return this.#leave(message);
    if (!('then' in verdict)) return this.#refuse(call, verdict);
    this.#held.add(call);
    void verdict.then((refusal) => {
      // Cancelled meanwhile, or given back unsent.
      if (!this.#held.delete(call)) return;
      if (refusal === null) this.#leave(message);
      else this.#refuse(call, refusal);
    });
  }

  cancel(call: number, reason: string): void {
    if (!this.#held.delete(call)) this.#options.conversation.cancel(call, reason);
  }

  /** The time of a call is over: cancels it, and tells main whether it had left. */
  expire(call: number): void {
    const { conversation, toMain } = this.#options;
    const left = this.#held.delete(call) ? false : conversation.expire(call);
    if (left === null) return;
    const outcome = left ? 'unknown' : 'not_sent';
    toMain.callFailed({ call, code: 'ERR_TIMEOUT', outcome, message: 'deadline exceeded' });
  }

  /** @param line a client's answer to a request of the server, or a client's notification. */
  send(line: Uint8Array): void {
    const { rule } = this.#options;
    const verdict = rule === null ? null : rule.message(line);
    if (verdict === null || !('then' in verdict)) return this.#deliver(line, verdict);
    if (this.#heldMessages >= MAX_HELD_MESSAGES) return;
    this.#heldMessages += 1;
    void verdict.then((refusal) => {
      this.#heldMessages -= 1;
      if (!this.#closed) this.#deliver(line, refusal);
    });
  }

  /** Nothing leaves any more. @returns the calls that still waited for their verdict. */
  close(): number[] {
    const held = [...this.#held];
    this.#held.clear();
    this.#closed = true;
    return held;
  }

  #leave({ call, line, tasks, writes, can }: CallMessage): void {
    const { argumentRule, conversation } = this.#options;
    const refusal = argumentRule.judge(line, writes);
    if (refusal === null) conversation.call(call, line, tasks, can);
    else this.#refuse(call, refusal);
  }

  #deliver(line: Uint8Array, refusal: Refusal | null): void {
    const { rule, conversation } = this.#options;
    if (refusal === null) {
      rule?.learnRoots(line);
      return conversation.send(line);
    }
    this.#warn(refusal);
    const whole = [0, line.length] as const;
    const id = member(line, whole, 'id');
    if (id === null || member(line, whole, 'method') !== null) return;
    const idRaw = line.subarray(id[0], id[1]);
    const text = `the answer is withheld: ${this.#inWords(refusal)}`;
    conversation.send(joinExact([...errorParts(idRaw, JSON_RPC.gatewayError, text), NEWLINE]));
  }

  #refuse(call: number, refusal: Refusal): void {
    const { server, toMain } = this.#options;
    this.#warn(refusal);
    toMain.callFailed({
      call,
      code: refusal.code,
      outcome: 'not_sent',
      message: `${this.#inWords(refusal)}; the call to server "${server}" was not sent. ${refusal.remedy}`,
    });
  }

  #warn(refusal: Refusal): void {
    if (!this.#warnings.take(performance.now())) {
      this.#untold += 1;
      return;
    }
    const more = this.#untold === 0 ? {} : { untold: this.#untold };
    this.#untold = 0;
    this.#options.log('warn', `not sent: ${this.#inWords(refusal)}`, more);
  }

  #inWords({ where, text, why }: Refusal): string {
    const shown = (part: string) =>
      cleanForTerminal(redactedHead(clip(part, SHOWN.kept), this.#options.redact, SHOWN));
    return `${shown(where)} is ${JSON.stringify(shown(text))}, ${shown(why)}`;
  }
}
