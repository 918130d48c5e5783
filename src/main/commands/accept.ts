/**
 * `rea pins accept` as it is typed: the programs of the servers that are named, and the definitions of theirs that wait for
 * a person. A definition that is named is accepted alone. Definitions need no configuration: the gateway may go by
 * another file than this command.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ownOf } from '../../shared/model/pins.ts';
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import { recordCommand } from '../audit/command-records.ts';
import { sharedState } from '../audit/own-state.ts';
import { notRecorded } from '../audit/recorded.ts';
import { firstNames } from '../config/first-of.ts';
import { loadConfig } from '../config/load.ts';
import { shownDefinition } from '../pins/held-words.ts';
import { ANCHOR_COMMAND } from '../pins/program-pin.ts';
import { pinsOf, readPins } from '../pins/read-pins.ts';
import { acceptWaiting, type Difference, waitingIn } from '../pins/waiting-definitions.ts';
import { stateDirectory } from '../processes/state-directory.ts';
import { collect } from '../status/collect.ts';
import { gatewaysOf, lives } from '../status/gateways.ts';
import { type PinsAcceptOptions, runPinsAccept } from './pins-accept.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** A gateway looks at the file four times a second. */
const CONFIRM_MS = 2000;
const LOOK_EVERY_MS = 20;
const LONGEST = 1000;

/** What is named, in its order. */
interface Wanted {
  readonly server: string;
  /** As they are typed; empty: its program, and all of its definitions that wait. */
  readonly definitions: readonly string[];
}

/** Resolves with the exit code: 0 accepted, 1 not, 2 it is not clear what. */
export async function runAccept(options: PinsAcceptOptions): Promise<number> {
  const { all, cwd, env, names, stateDir: chosen, stderr } = options;
  const fail = (line: string, code: number): number => {
    stderr.write(`${oneLine(clip(line, LONGEST))}\n`);
    return code;
  };
  const place = sharedState({ cwd, env, ...(chosen === undefined ? {} : { chosen }) });
  const stateDir = stateDirectory(place);
  const pins = pinsOf(readPins(stateDir));
  // What is wrong with the file is said where it is written.
  if (pins === null) return runPinsAccept(options);
  const configured = configuredServers(options);
  const known = new Set([...configured, ...Object.keys(pins.definitions ?? {}), ANCHOR_COMMAND]);
  const wanted = all
    ? Object.keys(pins.definitions ?? {}).map((server) => ({ server, definitions: [] }))
    : wantedOf(
        names,
        (name) => known.has(name),
        (server, typed) => waitingIn(pins, server, [typed]).some((one) => typeof one !== 'string'),
      );
  if (typeof wanted === 'string') return fail(wanted, EXIT_USAGE);
  const waiting: Difference[] = [];
  for (const { server, definitions } of wanted) {
    for (const one of waitingIn(pins, server, definitions)) {
      if (typeof one === 'string') return fail(nothingWaits(server, one), EXIT_FAILED);
      waiting.push(one);
    }
  }
  const programs = wanted.flatMap(({ server, definitions }) => {
    // Of a server that is not configured here only what it has told can be accepted.
    const isOnlyTold = !configured.has(server) && ownOf(pins.definitions, server) !== null;
    return definitions.length > 0 || isOnlyTold ? [] : [server];
  });
  if (all || programs.length > 0 || names.length === 0) {
    const code = await runPinsAccept({ ...options, names: all ? [] : programs });
    if (code !== 0) return code;
  }
  return waiting.length === 0 ? 0 : acceptDefinitions(options, stateDir, waiting);
}

async function acceptDefinitions(
  options: PinsAcceptOptions,
  stateDir: string,
  waiting: readonly Difference[],
): Promise<number> {
  const { all, cwd, env, names, stateDir: chosen, stdout, stderr } = options;
  const say = (line: string) => stdout.write(`${oneLine(clip(line, LONGEST))}\n`);
  const facts = {
    what: 'definition',
    servers: firstNames([...new Set(waiting.map(({ server }) => server))]),
    definitions: firstNames(
      waiting.map(({ kind, name, form }) => `${kind}/${clip(name, 64)}@${form.hash.slice(0, 12)}`),
    ),
    by: `rea pins accept ${all ? '--all' : firstNames(names).join(' ')}`,
  };
  const place = { cwd, env, ...(chosen === undefined ? {} : { chosen }) };
  const recorded = recordCommand(place, { event: 'accept', facts });
  const unrecorded = notRecorded(recorded);
  if (unrecorded !== null) stderr.write(`${oneLine(unrecorded)}\n`);
  if (recorded.kind === 'failed' && recorded.refuse) return EXIT_FAILED;
  const written = await acceptWaiting(stateDir, waiting, new Date().toISOString());
  if (!written.ok) {
    stderr.write(`${oneLine(written.error)}\n`);
    return EXIT_FAILED;
  }
  for (const { server, kind, name, form } of waiting) {
    say(`accepted: ${shownDefinition(server, kind, name)}, form ${form.hash.slice(0, 12)}`);
  }
  const startedAt = performance.now();
  for (;;) {
    const { living, missing } = standings(cwd, env, waiting);
    const ms = Math.round(performance.now() - startedAt);
    if (living === 0) say('no gateway is running here');
    else if (missing.length === 0) {
      say(`in force in ${living === 1 ? '1 gateway' : `${living} gateways`} after ${ms} ms`);
    } else if (ms > CONFIRM_MS) {
      const pids = firstNames(missing.map(String)).join(', ');
      say(`not in force after ${CONFIRM_MS} ms: pid ${pids}; see rea status`);
    } else {
      await sleep(LOOK_EVERY_MS);
      continue;
    }
    return 0;
  }
}

/** How many gateways live here, and which of them still withhold one of these. */
function standings(cwd: string, env: NodeJS.ProcessEnv, waiting: readonly Difference[]) {
  const { evidence } = collect(cwd, Date.now(), env);
  const living = gatewaysOf(evidence).filter(lives);
  const forms = new Set(waiting.map(({ server, form }) => `${server} ${form.hash}`));
  const missing = living.filter(({ view }) =>
    view?.definitions.withheld.some(({ server, hash }) => forms.has(`${server} ${hash}`)),
  );
  return { living: living.length, missing: missing.map(({ pid }) => pid ?? 0) };
}

/** Empty: there is no configuration that can be read. */
function configuredServers({ cwd, config: file, env }: PinsAcceptOptions): ReadonlySet<string> {
  const loaded = loadConfig({
    cwd,
    env,
    trustConfig: true,
    ...(file === undefined ? {} : { file }),
  });
  return new Set(loaded.ok ? loaded.config.servers.map(({ name }) => name) : []);
}

/** @returns one line if it is not clear what is meant. */
function wantedOf(
  names: readonly string[],
  isServer: (name: string) => boolean,
  waits: (server: string, typed: string) => boolean,
): readonly Wanted[] | string {
  const wanted: { server: string; definitions: string[] }[] = [];
  for (const name of names) {
    const last = wanted.at(-1);
    const isDefinition = last !== undefined && waits(last.server, name);
    if (isDefinition && isServer(name)) {
      return `"${name}" is a server, and a definition of server "${last.server}" that waits: write tool/${name} for that`;
    }
    if (last === undefined || (isServer(name) && !isDefinition)) {
      wanted.push({ server: name, definitions: [] });
    } else last.definitions.push(name);
  }
  return wanted;
}

function nothingWaits(server: string, typed: string): string {
  const what = JSON.stringify(clip(typed, 100));
  return `no definition ${what} of server "${server}" waits; rea pins diff ${server} shows what does, and how to type it`;
}
