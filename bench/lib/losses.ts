/** Where another side is better than rea: found in the figures, not chosen. Pure. */
import { type Cell, pivots } from './pivot.ts';
import { type ProgramResult, TRANSPORTS } from './results.ts';

export interface Loss {
  readonly program: string;
  readonly metric: string;
  readonly unit: string;
  readonly scenario: string;
  readonly rival: string;
  readonly rea: number;
  readonly theirs: number;
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
];

/** All of one program. */
export function losses(result: ProgramResult): Loss[] {
  return pivots(result).flatMap(({ metric, rows }) =>
    metric.control === true
      ? []
      : rows.flatMap(({ scenario, cells }) =>
          cells.flatMap((rival) => {
            const own = championAgainst(rival, cells);
            if (own === null || !beats(rival.median, own, metric.better)) return [];
            return [
              {
                program: result.program,
                metric: metric.name,
                unit: metric.unit,
                scenario,
                rival: rival.side,
                rea: own,
                theirs: rival.median as number,
              },
            ];
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

function beats(theirs: number | null, own: number, better: 'lower' | 'higher'): boolean {
  if (theirs === null) return false;
  return better === 'lower' ? theirs < own * (1 - TOLERANCE) : theirs > own * (1 + TOLERANCE);
}
