/**
 * What `rea doctor` has found: what it is, why, and what mends it. Made from the table of causes alone, so that each
 * command says the same; every text is bounded and does nothing to a terminal.
 */
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';
import { type FoundCode, found, type Severity } from '../causes/found.ts';

export interface Finding {
  readonly severity: Severity;
  /** Name of a server; null: it is about the machine or the project. */
  readonly subject: string | null;
  readonly what: string;
  readonly why: string;
  /** What to type or write next; null when nobody knows. */
  readonly action: string | null;
  /** A word that stays the same in later versions. */
  readonly code: string;
}

/** UTF-16 units of one value, such as what a server has said. */
const LONGEST = 1024;

/** @param values for `$1` to `$3` of the row. */
export function finding(
  code: FoundCode,
  subject: string | null,
  ...values: readonly string[]
): Finding {
  return { subject, code, ...found(code, ...values.map((value) => shownText(value))) };
}

/** One line, at most 1024 UTF-16 units. */
export function shownText(text: string): string {
  const shown = cleanForTerminal(
    text
      .slice(0, 2 * LONGEST)
      .replaceAll(/[\t\r\n]+/g, ' ')
      .trim(),
  );
  return shown.length <= LONGEST ? shown : `${clip(shown, LONGEST - 1)}…`;
}

const RANKS: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** The worst first; what is about the machine before servers. */
export function sorted(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity, subject }: Finding) => 2 * RANKS[severity] + (subject === null ? 0 : 1);
  return findings.toSorted((one, other) => rank(one) - rank(other));
}

/** Something to mend. */
export function isTrouble({ severity }: Finding): boolean {
  return severity !== 'note';
}
