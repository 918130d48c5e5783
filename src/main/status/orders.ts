/** In which order servers are shown. Pure. */
import type { Standing } from './standing.ts';
import type { DownstreamView } from './state-file.ts';

export const ORDERS = ['urgency', 'name', 'memory', 'CPU', 'p99'] as const;
export type Order = (typeof ORDERS)[number];

interface Ordered {
  readonly name: string;
  readonly standing: Standing;
  /** Null for a server that is not enabled. */
  readonly server: DownstreamView | null;
}

/** `urgency` keeps the order of the file among equals; figures: the largest first, those without one last. */
export function ordered<T extends Ordered>(all: readonly T[], order: Order): T[] {
  return all.toSorted((one, other) => difference(one, other, order));
}

function difference(one: Ordered, other: Ordered, order: Order): number {
  if (order === 'urgency') return one.standing.rank - other.standing.rank;
  const byName = one.name < other.name ? -1 : Number(one.name > other.name);
  return order === 'name' ? byName : figureOf(other, order) - figureOf(one, order) || byName;
}

function figureOf({ server }: Ordered, order: Exclude<Order, 'urgency' | 'name'>): number {
  switch (order) {
    case 'memory':
      return server?.rss_mb ?? -1;
    case 'CPU':
      return server?.cpu_percent ?? -1;
    case 'p99':
      return server?.p99_ms ?? -1;
    default:
      return order satisfies never;
  }
}
