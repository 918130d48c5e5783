/** What a benchmark program is given and gives back. Types only. */
import type { Progress } from './progress.ts';
import type { ProgramResult } from './results.ts';
import type { Scope } from './scope.ts';
import type { Sides } from './sides.ts';

export interface Context {
  /** The Node that runs gateways and servers. */
  readonly node: string;
  /** Its version, such as `v20.19.0`. */
  readonly version: string;
  /** Small amounts, for a look rather than a publication. */
  readonly quick: boolean;
  /** On the clock of `performance.now()`: from then on nothing more is begun. Infinity in a full run. */
  readonly deadline: number;
  /** Repetitions that the command line asks for, null for the program's own number. */
  readonly repetitions: number | null;
  /** From 0 to 1, the same for the same seed. */
  readonly random: () => number;
  readonly scope: Scope;
  readonly sides: Sides;
  readonly progress: Progress;
}

/** What a program itself knows of its result. */
export type Measured = Pick<
  ProgramResult,
  'repetitions' | 'metrics' | 'figures' | 'goals' | 'notes'
>;

export interface Program {
  readonly name: string;
  readonly title: string;
  /** Its share of a quick run, which must end in time on a busy machine too. */
  readonly quickSeconds: number;
  /** One line for the help. */
  readonly summary: string;
  run(context: Context): Promise<Measured>;
}
