/**
 * Collects the figures of one program while it runs, and derives the ratios of goals from them: always
 * value by value of the same repetition, then the median.
 */
import type { Figure, GoalPart, Metric } from './results.ts';
import { median, spread } from './statistics.ts';

/** Names one list of values. */
export interface Place {
  readonly metric: string;
  readonly scenario: string;
  readonly side: string;
}

export class Recorder {
  readonly metrics: readonly Metric[];
  readonly #figures = new Map<string, { place: Place; values: number[]; note?: string }>();

  constructor(metrics: readonly Metric[]) {
    this.metrics = metrics;
  }

  /** The metric under which remarks are kept. */
  get first(): string {
    return this.metrics[0]?.name ?? '';
  }

  add(scenario: string, side: string, values: Readonly<Record<string, number>>): void {
    for (const [metric, value] of Object.entries(values)) {
      if (!this.metrics.some(({ name }) => name === metric)) throw new Error(`metric ${metric}?`);
      if (Number.isFinite(value)) this.#at({ metric, scenario, side }).values.push(value);
    }
  }

  /** Says why a side has no value, or what is special about the ones it has. */
  remark(place: Place, note: string): void {
    this.#at(place).note = note;
  }

  values(place: Place): readonly number[] {
    return this.#figures.get(key(place))?.values ?? [];
  }

  /** A goal about one list of values. */
  part(label: string, place: Place, limits: { must: number; aim: number }): GoalPart {
    return goalPart(label, this.values(place), limits);
  }

  /** A goal about one list of values divided by another. */
  ratio(
    label: string,
    above: Place,
    below: Place,
    limits: { must: number; aim: number },
  ): GoalPart {
    const divisors = this.values(below);
    const ratios = this.values(above)
      .slice(0, divisors.length)
      .map((value, at) => value / (divisors[at] as number));
    return goalPart(label, ratios, limits);
  }

  figures(): Figure[] {
    return [...this.#figures.values()].map(({ place, values, note }) => ({
      ...place,
      values: values.map(rounded),
      ...(note === undefined ? {} : { note }),
    }));
  }

  #at(place: Place): { values: number[]; note?: string } {
    const found = this.#figures.get(key(place));
    if (found !== undefined) return found;
    const made = { place, values: [] };
    this.#figures.set(key(place), made);
    return made;
  }
}

export function goalPart(
  label: string,
  values: readonly number[],
  limits: { must: number; aim: number },
): GoalPart {
  const value = values.length === 0 ? null : rounded(median(values));
  return { label, value, ...limits, spread: rounded(spread(values)) };
}

function key({ metric, scenario, side }: Place): string {
  return JSON.stringify([metric, scenario, side]);
}

/** Four significant digits: more would only pretend. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
