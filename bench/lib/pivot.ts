/** From figures to the cells of tables: one table for each metric, scenarios down, sides across. Pure. */
import {
  type Goal,
  type GoalPart,
  type Metric,
  type ProgramResult,
  TRANSPORTS,
} from './results.ts';
import { median, spread } from './statistics.ts';

/** From so many on the same remark is only counted. */
const MANY = 5;

export interface Pivot {
  readonly metric: Metric;
  readonly sides: readonly string[];
  readonly rows: readonly { readonly scenario: string; readonly cells: readonly Cell[] }[];
}

export interface Cell {
  readonly side: string;
  /** Null where nothing was measured. */
  readonly median: number | null;
  readonly lowest: number | null;
  readonly highest: number | null;
  readonly spread: number;
  readonly note: string | null;
}

export function pivots({ metrics, figures }: ProgramResult): Pivot[] {
  return metrics.flatMap((metric) => {
    const own = figures.filter((figure) => figure.metric === metric.name);
    if (own.length === 0) return [];
    const sides = Object.keys(TRANSPORTS).filter((name) => own.some(({ side }) => side === name));
    const scenarios = [...new Set(own.map(({ scenario }) => scenario))];
    const rows = scenarios.map((scenario) => ({
      scenario,
      cells: sides.map((side) => {
        const figure = own.find((one) => one.scenario === scenario && one.side === side);
        const values = figure?.values ?? [];
        return {
          side,
          median: values.length === 0 ? null : median(values),
          lowest: values.length === 0 ? null : Math.min(...values),
          highest: values.length === 0 ? null : Math.max(...values),
          spread: spread(values),
          note: figure?.note ?? null,
        };
      }),
    }));
    return [{ metric, sides, rows }];
  });
}

/** The spread in percent after the median, where it was measured more than once. */
export function cellText({ median: value, spread: share, note }: Cell): string {
  if (value === null) return note === null ? '' : '–';
  return share === 0 ? shown(value) : `${shown(value)} (${Math.round(share * 100)} %)`;
}

/** Three significant digits, thousands apart. */
export function shown(value: number): string {
  if (value === 0) return '0';
  const text = Math.abs(value) >= 1000 ? Math.round(value).toString() : value.toPrecision(3);
  if (Math.abs(value) < 1000) return String(Number(text));
  return text.replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** What sides did instead of being measured, one line for each; a long list of the same only counted. */
export function remarks({ figures }: ProgramResult): string[] {
  const byNote = new Map<string, string[]>();
  for (const { side, scenario, note } of figures) {
    if (note !== undefined) byNote.set(note, [...(byNote.get(note) ?? []), `${side}, ${scenario}`]);
  }
  return [...byNote].flatMap(([note, places]) =>
    places.length > MANY
      ? [`${places.length} points: ${note}`]
      : places.map((place) => `${place}: ${note}`),
  );
}

export type Verdict = 'aim reached' | 'must reached' | 'missed' | 'not measured';

export function verdict({ limit }: Goal, { value, must, aim }: GoalPart): Verdict {
  if (value === null) return 'not measured';
  const within = (bound: number) => (limit === 'at most' ? value <= bound : value >= bound);
  if (within(aim)) return 'aim reached';
  return within(must) ? 'must reached' : 'missed';
}

/** One line for each part of each goal: figure, measured, must, aim, verdict. */
export function goalRows(goals: readonly Goal[]): string[][] {
  return goals.flatMap((goal) =>
    goal.parts.map((part) => {
      const sign = goal.limit === 'at most' ? '≤' : '≥';
      return [
        `${goal.figure}: ${part.label}`,
        part.value === null ? '–' : `${shown(part.value)} ${goal.unit}`,
        part.value === null ? '' : `${Math.round(part.spread * 100)} %`,
        `${sign} ${shown(part.must)}`,
        `${sign} ${shown(part.aim)}`,
        verdict(goal, part),
      ];
    }),
  );
}

export const GOAL_HEAD = ['goal', 'measured', 'spread', 'must', 'aim', 'verdict'];
