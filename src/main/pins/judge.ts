/** Whoever judges definitions, as main sees it, and how long main waits for that. */
import type { Facts } from '../../shared/machines/drift.ts';
import type { Finding, Judged } from '../../shared/model/findings.ts';

export interface Judge {
  /** The findings of each, in the same order; null: it was not judged. Copies what it hands on to a thread. */
  judge(items: readonly Judged[]): Promise<readonly (readonly Finding[] | null)[]>;
}

export type Verdicts = Awaited<ReturnType<Judge['judge']>>;

/** Longer than that no list waits. */
const WAIT_MS = 5000;

/** Null: nobody has judged in time. */
export async function inTime(asked: Promise<Verdicts>, waitMs = WAIT_MS): Promise<Verdicts | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), waitMs);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

const MOST_RULES = 32;
const LONGEST_RULE = 64;

/** What the pins keep of findings. */
export function verdictOf(findings: readonly Finding[] | null): Pick<Facts, 'rules' | 'hard'> {
  if (findings === null) return { rules: null, hard: false };
  const rules = new Set(findings.map(({ rule }) => rule.slice(0, LONGEST_RULE)));
  return { rules: [...rules].slice(0, MOST_RULES), hard: findings.some(({ hard }) => hard) };
}
