/** Pins programs: writes into `pins.json` that they may be started. */
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import {
  ownOf,
  type PinAction,
  type Pins,
  type ProgramPin,
  withForm,
  withOwn,
} from '../../shared/model/pins.ts';
import { clip } from '../../shared/text/clean-text.ts';
import { Redactor } from '../../shared/text/redact.ts';
import { firstNames } from '../config/first-of.ts';
import type { Policy } from '../config/policy.ts';
import type { ProgramTexts, Read } from '../config/program-texts.ts';
import { shellWord, shellWords } from '../config/shell-words.ts';
import type { Written } from '../config/written.ts';
import { type PinsUpdate, type UpdateOptions, updatePins } from './pins-file.ts';
import { ANCHOR_COMMAND, type Pin } from './program-pin.ts';
import type { ProgramPins } from './program-pins.ts';

/** A program that is to be pinned. */
export interface Accepted {
  /** Of its server. */
  readonly name: string;
  readonly pin: Pin;
  readonly shown: string;
}

export interface PinOptions extends UpdateOptions {
  /** What the project's policy may say of programs from now on; not given: as before. */
  readonly action?: PinAction;
  /** Only where no program was ever pinned. @default false */
  readonly onlyFirst?: boolean;
}

const LONGEST_SHOWN = 4096;
const LONGEST_COMMAND = 1000;
const LONGEST_WORD = 400;

/** The servers whose programs can be pinned: what it takes to know them is there. */
export function pinnable(
  servers: readonly ServerConfig[],
  written: ReadonlyMap<string, Written>,
): ServerConfig[] {
  return servers.filter((server) => {
    const program = written.get(server.name);
    if (program === undefined) return false;
    // Of a server that cannot be started the variables of its file may not have been read.
    return server.unavailable === null || program.kind === 'address' || program.envFile === null;
  });
}

/** @param pinOf of the written program of a server. */
export function acceptedOf(
  servers: readonly ServerConfig[],
  written: ReadonlyMap<string, Written>,
  texts: ProgramTexts,
  pin: (server: ServerConfig, written: Written) => Pin,
): Accepted[] {
  return servers.flatMap((server) => {
    const program = written.get(server.name);
    if (program === undefined) return [];
    const { name } = server;
    return [{ name, pin: pin(server, program), shown: texts(name) }];
  });
}

/** The program that the project's policy hands the anchors of the audit log, if there is one. */
export function acceptedAnchor(pins: ProgramPins, policy: Policy): Accepted[] {
  const pin = pins.anchorPin(policy);
  if (pin === null) return [];
  const words = shellWords(policy.audit.anchorCommand ?? [], 'arguments', LONGEST_COMMAND, (word) =>
    shellWord(new Redactor({}).redact(word), LONGEST_WORD),
  );
  return [{ name: ANCHOR_COMMAND, pin, shown: words }];
}

export function pinPrograms(
  stateDir: string,
  accepted: readonly Accepted[],
  { action, onlyFirst = false, ...options }: PinOptions = {},
): Promise<PinsUpdate> {
  const at = new Date().toISOString();
  return updatePins(
    stateDir,
    (pins) => {
      if (onlyFirst && pins.programs !== undefined) return pins;
      return withAction(withPrograms(pins, accepted, at), action);
    },
    options,
  );
}

/** The pins with these; the same object if there is nothing new. */
export function withPrograms(pins: Pins, accepted: readonly Accepted[], at: string): Pins {
  const programs = accepted.reduce((all, { name, pin: { pin, parts }, shown }) => {
    const forms = ownOf(all, name);
    // The last one is what the next change is compared with.
    if (forms?.at(-1)?.pin === pin) return all;
    const known = forms?.find((one) => one.pin === pin);
    const form: ProgramPin = { ...known, pin, at, parts, shown: clip(shown, LONGEST_SHOWN) };
    return withOwn(
      all,
      name,
      withForm(forms, form, (one) => one.pin === pin),
    );
  }, pins.programs ?? {});
  return programs === pins.programs ? pins : { ...pins, programs };
}

export function withAction(pins: Pins, action: PinAction | undefined): Pins {
  if (action === undefined || (pins.programs_action ?? 'block') === action) return pins;
  return { ...pins, programs_action: action };
}

/** @param by the person's act. */
export function acceptedEvent(accepted: readonly Accepted[], by: string): AuditEvent {
  const servers = firstNames(accepted.map(({ name }) => name));
  return { event: 'accept', facts: { what: 'program', servers, by } };
}

/** Servers that could be started and are not pinned. */
export function unpinned({ config, written }: Read, pins: ProgramPins): ServerConfig[] {
  return config.servers.filter((server) => {
    return server.unavailable === null && !pins.isPinned(server, written.get(server.name));
  });
}
