/** What `rea init` takes its servers from: files that are named, clients that are named, or all of the user's own. */
import { resolve } from 'node:path';
import { isThere } from '../../shared/platform/safe-file.ts';
import { CLIENT_NAMES, clientNamed } from '../config/clients/known/all.ts';
import { type Host, shownPath, userPlaces } from '../config/clients/known/files.ts';
import { mergeDrafts } from '../config/clients/merge.ts';
import { type Source, shownSource } from '../config/clients/sources.ts';
import { firstLines } from '../config/first-of.ts';
import { clip, nearest } from '../config/problem.ts';
import { serverText } from '../config/server-text.ts';
import type { ImportFile } from './init-files.ts';

export interface Wanted {
  /** Names of clients and paths of files, as they were given. */
  readonly from: readonly string[];
  /** True: all of the user's own. */
  readonly all: boolean;
}

/** @returns in place of them one line that says what is wrong. */
export function chosenFiles(
  { from, all }: Wanted,
  sources: readonly Source[],
  { cwd, host }: { readonly cwd: string; readonly host: Host },
): readonly ImportFile[] | string {
  const chosen: ImportFile[] = [];
  if (all) {
    const own = sources.filter(({ isProject }) => !isProject);
    if (own.length === 0) {
      return 'no client of yours has servers here; name a file: rea init --from FILE';
    }
    chosen.push(...own.map(toImport));
  }
  for (const name of from) {
    const client = clientNamed(name);
    const file = resolve(cwd, name);
    if (client !== null) {
      const own = sources.filter((one) => one.client === client && !one.isProject);
      if (own.length === 0) {
        const places = userPlaces(client, host).map((place) => shownPath(place, host));
        return `${client.title} has no servers here: looked in ${places.join(', ')}`;
      }
      chosen.push(...own.map(toImport));
    } else if (isThere(file)) {
      const known = sources.find((one) => one.file === file);
      chosen.push(known === undefined || known.isProject ? { file } : toImport(known));
    } else {
      const like = /[./\\]/.test(name) ? null : nearest(name, CLIENT_NAMES);
      const hint = like === null ? 'rea connect --list shows the clients' : `did you mean ${like}?`;
      return `there is no client and no file ${JSON.stringify(clip(name, 200))}; ${hint}`;
    }
  }
  return chosen.filter(({ file }, at) => chosen.findIndex((one) => one.file === file) === at);
}

/** All servers by where they were found, each with how it is started and where else it is. */
export function sourceLines(sources: readonly Source[], cwd: string, host: Host): string[] {
  const shown = new Map(sources.map((source) => [source.file, shownSource(source, host)]));
  const parts = sources.map(({ file, draft }) => ({ file, draft }));
  if (parts.length === 0) return [];
  const { draft, origins } = mergeDrafts(parts, cwd);
  return sources.flatMap((source) => {
    const lines = draft.servers.flatMap((server) => {
      const places = origins.get(server.name) ?? [];
      const place = places.find(({ file }) => file === source.file);
      if (place === undefined) return [];
      const first = places[0]?.file ?? source.file;
      const twin = first === source.file ? '' : `, the same as in ${shown.get(first) ?? first}`;
      const off = server.options.enabled === false ? ', switched off' : '';
      const name = JSON.stringify(clip(place.name, 60));
      return [`  ${name}: ${server.unavailable ?? serverText(server)}${off}${twin}`];
    });
    const title = source.isProject ? 'this project' : source.client.title;
    const head = `${title}, ${shown.get(source.file) ?? source.file}`;
    return [head, ...firstLines(lines, 'server', 'they are in the file')];
  });
}

/** What there is beside what was taken: a line, or none. @param taken absolute paths. */
export function leftLines(
  sources: readonly Source[],
  taken: readonly ImportFile[],
  host: Host,
): string[] {
  const left = sources.filter(({ file }) => taken.every((one) => one.file !== file));
  const shipped = left.filter(({ isProject }) => isProject).map((one) => shownSource(one, host));
  if (shipped.length === 0) return [];
  const from = shipped.map((name) => `--from ${name}`).join(' ');
  return [
    `not taken, since they came with the project: the servers of ${shipped.join(', ')}; if you trust them, move .rea away, then: rea init --all ${from}`,
  ];
}

function toImport({ file, client }: Source): ImportFile {
  return { file, client: client.name };
}
