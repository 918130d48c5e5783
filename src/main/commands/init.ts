/**
 * `rea init`: what it takes servers from, the files that it writes, and the pins of what it has imported, since a
 * person has asked for these programs. What the project has brought along is shown, and taken only where a person
 * names it.
 */
import type { Host } from '../config/clients/known/files.ts';
import { findSources, type Sources } from '../config/clients/sources.ts';
import { pinConfigured } from '../pins/pin-configured.ts';
import { type FirstFilesOptions, type ImportFile, writeFirstFiles } from './init-files.ts';
import { chosenFiles, leftLines, sourceLines, type Wanted } from './init-sources.ts';
import { DRY_RUN, speechOn } from './say.ts';

export interface InitOptions extends Omit<FirstFilesOptions, 'from' | 'env'>, Wanted {
  readonly host: Host;
  /** True: only show what there is. */
  readonly dryRun: boolean;
}

/** Resolves with the exit code: 0 the files are written, 1 nothing written, 2 there is no such client or file. */
export async function runInit(options: InitOptions): Promise<number> {
  const { cwd, config, host, dryRun, from, all, stdout, stderr } = options;
  const { say, fail, warn } = speechOn(options);
  const found = findSources(cwd, host);
  const chosen = chosenFiles({ from, all }, found.sources, { cwd, host });
  if (typeof chosen === 'string') {
    // A file that cannot be read may be all that there is.
    if (all) for (const line of found.problems) warn(line);
    return fail(chosen, from.length > 0 ? 2 : 1);
  }
  if (all) for (const line of found.problems) warn(line);
  if (dryRun) {
    show(found, options, chosen, say);
    return 0;
  }
  if (all) for (const line of leftLines(found.sources, chosen, host)) say(line);
  const files = { cwd, ...(config === undefined ? {} : { config }) };
  const code = writeFirstFiles({ ...files, from: chosen, env: host.env, stdout, stderr });
  if (code !== 0) return code;
  if (chosen.length === 0) {
    for (const line of foundLines(found, cwd, host)) say(line);
    return 0;
  }
  const unpinned = await pinConfigured({ ...files, env: host.env }, 'rea init');
  if (unpinned !== null) warn(unpinned);
  return 0;
}

function show(
  { sources, problems }: Sources,
  { cwd, host }: InitOptions,
  chosen: readonly ImportFile[],
  say: (line: string) => void,
): void {
  for (const line of [...sourceLines(sources, cwd, host), ...problems]) say(line);
  const files = chosen.map(({ file }) => file);
  say(files.length === 0 ? 'no servers would be taken' : `taken would be: ${files.join(', ')}`);
  say(DRY_RUN);
}

/** What there was to take, where nothing was asked for. */
function foundLines({ sources }: Sources, cwd: string, host: Host): string[] {
  if (sources.length === 0) return [];
  const isOwn = sources.some(({ isProject }) => !isProject);
  const next = isOwn ? ['or take those of your clients: rea init --all'] : [];
  return ['these servers were found:', ...sourceLines(sources, cwd, host), ...next];
}
