/** Which servers of a registry rea cannot start as things are, and why: a client had better keep these. */
import { loadConfig } from '../config/load.ts';
import { clip, problemLines } from '../config/problem.ts';
import { pinsPlace, unpinnedPrograms } from '../pins/command-place.ts';

interface Place {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** Absolute; the registry of the directory if absent. */
  readonly config?: string;
  /** What rea would be started with. */
  readonly env: NodeJS.ProcessEnv;
}

const LONGEST = 200;

/** @returns why a server of this name cannot be started, in a few words; null: it can. Starts and writes nothing. */
export function notStartable({ cwd, config, env }: Place): (name: string) => string | null {
  const loaded = loadConfig({ cwd, env, ...(config === undefined ? {} : { file: config }) });
  if (!loaded.ok) return () => problemLines(loaded.problems)[0] ?? 'its registry cannot be read';
  const down = new Map(
    loaded.config.servers.flatMap(({ name, unavailable }): [string, string][] => {
      return unavailable === null ? [] : [[name, inWords(unavailable)]];
    }),
  );
  const options = { cwd, env, ...(config === undefined ? {} : { config }) };
  const place = pinsPlace(options);
  if (!('loaded' in place)) return () => place[0] ?? 'its policy cannot be read';
  const { problem, servers, start } = unpinnedPrograms(options, place);
  return (name) => {
    const why = down.get(name) ?? problem;
    if (why !== null) return clip(why, LONGEST);
    return servers.has(name) && !start ? `nobody has accepted it: rea pins accept ${name}` : null;
  };
}

/** `missing env: A, B` as a sentence. */
function inWords(unavailable: string): string {
  return unavailable.replace(/^missing env: ([^;]+)/, (_all, names: string) => {
    return `${names} ${names.includes(',') ? 'are' : 'is'} not set`;
  });
}
