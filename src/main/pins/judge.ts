/** Whoever judges definitions, as main sees it, and how long main waits for that. */
import type { Finding, Judged } from '../../shared/model/findings.ts';

export interface Judge {
  /** The findings of each, in the same order; null: it was not judged. Copies what it hands on to a thread. */
  judge(items: readonly Judged[]): Promise<readonly (readonly Finding[] | null)[]>;
}

/** Longer than that no list waits. */
const WAIT_MS = 5000;

/** Null for each that nobody has judged in time. */
export async function judged(
  judge: Judge,
  items: readonly Judged[],
  waitMs = WAIT_MS,
): Promise<readonly (readonly Finding[] | null)[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), waitMs);
  });
  try {
    const found = await Promise.race([judge.judge(items), late]);
    return items.map((_, at) => found?.[at] ?? null);
  } catch {
    return items.map(() => null);
  } finally {
    clearTimeout(timer);
  }
}
