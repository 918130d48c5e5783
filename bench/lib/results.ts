/** The shape of what a run writes as JSON, and of what the report is made from; no code but the list of sides. */
import type { Machine } from './machine.ts';

/** One quantity that a program measures, for every scenario and side. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** Scale of its plot; without one there is a table only. */
  readonly plot?: 'linear' | 'log';
  /** A number that a comparison of sides makes no sense for. @default false */
  readonly control?: boolean;
}

/** A metric of one side in one scenario. */
export interface Figure {
  readonly metric: string;
  readonly scenario: string;
  readonly side: string;
  /** One for each repetition, in order. */
  readonly values: readonly number[];
  /** Why there are fewer values than repetitions: what the side did instead. */
  readonly note?: string;
}

/** One number of a goal. */
export interface GoalPart {
  readonly label: string;
  /** Null where it could not be measured. */
  readonly value: number | null;
  readonly must: number;
  readonly aim: number;
  /** Distance of the repetitions as a share of the median. */
  readonly spread: number;
}

export interface Goal {
  readonly figure: string;
  readonly limit: 'at most' | 'at least';
  readonly unit: string;
  readonly parts: readonly GoalPart[];
  /** What a reader must know to read the figure. */
  readonly note?: string;
}

export interface ProgramResult {
  readonly program: string;
  readonly title: string;
  /** ISO. */
  readonly at: string;
  readonly seconds: number;
  /** Load of the last minute before and after. */
  readonly load: readonly [before: number, after: number];
  /** Small amounts, for a look rather than a publication. */
  readonly quick: boolean;
  readonly repetitions: number;
  readonly metrics: readonly Metric[];
  readonly figures: readonly Figure[];
  readonly goals: readonly Goal[];
  readonly notes: readonly string[];
}

export interface Results {
  readonly schema: 1;
  readonly machine: Machine;
  readonly seed: number;
  /** Packages compared with, and the version of each. */
  readonly versions: Readonly<Record<string, string>>;
  /** Possibly of several runs with the same machine, versions and seed. */
  readonly programs: readonly ProgramResult[];
}

/** All sides in the order of tables, and how a client speaks to each; like is compared with like. */
export const TRANSPORTS: Readonly<Record<string, 'stdio' | 'HTTP'>> = {
  'node -e 0': 'stdio',
  direct: 'stdio',
  'thread-relay': 'stdio',
  'in-process': 'stdio',
  rea: 'stdio',
  'rea-before': 'stdio',
  'rea-free': 'stdio',
  'rea-shared': 'stdio',
  'rea-sessionless': 'stdio',
  'rea-http': 'HTTP',
  'rea-http-free': 'HTTP',
  'rea-http-sessionless': 'HTTP',
  'mcp-hub': 'HTTP',
  'mcp-proxy': 'HTTP',
  supergateway: 'HTTP',
};
