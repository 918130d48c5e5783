/**
 * Takes secrets out of text that leaves the gateway: log lines, error texts, results. Finds configured
 * values in the forms in which programs print them, and well-known kinds of secrets. Takes time linear in
 * the text.
 */
import { SecretFinder } from '../secrets/find.ts';
import { clip } from './clean-text.ts';
import { redactPrivateKeys, redactTokens, redactValuesInContext } from './redact-patterns.ts';

/** So many that are forgotten are still hidden, before what finds secrets is made anew. */
const MOST_FORGOTTEN = 64;

export interface RedactorOptions {
  /** Secrets to be found as they are and in their usual encodings, from 6 characters on. */
  readonly values?: readonly string[];
  /** True: also finds well-known kinds of secrets. @default true */
  readonly builtIn?: boolean;
}

export class Redactor {
  readonly #values: SecretFinder;
  readonly #builtIn: boolean;

  constructor(options: RedactorOptions) {
    this.#values = new SecretFinder(options.values ?? []);
    this.#builtIn = options.builtIn ?? true;
  }

  learn(values: readonly string[]): void {
    this.#values.learn(values);
  }

  /** `text` with every secret replaced by `[REDACTED:name]`; configured values are named `secret`. */
  redact(text: string): string {
    let clean = this.redactValues(text);
    if (this.#builtIn) {
      clean = redactPrivateKeys(clean, mark);
      clean = redactTokens(clean, mark);
      clean = redactValuesInContext(clean, mark);
    }
    return clean;
  }

  /** Replaces only configured values: text that only looks like a secret stays. */
  redactValues(text: string): string {
    let clean = '';
    let from = 0;
    for (const range of this.#values.find(text)) {
      clean += text.slice(from, range.from) + mark('secret');
      from = range.to;
    }
    return clean + text.slice(from);
  }
}

/**
 * The same for secrets that come and go, as tokens do. A new one costs what it takes to learn that one: of a thousand
 * tokens it would be seconds to learn all of them each time.
 */
export class ChangingRedactor {
  readonly #options: Omit<RedactorOptions, 'values'>;
  #values: ReadonlySet<string> = new Set();
  #redactor: Redactor;
  /** The redactor knows them, and nobody hides them any more. */
  #forgotten = 0;

  constructor(options: Omit<RedactorOptions, 'values'> = {}) {
    this.#options = options;
    this.#redactor = new Redactor(options);
  }

  /** These are the secrets from now on. */
  hide(secrets: Iterable<string>): void {
    const before = this.#values;
    this.#values = new Set(secrets);
    const added = [...this.#values].filter((one) => !before.has(one));
    this.#forgotten += before.size + added.length - this.#values.size;
    if (this.#forgotten <= MOST_FORGOTTEN) return this.#redactor.learn(added);
    this.#forgotten = 0;
    this.#redactor = new Redactor({ ...this.#options, values: [...this.#values] });
  }

  redact(text: string): string {
    return this.#redactor.redact(text);
  }

  redactValues(text: string): string {
    return this.#redactor.redactValues(text);
  }
}

/**
 * The beginning of a text that was cut to `kept` UTF-16 units: redacted, then cut to `shown` units. A
 * secret split by the first cut no longer looks like one, so the end of a cut text is never shown, however
 * short redaction made the rest.
 *
 * @param limits `kept` should be a multiple of `shown`.
 */
export function redactedHead(
  text: string,
  redact: (text: string) => string,
  limits: { readonly kept: number; readonly shown: number },
): string {
  const clean = redact(text);
  // One less: a cut may drop one unit, to keep no half of a surrogate pair.
  const wasCut = text.length >= limits.kept - 1;
  const margin = wasCut ? Math.floor((limits.kept - limits.shown) / 2) : 0;
  return clip(clean, Math.min(limits.shown, Math.max(0, clean.length - margin)));
}

function mark(name: string): string {
  return `[REDACTED:${name}]`;
}
