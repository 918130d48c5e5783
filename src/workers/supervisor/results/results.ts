/**
 * What becomes of the texts of an answer before it goes to main: secrets are masked. The bytes stay the same where
 * there is nothing to change. One for each incarnation.
 */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { isEmpty, kindAt } from '../../../shared/json/json-slice.ts';
import type { RedactRules } from '../../../shared/model/policy.ts';
import { rewritten } from '../conversation/rewrite.ts';
import type { SecretsInText } from './secrets-in-text.ts';
import { eachText } from './text-fields.ts';

/** How many of each kind. */
export type Counts = Readonly<Record<string, number>>;

export interface ResultsOptions {
  /** Of the policy, now. */
  readonly rules: () => RedactRules;
  /** Those of the server, now. */
  readonly secrets: () => SecretsInText;
}

/** An answer as it goes to main. */
export interface Passed {
  readonly frame: Frame;
  /** What was found; null: nothing. */
  readonly redacted: Counts | null;
}

/** Why an answer cannot be passed on, in words. */
export interface Withheld {
  readonly code: 'ERR_MALFORMED_MESSAGE';
  readonly why: string;
}

/** Nothing that a person wants to read holds more. */
const MOST_SECRETS = 20_000;

/** A secret in the line. */
interface Secret {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
}

export class Results {
  readonly #options: ResultsOptions;

  constructor(options: ResultsOptions) {
    this.#options = options;
  }

  /** @returns the same frame when nothing is changed. */
  take(frame: Frame): Passed | Withheld {
    const { results } = this.#options.rules();
    if (results === 'off') return { frame, redacted: null };
    const secrets = this.#find(frame);
    if (secrets.length === 0) return { frame, redacted: null };
    if (secrets.length > MOST_SECRETS) {
      const why = `it holds more than ${MOST_SECRETS} secrets, too many to be masked`;
      return { code: 'ERR_MALFORMED_MESSAGE', why };
    }
    const redacted = counted(secrets);
    return { frame: results === 'warn' ? frame : masked(frame, secrets, redacted), redacted };
  }

  #find(frame: Frame): Secret[] {
    const found: Secret[] = [];
    const inText = this.#options.secrets();
    eachText(frame, (from, to) => {
      if (found.length > MOST_SECRETS) return;
      inText.find(
        frame.line,
        from,
        to,
        (start, end, kind) => found.push({ start, end, kind }),
        null,
      );
    });
    return found;
  }
}

function counted(secrets: readonly Secret[]): Counts {
  const counts: Record<string, number> = {};
  for (const { kind } of secrets) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function masked(frame: Frame, secrets: readonly Secret[], counts: Counts): Frame {
  const meta = newMeta(frame, `"rea/redacted":${JSON.stringify(counts)}`);
  return rewritten(frame, (replace) => {
    let isTold = meta === null;
    for (const { start, end, kind } of secrets) {
      if (meta !== null && !isTold && meta.at <= start) {
        isTold = true;
        replace(meta.at, meta.at, meta.text);
      }
      replace(start, end, Buffer.from(`[REDACTED:${kind}]`));
    }
    if (meta !== null && !isTold) replace(meta.at, meta.at, meta.text);
  });
}

interface Insertion {
  readonly at: number;
  readonly text: Uint8Array;
}

/** Where a member of the result's `_meta` goes; null: an error has none. @param member its name and value. */
function newMeta(frame: Frame, member: string): Insertion | null {
  const result = rangeOf(frame, SLOT.result);
  if (result === null || kindAt(frame.line, result[0]) !== 'object') return null;
  const meta = rangeOf(frame, SLOT.resultMeta);
  const isOpen = meta !== null && kindAt(frame.line, meta[0]) === 'object';
  // A `_meta` that is no object is nobody's: clients refuse it.
  if (meta !== null && !isOpen) return null;
  const into = meta ?? result;
  const text = meta === null ? `"_meta":{${member}}` : member;
  const separator = isEmpty(frame.line, into) ? '' : ',';
  return { at: into[0] + 1, text: Buffer.from(`${text}${separator}`) };
}
