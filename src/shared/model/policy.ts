/** The rules about calls as the gate and the supervisors see them. Types and constants only. */
import type { Token } from '../text/glob-tokens.ts';
import type { Tier } from './tier.ts';

export const LEVELS = ['L0', 'L1', 'L2', 'L3'] as const;

export type AutonomyLevel = (typeof LEVELS)[number];

/** What a level means for a call of a tier. */
export type Verdict = 'pass' | 'ask' | 'deny';

export const VERDICTS: Readonly<Record<AutonomyLevel, Readonly<Record<Tier, Verdict>>>> = {
  L0: { read: 'pass', write: 'deny', destructive: 'deny' },
  L1: { read: 'pass', write: 'pass', destructive: 'deny' },
  L2: { read: 'pass', write: 'pass', destructive: 'ask' },
  L3: { read: 'pass', write: 'pass', destructive: 'pass' },
};

/** Patterns of a policy file for names like `files__read_file`. */
export interface ToolPatterns {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Where they are written: `.rea/policy.yaml:4`. */
  readonly allowAt: string;
  readonly denyAt: string;
}

/** One name of a path: any number of them, or one that matches an alternative. */
export type PathName = 'deep' | readonly (readonly Token[])[];

/** A pattern of paths that no argument may name. */
export interface BlockedPath {
  readonly pattern: string;
  /** Where it is written. */
  readonly at: string;
  /** Names of absolute paths, folded; a path is meant that begins with one of these. */
  readonly ways: readonly (readonly PathName[])[];
}

/** A pattern of the operator's for what is not to be seen in results. */
export interface RedactPattern {
  readonly name: string;
  readonly regex: string;
  readonly flags: string;
  /** Where it is written. */
  readonly at: string;
}

export const REDACT_RESULTS = ['off', 'warn', 'mask'] as const;
export const REDACT_ARGUMENTS = ['off', 'warn', 'deny'] as const;

/** What becomes of secrets in what servers and clients say to each other; each milder word before the sterner. */
export interface RedactRules {
  /** @default 'mask' */
  readonly results: (typeof REDACT_RESULTS)[number];
  /** @default 'warn' */
  readonly arguments: (typeof REDACT_ARGUMENTS)[number];
  readonly patterns: readonly RedactPattern[];
}

/** What becomes of results that hide something; each milder word before the sterner. */
export const INJECTION = ['off', 'warn', 'block'] as const;
export type InjectionDetection = (typeof INJECTION)[number];

export const DEFAULT_REDACT: RedactRules = { results: 'mask', arguments: 'warn', patterns: [] };

export interface Level {
  readonly level: AutonomyLevel;
  /** Where it is written; `built-in` where it is not. */
  readonly levelAt: string;
}

/** The rules of the policies for one server. */
export interface ServerRules extends Level {
  /**
   * That of the person's own policy for all projects; null: there is none. Tiers that are lowered by what lies in
   * the project do not count for it.
   */
  readonly floor: Level | null;
  /** How long a person may take to answer the gateway's question, milliseconds. @default 120000 */
  readonly askTimeoutMs: number;
  readonly tools: readonly ToolPatterns[];
  readonly blockedPaths: readonly BlockedPath[];
  readonly redact: RedactRules;
  /** @default 'warn' */
  readonly injection: InjectionDetection;
  readonly places: RulePlaces;
}

/** Where the rules of a server's own entry are written, `.rea/registry.yaml:7` for example. */
export interface RulePlaces {
  readonly allow: string;
  readonly deny: string;
  readonly tiers: string;
  readonly rate: string;
}

export const NO_RULES: ServerRules = {
  level: 'L3',
  levelAt: 'built-in',
  floor: null,
  askTimeoutMs: 120_000,
  tools: [],
  blockedPaths: [],
  redact: DEFAULT_REDACT,
  injection: 'warn',
  places: { allow: '', deny: '', tiers: '', rate: '' },
};
