/** What a command needs to look at the pins of a project: its files as a gateway would read them. */
import { NO_PINS } from '../../shared/model/pins.ts';
import { sharedState } from '../audit/own-state.ts';
import { type LoadResult, loadConfig } from '../config/load.ts';
import { loadPolicy, type Policy } from '../config/policy.ts';
import { problemLines } from '../config/problem.ts';
import { type ProgramTexts, programTexts } from '../config/program-texts.ts';
import { type StatePlace, stateDirectory } from '../processes/state-directory.ts';
import { programsInProject } from './in-project.ts';
import { unpinned } from './pin-programs.ts';
import { keyPath, readKey } from './pins-file.ts';
import { acceptArguments, ProgramPins } from './program-pins.ts';
import { pinsOf, pinsPath, type ReadPins, readPins } from './read-pins.ts';

export interface PinsCommandOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** `--config`, absolute. */
  readonly config?: string;
  /** `--state-dir`, absolute. */
  readonly stateDir?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

type PinsOptions = Omit<PinsCommandOptions, 'stdout' | 'stderr'>;

export type Loaded = Extract<LoadResult, { ok: true }>;

export interface PinsPlace {
  readonly place: StatePlace;
  /** Absolute; it need not be there. */
  readonly stateDir: string;
  readonly loaded: Loaded;
  /** As it is written. */
  readonly policy: Policy;
  readonly file: ReadPins;
  readonly texts: ProgramTexts;
}

/** @returns lines that say why not, as well. */
export function pinsPlace(options: PinsOptions): PinsPlace | readonly string[] {
  const { cwd, config: file, stateDir: chosen, env } = options;
  // Nothing is started here, and whoever reads what is shown decides.
  const files = { cwd, env, trustConfig: true };
  const loaded = loadConfig({ ...files, ...(file === undefined ? {} : { file }) });
  if (!loaded.ok) return problemLines(loaded.problems);
  const policy = loadPolicy(files);
  if (!policy.ok) return problemLines(policy.problems);
  const place = sharedState({ cwd, env, ...(chosen === undefined ? {} : { chosen }) });
  const stateDir = stateDirectory(place);
  const pins = readPins(stateDir);
  const texts = programTexts(loaded, [], env);
  return { place, stateDir, loaded, policy: policy.policy, file: pins, texts };
}

/** @param key of the state directory. */
export function commandPins(
  { cwd, config, stateDir, env }: PinsOptions,
  { file }: PinsPlace,
  key: Buffer,
): ProgramPins {
  return new ProgramPins(pinsOf(file) ?? NO_PINS, {
    key,
    inProject: programsInProject(cwd, env),
    acceptArguments: acceptArguments({ config, stateDir }),
    takesAll: false,
  });
}

/** Programs that nobody has accepted. */
export interface Unpinned {
  /** Why nobody knows what was accepted, with what to type; null: it is known. */
  readonly problem: string | null;
  /** What the policy says and does not get, a line each. */
  readonly tooMild: readonly string[];
  /** By the name of each server: why, with what to type. */
  readonly servers: ReadonlyMap<string, string>;
  /** They are started all the same. */
  readonly start: boolean;
}

const ALL_PINNED: Unpinned = { problem: null, tooMild: [], servers: new Map(), start: false };

/** Nothing is created: where nothing was ever pinned, the first start takes what is configured as it comes. */
export function unpinnedPrograms(options: PinsOptions, place: PinsPlace): Unpinned {
  const { file, loaded, stateDir } = place;
  const damaged = damagedLine(place);
  if (damaged !== null) return { ...ALL_PINNED, problem: damaged };
  if (file.kind !== 'pins' || file.pins.programs === undefined) return ALL_PINNED;
  const key = readKey(keyPath(stateDir));
  if (key === null || !key.ok) {
    return { ...ALL_PINNED, problem: 'the key of the pins is gone: rea pins accept --all' };
  }
  const pins = commandPins(options, place, key.key);
  const { warnings, pins: said } = pins.inForce(place.policy);
  const tooMild = warnings.slice(place.policy.warnings.length);
  if (said.programs === 'off') return { ...ALL_PINNED, tooMild };
  const servers = new Map(
    unpinned(loaded, pins).map((server) => {
      return [server.name, pins.why(server, loaded.written.get(server.name))];
    }),
  );
  return { problem: null, tooMild, servers, start: pins.action === 'warn' };
}

/** Nobody has said yes to any program here: the next start would take what is configured as it comes. */
export function nothingPinned({ file }: PinsPlace): boolean {
  return file.kind !== 'damaged' && pinsOf(file)?.programs === undefined;
}

/** A line for each program that would not be started. */
export function unpinnedLines(options: PinsOptions, place: PinsPlace): string[] {
  const { problem, tooMild, servers } = unpinnedPrograms(options, place);
  if (problem !== null) return [problem];
  return [...tooMild, ...[...servers].map(([name, why]) => `server "${name}": ${why}`)];
}

/** One line about a file that cannot be used. */
export function damagedLine({ stateDir, file }: PinsPlace): string | null {
  if (file.kind !== 'damaged') return null;
  return `${pinsPath(stateDir)} ${file.why}; to pin what is configured now instead: rea pins accept --all`;
}
