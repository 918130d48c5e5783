/**
 * The pins of programs at the start of a gateway: a directory without any gets those of its configuration as
 * they come; after that, a program that is not pinned is not started until a person has accepted it.
 */
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import { NO_PINS } from '../../shared/model/pins.ts';
import { clip } from '../../shared/text/clean-text.ts';
import type { Policy } from '../config/policy.ts';
import { programTexts, type Read } from '../config/program-texts.ts';
import { programsInProject } from './in-project.ts';
import {
  type Accepted,
  acceptedAnchor,
  acceptedEvent,
  acceptedOf,
  pinnable,
  pinPrograms,
  unpinned,
  withAction,
  withPrograms,
} from './pin-programs.ts';
import { pinsKey } from './pins-file.ts';
import { ANCHOR_COMMAND } from './program-pin.ts';
import { ProgramPins } from './program-pins.ts';
import { pinsPath, readPins } from './read-pins.ts';

export interface PinsStart {
  /** Absolute. */
  readonly cwd: string;
  /** Exists, and is ours alone. */
  readonly stateDir: string;
  readonly read: Read;
  readonly policy: Policy;
  readonly env: NodeJS.ProcessEnv;
  /** See `ProgramPins`. */
  readonly acceptArguments: string;
  readonly takesAll: boolean;
}

export type PinsStarted =
  | {
      readonly ok: true;
      readonly pins: ProgramPins;
      /** As far as it holds. */
      readonly policy: Policy;
      /** Not to be started, with the reason by name. */
      readonly blocked: ReadonlyMap<string, string>;
      /** For the log. */
      readonly told: readonly Told[];
      /** To be called once the gateway is up: a start that fails accepts nothing. @returns lines for the log. */
      readonly pinFirst: () => Promise<readonly Told[]>;
      /** For the audit log. */
      readonly events: readonly AuditEvent[];
    }
  /** One line. */
  | { readonly ok: false; readonly message: string };

export interface Told {
  readonly level: 'info' | 'warn';
  readonly line: string;
}

/** Of a damaged file: so much is said of what would be accepted. */
const LONGEST_OFFER = 2000;

export async function startPins(start: PinsStart): Promise<PinsStarted> {
  const { stateDir, read, env, cwd, acceptArguments, takesAll } = start;
  const file = readPins(stateDir);
  const texts = programTexts(read, [], env);
  if (file.kind === 'damaged') {
    const offer = read.config.servers.map(({ name }) => `${name}: ${texts(name)}`).join('; ');
    const command = `rea pins accept --all${acceptArguments}`;
    return {
      ok: false,
      message: `${pinsPath(stateDir)} ${file.why}, so nobody knows which programs were accepted, and none is started; to accept those of the configuration: ${command} (${clip(offer, LONGEST_OFFER)})`,
    };
  }
  const key = pinsKey(stateDir);
  if (!key.ok) return { ok: false, message: key.error };
  const options = {
    key: key.key,
    inProject: programsInProject(cwd, env),
    acceptArguments,
    takesAll,
  };
  const pins = new ProgramPins(file.kind === 'absent' ? NO_PINS : file.pins, options);
  const servers = pinnable(read.config.servers, read.written);
  const all = [
    ...acceptedOf(servers, read.written, texts, (...one) => pins.pinOf(...one)),
    ...acceptedAnchor(pins, start.policy),
  ];
  const isFirst = pins.pins.programs === undefined;
  const writeFirst = isFirst ? first(start, pins, all) : null;
  const policy = pins.inForce(start.policy);
  const judged = await judge(start, pins, all);
  const events =
    writeFirst === null ? judged.events : [acceptedEvent(all, 'first start'), ...judged.events];
  return { ok: true, pins, policy, ...judged, events, pinFirst: writeFirst ?? nothing };
}

const nothing = async (): Promise<readonly Told[]> => [];

/** Nothing was ever pinned here: what is configured is accepted as it comes. @returns what writes that down. */
function first(
  { stateDir, policy }: PinsStart,
  pins: ProgramPins,
  all: readonly Accepted[],
): (() => Promise<readonly Told[]>) | null {
  const { programs, programsByProject } = policy.pins;
  if (all.length === 0 || programs === 'off') {
    // What the policy says is as new as everything else here.
    pins.update({ ...pins.pins, programs_action: programs });
    return null;
  }
  const action = programsByProject ? programs : 'block';
  pins.update(withAction(withPrograms(pins.pins, all, new Date().toISOString()), action));
  return async () => {
    const written = await pinPrograms(stateDir, all, { action, onlyFirst: true });
    if (!written.ok) {
      return [{ level: 'warn', line: `${written.error}; it is pinned for this run` }];
    }
    // Another gateway was first.
    if (!written.written) return [];
    return all.map(({ name, shown }) => ({
      level: 'info',
      line: `${subject(name)} is pinned as it comes, since nothing was pinned here before: ${shown}`,
    }));
  };
}

function subject(name: string): string {
  return name === ANCHOR_COMMAND ? name : `server "${name}"`;
}

type Judged = Pick<Extract<PinsStarted, { ok: true }>, 'blocked' | 'told' | 'events'>;

async function judge(
  { stateDir, read }: PinsStart,
  pins: ProgramPins,
  all: readonly Accepted[],
): Promise<Judged> {
  const { action } = pins;
  const found = unpinned(read, pins);
  const blocked = new Map<string, string>();
  if (action === 'off' || found.length === 0) return { blocked, told: [], events: [] };
  const shownOf = new Map(all.map(({ name, shown }) => [name, shown]));
  const line = (server: ServerConfig, what: string) => {
    const why = pins.why(server, read.written.get(server.name));
    return `server "${server.name}" ${what}: ${why} (${shownOf.get(server.name) ?? ''})`;
  };
  if (action === 'take') {
    const isFound = (name: string) => found.some((server) => server.name === name);
    const taken = all.filter(({ name }) => name === ANCHOR_COMMAND || isFound(name));
    const told: Told[] = taken.map(({ name, shown }) => ({
      level: 'info',
      line: `server "${name}" is pinned, as --reload auto says: ${shown}`,
    }));
    const written = await pinPrograms(stateDir, taken);
    if (written.ok) pins.update(written.pins);
    else told.push({ level: 'warn', line: written.error });
    return { blocked, told, events: [acceptedEvent(taken, '--reload auto')] };
  }
  if (action === 'warn') {
    const told: Told[] = found.map((server) => ({
      level: 'warn',
      line: line(server, 'is started all the same (pins.programs: warn)'),
    }));
    return { blocked, told, events: [] };
  }
  for (const server of found) {
    blocked.set(server.name, pins.why(server, read.written.get(server.name)));
  }
  return { blocked, told: [], events: found.map((server) => blockedEvent(server, pins)) };
}

function blockedEvent(server: ServerConfig, pins: ProgramPins): AuditEvent {
  const facts = { what: 'program', change: pins.changeOf(server) };
  return { event: 'blocked', server: server.name, status: 'denied', facts };
}
