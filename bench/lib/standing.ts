/** Where rea is ahead and where it is behind, in short lists: one line for each figure of a program. Pure. */
import { type Comparison, comparisons } from './losses.ts';
import { shown } from './pivot.ts';
import { WHY_BEHIND } from './reasons.ts';
import type { Results } from './results.ts';

/** @param who which of the two the lines say is better. */
export function standing(runs: readonly Results[], who: 'rea' | 'rival'): string {
  const lines = new Map<string, Comparison[]>();
  for (const one of runs.flatMap(({ programs }) => programs.flatMap(comparisons))) {
    const key = `${one.program}, ${one.metric}`;
    lines.set(key, [...(lines.get(key) ?? []), one]);
  }
  const written = [...lines].flatMap(([figure, all]) => {
    const rivals = [...new Set(all.map(({ rival }) => rival))].flatMap((rival) => {
      const cases = all.filter((one) => one.rival === rival);
      const better = cases.filter((one) => one.who === who);
      return better.length === 0
        ? []
        : [`${rival} ${extent(better)} (${better.length} of ${cases.length})`];
    });
    if (rivals.length === 0) return [];
    const why = who === 'rival' ? WHY_BEHIND[figure] : undefined;
    return [`- *${figure}*: ${rivals.join(', ')}${why === undefined ? '' : `. ${why}`}.`];
  });
  return written.length === 0 ? 'Nowhere in these runs.' : written.join('\n');
}

/** How many times better, from the least to the most. */
function extent(better: readonly Comparison[]): string {
  const times = better.map((one) => one.times).filter(Number.isFinite);
  if (times.length === 0) return 'altogether';
  const [least, most] = [Math.min(...times), Math.max(...times)].map(rough) as [string, string];
  return least === most ? `${least} ×` : `${least} to ${most} ×`;
}

/** Two digits are enough for a list. */
function rough(value: number): string {
  return shown(Number(value.toPrecision(2)));
}
