/**
 * What becomes of the texts of an answer before it goes to main: secrets are masked, what is hidden in them is told, and
 * too much of them is cut. The bytes stay the same where there is nothing to change. One for each incarnation.
 */
import type { Frame } from '../../../shared/json/frame.ts';
import type { InjectionDetection, RedactRules } from '../../../shared/model/policy.ts';
import { errorText } from '../../../shared/platform/errno.ts';
import { hiddenTexts } from './hidden-text.ts';
import { rewrittenWithMeta } from './meta.ts';
import { operatorOf } from './operator.ts';
import type { FindMore, SecretsInText } from './secrets-in-text.ts';
import { fitted } from './size.ts';
import { eachText } from './text-fields.ts';

/** How many of each kind. */
export type Counts = Readonly<Record<string, number>>;

export interface ResultsOptions {
  /** Of the policy, now. */
  readonly rules: () => RedactRules;
  readonly injection: () => InjectionDetection;
  /** Those of the server, now. */
  readonly secrets: () => SecretsInText;
  /** Of a result, now. */
  readonly maxBytes: () => number;
}

/** An answer as it goes to main. */
export interface Passed {
  readonly frame: Frame;
  /** What was found; null: nothing. */
  readonly redacted: Counts | null;
}

/** Why an answer cannot be passed on, in words. */
export interface Withheld {
  readonly code: 'ERR_MALFORMED_MESSAGE' | 'ERR_RESULT_TOO_LARGE' | 'ERR_DENIED_CONTENT';
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
    const { injection, maxBytes, rules } = this.#options;
    const passed = this.#withoutSecrets(frame, rules());
    if ('why' in passed) return passed;
    const told = withWarnings(passed.frame, injection());
    if ('why' in told) return told;
    const cut = fitted(told, maxBytes());
    if (typeof cut !== 'number') {
      return cut === passed.frame ? passed : { frame: cut, redacted: passed.redacted };
    }
    const why = `${cut} bytes of it are no text that could be cut, and ${maxBytes()} are allowed (max_result_bytes)`;
    return { code: 'ERR_RESULT_TOO_LARGE', why };
  }

  #withoutSecrets(frame: Frame, { results, patterns }: RedactRules): Passed | Withheld {
    if (results === 'off') return { frame, redacted: null };
    const more = operatorOf(patterns);
    if (typeof more === 'string') return { code: 'ERR_MALFORMED_MESSAGE', why: more };
    let secrets: readonly Secret[];
    try {
      secrets = this.#find(frame, more);
    } catch (error) {
      // The engine of the patterns may run out of its memory; nothing else here fails.
      if (more === null) throw error;
      const why = `redact.patterns could not be looked for: ${errorText(error)}`;
      return { code: 'ERR_MALFORMED_MESSAGE', why };
    }
    if (secrets.length === 0) return { frame, redacted: null };
    if (secrets.length > MOST_SECRETS) {
      const why = `it holds more than ${MOST_SECRETS} secrets, too many to be masked`;
      return { code: 'ERR_MALFORMED_MESSAGE', why };
    }
    const redacted = counted(secrets);
    return { frame: results === 'warn' ? frame : masked(frame, secrets, redacted), redacted };
  }

  #find(frame: Frame, more: FindMore | null): Secret[] {
    const found: Secret[] = [];
    const inText = this.#options.secrets();
    eachText(frame, 'all', (from, to) => {
      if (found.length > MOST_SECRETS) return;
      inText.find(
        frame.line,
        [from, to],
        (start, end, kind) => found.push({ start, end, kind }),
        more,
      );
    });
    return found;
  }
}

/** What is hidden in the texts: told, or a reason to withhold them. */
function withWarnings(frame: Frame, injection: InjectionDetection): Frame | Withheld {
  const counts = injection === 'off' ? null : hiddenTexts(frame);
  if (counts === null) return frame;
  if (injection === 'warn') {
    return rewrittenWithMeta(frame, `"rea/warnings":${JSON.stringify(counts)}`, () => {});
  }
  const kinds = Object.keys(counts).join(', ');
  return {
    code: 'ERR_DENIED_CONTENT',
    why: `its text hides something: ${kinds} (injection_detection)`,
  };
}

function counted(secrets: readonly Secret[]): Counts {
  // An operator may call a pattern `constructor`.
  const counts: Record<string, number> = Object.create(null);
  for (const { kind } of secrets) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function masked(frame: Frame, secrets: readonly Secret[], counts: Counts): Frame {
  return rewrittenWithMeta(frame, `"rea/redacted":${JSON.stringify(counts)}`, (replace) => {
    for (const { start, end, kind } of secrets) {
      replace(start, end, Buffer.from(`[REDACTED:${kind}]`));
    }
  });
}
