/**
 * Which programs may be started: compares each server with what is pinned. Holds the pins as they were read
 * last; decides nothing about when a server is started.
 */
import { createHash } from 'node:crypto';
import type { ServerConfig } from '../../shared/model/config.ts';
import { ownOf, PIN_ACTIONS, type PinAction, type Pins } from '../../shared/model/pins.ts';
import { firstNames } from '../config/first-of.ts';
import type { Policy } from '../config/policy.ts';
import type { Written } from '../config/written.ts';
import { shellWord } from '../shell-word.ts';
import {
  ANCHOR_COMMAND,
  differing,
  type InProject,
  type Pin,
  pinOf,
  pinOfCommand,
} from './program-pin.ts';

export interface ProgramPinsOptions {
  readonly key: Buffer;
  readonly inProject: InProject;
  /** Arguments that a person has to give to `rea pins accept`, besides names: `--config FILE`. */
  readonly acceptArguments: string;
  /** Whoever has started the gateway wants every change of the file in force. */
  readonly takesAll: boolean;
}

/** `take`: as `off`, and pinned as it comes. */
export type ProgramsAction = PinAction | 'take';

export class ProgramPins {
  readonly #options: ProgramPinsOptions;
  #pins: Pins;
  #known: ReadonlySet<string>;
  #action: ProgramsAction = 'block';

  /** @param pins as they are in the file; those of a directory without pins allow nothing. */
  constructor(pins: Pins, options: ProgramPinsOptions) {
    this.#options = options;
    this.#pins = pins;
    this.#known = pinsIn(pins);
  }

  get pins(): Pins {
    return this.#pins;
  }

  /** The same for two processes that hold the same pins of programs. */
  get digest(): string {
    return digestOf(this.#pins);
  }

  /** What becomes of a program that is not pinned. */
  get action(): ProgramsAction {
    return this.#action;
  }

  /** The file has changed. @returns the names of servers that have a pin which they had not. */
  update(pins: Pins): string[] {
    const before = this.#known;
    this.#pins = pins;
    this.#known = pinsIn(pins);
    return Object.entries(pins.programs ?? {})
      .filter(([name, forms]) => forms.some(({ pin }) => !before.has(known(name, pin))))
      .map(([name]) => name);
  }

  /**
   * The policy as far as it holds: what the file of the project says more mildly than was accepted does not,
   * since whoever writes in the project may have written it.
   */
  inForce(policy: Policy): Policy {
    const { programs, programsAt, programsByProject } = policy.pins;
    const { takesAll } = this.#options;
    const accepted = this.#pins.programs_action ?? 'block';
    const isTooMild = programsByProject && milder(programs, accepted);
    this.#action = takesAll && programsAt === 'built-in' ? 'take' : isTooMild ? accepted : programs;
    const held = this.#withAnchor(policy);
    if (!isTooMild) return held;
    const warning = `${programsAt}: pins.programs: ${programs} does not hold, because it may be anybody's who writes in the project; to accept it: ${this.acceptCommand('--all')}`;
    return {
      ...held,
      pins: { ...held.pins, programs: accepted },
      warnings: [...held.warnings, warning],
    };
  }

  /** The program of the project's policy that gets the anchors of the audit log; null: there is none. */
  anchorPin({ anchorCommandAt, audit: { anchorCommand } }: Policy): Pin | null {
    if (anchorCommandAt === null || anchorCommand === null) return null;
    return pinOfCommand(this.#options.key, anchorCommand);
  }

  /** It is run by itself, and so is one program more that nobody may have seen. */
  #withAnchor(policy: Policy): Policy {
    const pin = this.anchorPin(policy);
    if (pin === null || this.#action !== 'block') return policy;
    if (this.#known.has(known(ANCHOR_COMMAND, pin.pin))) return policy;
    const warning = `${policy.anchorCommandAt}: audit.anchor_command is not run, because nobody has accepted it; to accept it for the next start: ${this.acceptCommand(ANCHOR_COMMAND)}`;
    return {
      ...policy,
      audit: { ...policy.audit, anchorCommand: null },
      warnings: [...policy.warnings, warning],
    };
  }

  pinOf(server: ServerConfig, written: Written): Pin {
    const { key, inProject } = this.#options;
    return pinOf(key, server, written, inProject);
  }

  isPinned(server: ServerConfig, written: Written | undefined): boolean {
    if (written === undefined) return false;
    // By its name, too: what it tells the model is pinned by the name of the server.
    return this.#known.has(known(server.name, this.pinOf(server, written).pin));
  }

  /** Whether something else of this name was pinned. */
  changeOf({ name }: ServerConfig): 'new' | 'changed' {
    return ownOf(this.#pins.programs, name) === null ? 'new' : 'changed';
  }

  /** Why a server is not started, in one line that ends with what to type. */
  why(server: ServerConfig, written: Written | undefined): string {
    const noun = server.endpoint === null ? 'program' : 'address';
    const toAccept = `to accept it: ${this.acceptCommand(server.name)}`;
    const forms = ownOf(this.#pins.programs, server.name);
    if (forms === null) return `its ${noun} is new and not pinned; ${toAccept}`;
    const parts = this.driftOf(server, written);
    const changed = parts.length === 0 ? '' : ` (changed: ${firstNames(parts).join(', ')})`;
    return `its ${noun} is not the one that was pinned${changed}; ${toAccept}`;
  }

  /** The parts that are not as they were pinned last. */
  driftOf(server: ServerConfig, written: Written | undefined): string[] {
    const before = ownOf(this.#pins.programs, server.name)?.at(-1)?.parts;
    if (before === undefined || written === undefined) return [];
    return differing(before, this.pinOf(server, written).parts);
  }

  /** @param what names, or `--all`. */
  acceptCommand(what: string): string {
    return `rea pins accept ${what}${this.#options.acceptArguments}`;
  }
}

/** Differs whenever other programs may be started. */
export function digestOf(pins: Pins): string {
  const said = [pins.programs_action ?? 'block', ...[...pinsIn(pins)].sort()];
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 16);
}

/** The arguments that `rea pins accept` needs to look at the same files. */
export function acceptArguments(options: {
  /** The file given with `--config`, absolute. */
  readonly config?: string | undefined;
  readonly stateDir?: string | undefined;
}): string {
  const { config, stateDir } = options;
  return [
    ...(config === undefined ? [] : [` --config ${shellWord(config)}`]),
    ...(stateDir === undefined ? [] : [` --state-dir ${shellWord(stateDir)}`]),
  ].join('');
}

function milder(one: PinAction, other: PinAction): boolean {
  return PIN_ACTIONS.indexOf(one) < PIN_ACTIONS.indexOf(other);
}

function pinsIn({ programs }: Pins): ReadonlySet<string> {
  const all = Object.entries(programs ?? {}).flatMap(([name, forms]) =>
    forms.map(({ pin }) => known(name, pin)),
  );
  return new Set(all);
}

function known(name: string, pin: string): string {
  return `${name} ${pin}`;
}
