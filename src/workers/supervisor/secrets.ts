/**
 * The secrets of one server, as they become known: those of its configuration, and tokens that are read
 * from files later. Takes them out of everything that is logged, kept or told. Owned by the supervisor of
 * the slot.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import { isRandom, secretsInResults } from '../../shared/secrets/in-results.ts';
import { secretsOf } from '../../shared/secrets/secrets-of.ts';
import { ChangingRedactor, redactedHead } from '../../shared/text/redact.ts';
import { SecretsInText } from './results/secrets-in-text.ts';

/** Replaced tokens stay secrets, because the server may still speak of them; the oldest are forgotten first. */
const MAX_TOKENS = 16;

export class ServerSecrets {
  readonly #configured: readonly string[];
  /** The newest is the last. */
  #tokens: readonly string[] = [];
  readonly #redactor = new ChangingRedactor();
  readonly #beyondDoubt: readonly string[];
  /** Null: has to be made when it is next needed. */
  #inText: SecretsInText | null = null;

  /** @param more that is not to be seen. */
  constructor(config: ServerConfig, ...more: readonly string[]) {
    this.#configured = [...secretsOf(config, process.env), ...more];
    this.#redactor.hide(this.#configured);
    this.#beyondDoubt = [...secretsInResults(config, process.env), ...more.filter(isRandom)];
  }

  /** Finds those in what clients and servers say to each other that are secrets beyond doubt. */
  get inText(): SecretsInText {
    this.#inText ??= new SecretsInText([...this.#beyondDoubt, ...this.#tokens]);
    return this.#inText;
  }

  /** Takes out the secrets and whatever looks like one. */
  redact(text: string): string {
    return this.#redactor.redact(text);
  }

  /** Takes out the secrets only. */
  redactValues(text: string): string {
    return this.#redactor.redactValues(text);
  }

  /** The beginning of a text, redacted; see `redactedHead`. */
  redactedHead(text: string, limits: { readonly kept: number; readonly shown: number }): string {
    return redactedHead(text, (whole) => this.redact(whole), limits);
  }

  /** @returns whether the token is new. */
  add(token: string): boolean {
    if (this.#tokens.includes(token)) return false;
    this.#tokens = [...this.#tokens, token].slice(-MAX_TOKENS);
    this.#redactor.hide([...this.#configured, ...this.#tokens]);
    this.#inText = null;
    return true;
  }
}
