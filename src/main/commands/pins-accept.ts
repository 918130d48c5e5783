/**
 * `rea pins accept`: pins programs as they are configured now. The file is written before anything is said;
 * gateways that run see it within a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { PinAction } from '../../shared/model/pins.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import { recordCommand } from '../audit/command-records.ts';
import { notRecorded } from '../audit/recorded.ts';
import { firstNames } from '../config/first-of.ts';
import { nearest } from '../config/problem.ts';
import { displayName } from '../config/read-file.ts';
import {
  commandPins,
  damagedLine,
  type PinsCommandOptions,
  type PinsPlace,
  pinsPlace,
} from '../pins/command-place.ts';
import {
  type Accepted,
  acceptedAnchor,
  acceptedEvent,
  acceptedOf,
  pinnable,
  pinPrograms,
} from '../pins/pin-programs.ts';
import { pinsKey } from '../pins/pins-file.ts';
import { ANCHOR_COMMAND } from '../pins/program-pin.ts';
import { digestOf } from '../pins/program-pins.ts';
import { prepareStateDirectory } from '../processes/state-directory.ts';
import { collect } from '../status/collect.ts';
import { gatewaysOf, lives } from '../status/gateways.ts';

export interface PinsAcceptOptions extends PinsCommandOptions {
  /** Names of servers. */
  readonly names: readonly string[];
  readonly all: boolean;
}

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** A gateway looks at the file five times a second. */
const CONFIRM_MS = 2000;
const LOOK_EVERY_MS = 20;

/** Resolves with the exit code: 0 accepted, 1 not, 2 nothing is named. */
export async function runPinsAccept(options: PinsAcceptOptions): Promise<number> {
  const { all, names, stderr } = options;
  const fail = (lines: string | readonly string[], code = EXIT_FAILED): number => {
    for (const line of [lines].flat()) stderr.write(`${oneLine(line)}\n`);
    return code;
  };
  if (all === names.length > 0) {
    return fail('name servers, or give --all: rea pins accept NAME…', EXIT_USAGE);
  }
  const place = pinsPlace(options);
  if (!('loaded' in place)) return fail(place);
  const named = wantedIn(options, place);
  if ('problems' in named) return fail(named.problems);
  const state = prepareStateDirectory(place.place);
  if (!state.ok) return fail(state.error);
  const key = pinsKey(state.dir);
  if (!key.ok) return fail(key.error);
  const pins = commandPins(options, place, key.key);
  const anchor = named.anchor ? acceptedAnchor(pins, place.policy) : [];
  const accepted = [
    ...acceptedOf(named.servers, place.loaded.written, place.texts, (...one) => pins.pinOf(...one)),
    ...anchor,
  ];
  const recorded = recordCommand(place.place, acceptedEvent(accepted, command(options)));
  const unrecorded = notRecorded(recorded);
  if (unrecorded !== null) fail(unrecorded);
  if (recorded.kind === 'failed' && recorded.refuse) return EXIT_FAILED;
  const written = await pinPrograms(state.dir, accepted, {
    replaceDamaged: all,
    ...(all ? { action: mildestOf(place) } : {}),
  });
  if (!written.ok) return fail(written.error);
  await report(options, place, accepted, digestOf(written.pins));
  fail(named.left);
  return 0;
}

/** What the project's policy may say from now on. */
function mildestOf({ policy }: PinsPlace): PinAction {
  return policy.pins.programsByProject ? policy.pins.programs : 'block';
}

type Wanted =
  | {
      readonly servers: readonly ServerConfig[];
      readonly anchor: boolean;
      /** A line for each that cannot be pinned. */
      readonly left: readonly string[];
    }
  | { readonly problems: readonly string[] };

/** The programs that are meant. */
function wantedIn({ all, names, cwd }: PinsAcceptOptions, place: PinsPlace): Wanted {
  const damaged = damagedLine(place);
  if (damaged !== null && !all) return { problems: [damaged] };
  const { servers } = place.loaded.config;
  const anchor = all || names.includes(ANCHOR_COMMAND);
  if (!all && anchor && place.policy.anchorCommandAt === null) {
    return { problems: [`the policy of the project has no ${ANCHOR_COMMAND}`] };
  }
  const unknown = names.filter(
    (name) => name !== ANCHOR_COMMAND && servers.every((one) => one.name !== name),
  );
  if (unknown.length > 0) return { problems: unknown.map((name) => unknownLine(name, place, cwd)) };
  const wanted = all ? servers : servers.filter(({ name }) => names.includes(name));
  const known = pinnable(wanted, place.loaded.written);
  const left = wanted.filter((server) => !known.includes(server)).map(cannotLine);
  return !all && left.length > 0 ? { problems: left } : { servers: known, anchor, left };
}

async function report(
  { cwd, env, stdout, all }: PinsAcceptOptions,
  { policy }: PinsPlace,
  accepted: readonly Accepted[],
  digest: string,
): Promise<void> {
  const say = (line: string) => stdout.write(`${oneLine(line)}\n`);
  for (const { name, shown } of accepted) say(`accepted: ${name}: ${shown}`);
  const { programs, programsAt, programsByProject } = policy.pins;
  if (all && programsByProject && programs !== 'block') {
    say(`accepted: pins.programs: ${programs} (${programsAt})`);
  }
  const startedAt = performance.now();
  let found = standings(cwd, env, digest);
  while (found.waiting.length > 0 && performance.now() - startedAt < CONFIRM_MS) {
    await sleep(LOOK_EVERY_MS);
    found = standings(cwd, env, digest);
  }
  const ms = Math.round(performance.now() - startedAt);
  if (found.living === 0) return void say('no gateway is running here; rea serve starts them');
  if (found.waiting.length === 0) {
    const gateways = found.living === 1 ? '1 gateway' : `${found.living} gateways`;
    return void say(`in force in ${gateways} after ${ms} ms`);
  }
  const pids = firstNames(found.waiting.map(String)).join(', ');
  say(`not in force after ${CONFIRM_MS} ms: pid ${pids}; see rea status`);
}

/** How many gateways live here, and which of them have other pins than those of the file. */
function standings(cwd: string, env: NodeJS.ProcessEnv, digest: string) {
  const { evidence } = collect(cwd, Date.now(), env);
  const living = gatewaysOf(evidence).filter(lives);
  const waiting = living.filter(({ view }) => view?.reload.pins !== digest);
  return { living: living.length, waiting: waiting.map(({ pid }) => pid ?? 0) };
}

function unknownLine(name: string, { loaded }: PinsPlace, cwd: string): string {
  const names = loaded.config.servers.map((server) => server.name);
  const meant = nearest(name, names);
  const file = displayName(loaded.config.file, cwd);
  const advice = meant === null ? `see ${file}` : `did you mean "${meant}"?`;
  return `there is no enabled server "${oneLine(name).slice(0, 100)}" in ${file}; ${advice}`;
}

function cannotLine({ name, unavailable }: ServerConfig): string {
  return `server "${name}" cannot be pinned: ${unavailable ?? 'its entry cannot be read'}; mend it, then accept it`;
}

function command({ all, names }: PinsAcceptOptions): string {
  return `rea pins accept ${all ? '--all' : firstNames(names).join(' ')}`;
}
