/**
 * What a call was given, as the page may show it: short, without secrets, and harmless to look at. Takes time linear in
 * at most 64 KiB.
 */
import { givenIn } from '../../shared/json/given.ts';
import type { RedactPattern } from '../../shared/model/policy.ts';
import { errorText } from '../../shared/platform/errno.ts';
import { OperatorPatterns } from '../../shared/platform/operator-patterns.ts';
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import type { GivenRules } from '../operator/operable.ts';

/** A secret longer than this is not taken out as a whole. */
const MOST_LOOKED_AT = 64 * 1024;
const MOST_SHOWN = 200;
/** Each text is searched for the policy's patterns by itself, which takes time. */
const MOST_TEXTS = 1000;

export class Given {
  #patterns: readonly RedactPattern[] = [];
  #operator: OperatorPatterns | null = null;

  /** @param line the request as its server got it. @returns empty: it is given nothing. */
  shown(line: Uint8Array, { hide, patterns }: GivenRules): string {
    const at = givenIn(line);
    if (at === null) return '';
    const [start, end] = at;
    const isCut = end - start > MOST_LOOKED_AT;
    const bytes = line.subarray(start, isCut ? start + MOST_LOOKED_AT : end);
    const json = new TextDecoder().decode(bytes, { stream: true });
    const withheld = patterns.length === 0 ? null : this.#withheld(json, isCut, patterns);
    if (withheld !== null) return withheld;
    const text = oneLine(hide(json));
    if (!isCut && text.length <= MOST_SHOWN) return text;
    // A copy: a part of a text keeps all of it in memory.
    const head = Buffer.from(clip(text, MOST_SHOWN)).toString();
    return `${head}… (${end - start} bytes)`;
  }

  /** Frees what the patterns take. */
  close(): void {
    this.#operator?.close();
    this.#operator = null;
    this.#patterns = [];
  }

  /**
   * A pattern may match a part of another secret, and masking that part alone would leave the rest of it. So nothing of
   * what has a match is shown. @returns what is shown instead; null: there is no match.
   */
  #withheld(json: string, isCut: boolean, patterns: readonly RedactPattern[]): string | null {
    try {
      const texts = isCut ? null : textsIn(JSON.parse(json));
      if (texts === null) return '[not shown: too long to be searched for redact.patterns]';
      const operator = this.#operatorOf(patterns);
      for (const text of [json, ...texts]) {
        const [found] = operator.find(text);
        if (found !== undefined) return `[REDACTED:${found.kind}]`;
      }
      return null;
    } catch (error) {
      // The engine of the patterns may run out of its memory.
      return clip(`[not shown: redact.patterns: ${oneLine(errorText(error))}]`, MOST_SHOWN);
    }
  }

  #operatorOf(patterns: readonly RedactPattern[]): OperatorPatterns {
    if (this.#operator !== null && this.#patterns === patterns) return this.#operator;
    this.close();
    this.#operator = new OperatorPatterns(patterns);
    this.#patterns = patterns;
    return this.#operator;
  }
}

/** All texts in a value, names as well; null: there are too many. */
function textsIn(value: unknown): string[] | null {
  const texts: string[] = [];
  const left = [value];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one === 'string') texts.push(one);
    else if (Array.isArray(one)) left.push(...one);
    else if (typeof one === 'object' && one !== null) {
      texts.push(...Object.keys(one));
      left.push(...Object.values(one));
    }
    if (texts.length > MOST_TEXTS) return null;
  }
  return texts;
}
