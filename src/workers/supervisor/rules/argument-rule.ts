/**
 * What an argument may not hold: a mask of the gateway's own, in a call that may write it over the secret that it
 * stands for; and, where the policy says so, a secret. Judges what has passed the path rule; sends nothing.
 */
import { member } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import type { RedactPattern, RedactRules } from '../../../shared/model/policy.ts';
import { errorText } from '../../../shared/platform/errno.ts';
import { Cursor } from '../results/cursor.ts';
import { operatorOf } from '../results/operator.ts';
import { eachPiece } from '../results/pieces.ts';
import type { FindMore, SecretsInText } from '../results/secrets-in-text.ts';
import { argumentName } from './argument-name.ts';
import type { Refusal } from './path-rule.ts';

export interface ArgumentRuleOptions {
  /** Of the policy, now. */
  readonly rules: () => RedactRules;
  /** Those of the server, now. */
  readonly secrets: () => SecretsInText;
  /** A call leaves with a secret in it. @param where the argument, in words. @param kind of secret. */
  readonly onSecret: (where: string, kind: string) => void;
  /** Calls leave without being searched for the operator's patterns; told once for these. @param why in words. */
  readonly onUnsearched: (why: string) => void;
}

/** How every mask begins. */
const MARK = Buffer.from('[REDACTED:');
/** A text that may be one, however it is escaped. */
const WORD = Buffer.from('REDACTED');
const ESCAPED = Buffer.from('\\u00');
const BACKSLASH = 0x5c;
const MARK_REMEDY =
  'Change only what is around it, or write the whole without it; a person can write the secret, or set redact.results to off in .rea/policy.yaml to have secrets read and written as they are';
const SECRET_REMEDY =
  'A person can set redact.arguments to warn in .rea/policy.yaml, and in their own floor';
const PATTERNS_REMEDY =
  'A person can correct redact.patterns, or make them simpler, or set redact.arguments to warn in .rea/policy.yaml, and in their own floor';
const MAX_WHY = 300;

export class ArgumentRule {
  readonly #options: ArgumentRuleOptions;
  /** Patterns that are known not to work. */
  #unsearched: readonly RedactPattern[] | null = null;

  constructor(options: ArgumentRuleOptions) {
    this.#options = options;
  }

  /** @param line of a request. @param writes it may change something. @returns null when it may leave. */
  judge(line: Uint8Array, writes: boolean): Refusal | null {
    const { results, arguments: secrets, patterns } = this.#options.rules();
    const looksForMarks = writes && results !== 'off';
    if (!looksForMarks && secrets === 'off') return null;
    const at = argumentsOf(line);
    if (at === null) return null;
    const marked = looksForMarks && mayHoldMark(line, at) ? markIn(line, at) : null;
    if (marked !== null || secrets === 'off') return marked;
    const operator = operatorOf(patterns);
    let found = typeof operator === 'string' ? operator : this.#tried(line, at, operator);
    if (typeof found === 'string') {
      if (secrets === 'deny') return refusedUnseen(found);
      if (this.#unsearched !== patterns) this.#options.onUnsearched(found);
      this.#unsearched = patterns;
      found = this.#secretIn(line, at, null);
    }
    if (found === null) return null;
    if (secrets === 'deny') return refusedSecret(found.where, found.kind);
    this.#options.onSecret(found.where, found.kind);
    return null;
  }

  /** In words: why the patterns could not be looked for. */
  #tried(line: Uint8Array, at: ByteRange, more: FindMore | null): FoundSecret | null | string {
    try {
      return this.#secretIn(line, at, more);
    } catch (error) {
      // The engine of the patterns may run out of its memory; nothing else here fails.
      if (more === null) throw error;
      return `redact.patterns could not be looked for: ${errorText(error)}`.slice(0, MAX_WHY);
    }
  }

  /** The first one. */
  #secretIn(line: Uint8Array, at: ByteRange, more: FindMore | null): FoundSecret | null {
    const [start, end] = at;
    const bytes = Buffer.from(line.buffer, line.byteOffset + start, end - start);
    // Without any escape in it, the text of the arguments is what it says.
    const isPlain = more === null && bytes.indexOf(BACKSLASH) < 0;
    if (isPlain && !this.#options.secrets().mayBeIn(bytes)) return null;
    const { secrets } = this.#options;
    let found: FoundSecret | null = null;
    new Cursor(line, start).strings((from, to) => {
      if (found !== null) return;
      const tell = (_start: number, _end: number, kind: string) => {
        found ??= { where: argumentName(line, from), kind };
      };
      secrets().find(line, [from, to], tell, more);
    });
    return found;
  }
}

interface FoundSecret {
  /** The argument, in words. */
  readonly where: string;
  readonly kind: string;
}

function refusedSecret(where: string, kind: string): Refusal {
  return {
    code: 'ERR_DENIED_SECRET',
    where,
    text: `[REDACTED:${kind}]`,
    why: 'a secret, which redact.arguments of the policy forbids',
    remedy: SECRET_REMEDY,
  };
}

function refusedUnseen(why: string): Refusal {
  return {
    code: 'ERR_DENIED_SECRET',
    where: 'whether the arguments hold a secret',
    text: 'unknown',
    why: `because ${why} (redact.arguments: deny)`,
    remedy: PATTERNS_REMEDY,
  };
}

/** What a tool or a prompt is given, or else all that a request says; null: nothing. */
function argumentsOf(line: Uint8Array): ByteRange | null {
  const params = member(line, [0, line.length], 'params');
  return params === null ? null : (member(line, params, 'arguments') ?? params);
}

function mayHoldMark(line: Uint8Array, [start, end]: ByteRange): boolean {
  const bytes = Buffer.from(line.buffer, line.byteOffset + start, end - start);
  return bytes.indexOf(WORD) >= 0 || bytes.indexOf(ESCAPED) >= 0;
}

function markIn(line: Uint8Array, [start]: ByteRange): Refusal | null {
  let found: Refusal | null = null;
  new Cursor(line, start).strings((from, to) => {
    if (found !== null) return;
    eachPiece(line, from, to, ({ bytes }) => {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      const at = text.indexOf(MARK);
      if (at < 0 || found !== null) return 0;
      found = {
        code: 'ERR_DENIED_MASK',
        where: argumentName(line, from),
        text: text.toString('utf8', Math.max(0, at - 20), at + 40),
        why: 'which holds a mask that the gateway has put in the place of a secret, and would be written over it',
        remedy: MARK_REMEDY,
      };
      return 0;
    });
  });
  return found;
}
