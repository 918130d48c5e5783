/**
 * A strict reader of the Prometheus text format 0.0.4, stricter than Prometheus itself: every family
 * has help and type before its samples, once; names, labels and values are well-formed; counters are
 * named and valued as such; histograms add up. And what two scrapes of one process must agree on.
 */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?)|[+-]Inf|NaN)$/;
const TYPES = new Set(['counter', 'gauge', 'histogram']);

/** One scrape. */
export class Scrape {
  readonly text: string;
  readonly families: ReadonlyMap<string, Family>;
  readonly #series = new Map<string, number>();

  /** @throws Error naming the line that is wrong. */
  constructor(text: string) {
    this.text = text;
    this.families = parse(text);
    for (const { samples } of this.families.values()) {
      for (const { name, labels, value } of samples) {
        const key = keyOf(name, labels);
        if (this.#series.has(key)) throw new Error(`twice: ${key}`);
        this.#series.set(key, value);
      }
    }
    for (const family of this.families.values()) check(family);
  }

  /** The value of one series. @throws Error when there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const value = this.#series.get(keyOf(name, labels));
    if (value === undefined) throw new Error(`no series ${keyOf(name, labels)}`);
    return value;
  }

  /** All values of one label in all series. */
  labelValues(label: string): Set<string> {
    const samples = [...this.families.values()].flatMap((family) => family.samples);
    return new Set(samples.flatMap(({ labels }) => labels[label] ?? []));
  }

  /** The sum of the samples of one name with these labels, whatever others they have. */
  sum(name: string, labels: Readonly<Record<string, string>>): number {
    let sum = 0;
    for (const { samples } of this.families.values()) {
      for (const one of samples) {
        const isOne = Object.entries(labels).every(([label, value]) => one.labels[label] === value);
        if (one.name === name && isOne) sum += one.value;
      }
    }
    return sum;
  }

  /** What is wrong with this as a later scrape of the same process: series lost, counters that fell. */
  faultsAfter(earlier: Scrape): string[] {
    const faults: string[] = [];
    for (const { type, samples } of earlier.families.values()) {
      for (const { name, labels, value } of samples) {
        const key = keyOf(name, labels);
        const now = this.#series.get(key);
        if (now === undefined) faults.push(`${key} is gone`);
        else if (type !== 'gauge' && now < value)
          faults.push(`${key} fell from ${value} to ${now}`);
      }
    }
    if (this.#series.size > earlier.#series.size) faults.push('there are more series than before');
    return faults;
  }
}

function parse(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('no newline at the end');
  const families = new Map<string, Family>();
  let help: [name: string, text: string] | null = null;
  let family: Family | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      help = [name, rest];
      family = null;
    } else if (kind === 'TYPE') {
      if (help?.[0] !== name || !TYPES.has(rest) || families.has(name)) throw new Error(line);
      family = { name, type: rest, help: help[1], samples: [] };
      families.set(name, family);
    } else {
      const sample = sampleOf(line);
      if (family === null || sample === null || !belongs(sample.name, family)) {
        throw new Error(`bad line: ${line}`);
      }
      family.samples.push(sample);
    }
  }
  return families;
}

function sampleOf(line: string): Sample | null {
  const [, name, labelText = '', valueText = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined || !VALUE.test(valueText)) return null;
  const labels: Record<string, string> = {};
  for (let rest = labelText; rest !== ''; ) {
    const [whole, label, value] = LABEL.exec(rest) ?? [];
    if (whole === undefined || label === undefined || label in labels) return null;
    labels[label] = JSON.parse(`"${value}"`);
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: numberOf(valueText) };
}

function numberOf(text: string): number {
  return text.endsWith('Inf') ? Number(`${text}inity`) : Number(text);
}

function belongs(name: string, { name: family, type }: Family): boolean {
  if (type !== 'histogram') return name === family;
  return ['_bucket', '_sum', '_count'].some((suffix) => name === `${family}${suffix}`);
}

function check({ name, type, samples }: Family): void {
  if (samples.length === 0) throw new Error(`${name} has no samples`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is no ${type}`);
  for (const { value } of samples) {
    if (!Number.isFinite(value) || (type !== 'gauge' && value < 0)) {
      throw new Error(`${name} has the value ${value}`);
    }
  }
  if (type === 'histogram') checkHistogram(name, samples);
}

/** For each set of labels: buckets in order that never fall, the last one infinite and equal to the count. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const sets = new Map<string, { buckets: [le: number, count: number][]; others: Sample[] }>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    const key = keyOf('', labels);
    const set = sets.get(key) ?? { buckets: [], others: [] };
    sets.set(key, set);
    const isBucket = sample.name === `${name}_bucket`;
    if (isBucket !== (le !== undefined)) throw new Error(`${sample.name}${key} and le`);
    if (le !== undefined) set.buckets.push([numberOf(le), sample.value]);
    else set.others.push(sample);
  }
  for (const [key, { buckets, others }] of sets) {
    const inOrder = buckets.every(([le, count], at) => {
      const [before, below] = buckets[at - 1] ?? [Number.NEGATIVE_INFINITY, 0];
      return le > before && count >= below;
    });
    const count = others.find((one) => one.name === `${name}_count`)?.value;
    const last = buckets.at(-1);
    if (!inOrder || others.length !== 2 || last?.[0] !== Infinity || last[1] !== count) {
      throw new Error(`the histogram ${name}${key} does not add up`);
    }
  }
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name}{${pairs.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join()}}`;
}
