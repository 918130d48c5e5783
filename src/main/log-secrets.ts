/**
 * Keeps the secrets of all servers out of main's log lines, such as lines with names that servers have
 * chosen. Messages of a supervisor are redacted there.
 */
import type { ServerConfig } from '../shared/model/config.ts';
import { secretsOf } from '../shared/secrets/secrets-of.ts';
import { ChangingRedactor, Redactor } from '../shared/text/redact.ts';

/** Levels of nested fields that are redacted. */
const MAX_DEPTH = 4;
/** Tokens of one server that were learned: those that it has, and some that are over and may still be spoken of. */
const MOST_LEARNED = 16;

export class LogSecrets {
  readonly #env: NodeJS.ProcessEnv;
  /** Also secrets of servers that are gone: other servers may still mention them. */
  readonly #secrets = new Set<string>();
  /** Those of the present configuration. */
  #present: ReadonlySet<string> = new Set();
  /** By server; the newest is the last. */
  readonly #learned = new Map<string, readonly string[]>();
  readonly #redactor = new ChangingRedactor({ builtIn: false });
  /** Whether the redactor knows all of them. */
  #isKnown = true;
  /** One that knows what looks like a secret, too. Null: has to be built when it is next needed. */
  #stricter: Redactor | null = null;
  #tell: (values: readonly string[]) => void = () => undefined;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** @param tell is given all that are hidden whenever these change: what hides them elsewhere must not miss any. */
  tell(tell: (values: readonly string[]) => void): void {
    this.#tell = tell;
  }

  /** @param servers all that are configured. */
  expect(servers: readonly ServerConfig[]): void {
    const names = new Set(servers.flatMap(({ name, prefix }) => [name, prefix]));
    const secrets = servers.flatMap((server) => secretsOf(server, this.#env));
    const kept = secrets.filter((secret) => !names.has(secret));
    this.#present = new Set(kept);
    this.add(kept);
  }

  /** For as long as this process lives. */
  add(secrets: readonly string[]): void {
    const before = this.#secrets.size;
    for (const secret of secrets) this.#secrets.add(secret);
    if (this.#secrets.size > before) this.#changed();
  }

  /** Tokens of a server, which come in the place of others: the oldest are forgotten first. */
  learn(server: string, tokens: readonly string[]): void {
    const before = this.#learned.get(server) ?? [];
    const kept = [...before.filter((one) => !tokens.includes(one)), ...tokens];
    this.#learned.set(server, kept.slice(-MOST_LEARNED));
    this.#changed();
  }

  /** Those that no server of the present configuration has: they may still be spoken of. */
  former(): readonly string[] {
    return this.values().filter((secret) => !this.#present.has(secret));
  }

  /** All that are hidden. */
  values(): readonly string[] {
    return [...new Set([...this.#secrets, ...[...this.#learned.values()].flat()])];
  }

  /** A message, or the fields of a record: with every secret in its texts replaced. */
  hideIn(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return this.#hide(value);
    if (Array.isArray(value)) {
      return depth > MAX_DEPTH ? value : value.map((item) => this.hideIn(item, depth + 1));
    }
    if (!isPlain(value) || depth > MAX_DEPTH) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [key, this.hideIn(field, depth + 1)]),
    );
  }

  /** A text for people: without these secrets, and without what looks like one. */
  redacted(text: string): string {
    this.#stricter ??= new Redactor({ values: this.values() });
    return this.#stricter.redact(text);
  }

  #changed(): void {
    this.#isKnown = false;
    this.#stricter = null;
    this.#tell(this.values());
  }

  #hide(text: string): string {
    if (!this.#isKnown) this.#redactor.hide(this.values());
    this.#isKnown = true;
    return this.#redactor.redact(text);
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
