/** Where another side is better than rea, and where rea is: found in the figures, not chosen. Pure. */
import { type Cell, pivots } from './pivot.ts';
import { type ProgramResult, TRANSPORTS } from './results.ts';

/** A figure of rea beside the same of another gateway. */
export interface Comparison {
  readonly program: string;
  readonly metric: string;
  readonly scenario: string;
  readonly rival: string;
  readonly rea: number;
  readonly theirs: number;
  readonly who: 'rea' | 'rival' | 'neither';
  /** How many times better that one is; not finite where the other has nothing, or the better one needs nothing. */
  readonly times: number;
}

/** A difference below this share is none. */
const TOLERANCE = 0.05;

/** Direct use of a server is no rival, nor is a relay: no gateway can be better than none. Nor is rea itself. */
const NO_RIVALS: readonly string[] = [
  'node -e 0',
  'direct',
  'thread-relay',
  'rea',
  'rea-free',
  'rea-shared',
  'rea-http',
  'rea-http-free',
  'rea-sessionless',
  'rea-http-sessionless',
];

/** All of one program. */
export function comparisons(result: ProgramResult): Comparison[] {
  return pivots(result).flatMap(({ metric, rows }) =>
    metric.control === true
      ? []
      : rows.flatMap(({ scenario, cells }) =>
          cells.flatMap((cell) => {
            const rea = championAgainst(cell, cells);
            const theirs = cell.median;
            if (rea === null || theirs === null) return [];
            const { program } = result;
            const about = { program, metric: metric.name, scenario, rival: cell.side, rea, theirs };
            return [{ ...about, ...compared(rea, theirs, metric.better) }];
          }),
        ),
  );
}

/** rea's figure over the rival's transport, or over stdio where it was measured over that only. */
function championAgainst({ side }: Cell, cells: readonly Cell[]): number | null {
  if (NO_RIVALS.includes(side)) return null;
  const of = (name: string) => cells.find((cell) => cell.side === name)?.median ?? null;
  return (TRANSPORTS[side] === 'HTTP' ? of('rea-http') : null) ?? of('rea');
}

function compared(
  rea: number,
  theirs: number,
  better: 'lower' | 'higher',
): Pick<Comparison, 'who' | 'times'> {
  if (beats(theirs, rea, better)) return { who: 'rival', times: times(theirs, rea) };
  if (beats(rea, theirs, better)) return { who: 'rea', times: times(rea, theirs) };
  return { who: 'neither', times: 1 };
}

function beats(one: number, other: number, better: 'lower' | 'higher'): boolean {
  return better === 'lower' ? one < other * (1 - TOLERANCE) : one > other * (1 + TOLERANCE);
}

function times(one: number, other: number): number {
  return Math.max(one, other) / Math.min(one, other);
}
