/** The clients that a command names, each with its file as it is now. Nothing is written. */
import { dirname, join } from 'node:path';
import { isInside } from '../../shared/platform/is-inside.ts';
import { isThere } from '../../shared/platform/safe-file.ts';
import { CLIENT_NAMES, CLIENTS, clientNamed } from '../config/clients/known/all.ts';
import type { KnownClient } from '../config/clients/known/client.ts';
import { type Host, homeOf, shownPath, userFile } from '../config/clients/known/files.ts';
import { clip, nearest } from '../config/problem.ts';
import { type ClientFile, type FilePlace, openClientFile } from './client-file.ts';
import { ownProgram } from './launch.ts';
import { type Contents, contentsOf } from './plan.ts';

export interface TargetPlace {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly host: Host;
  /** True: the files of the project, not those of the user. */
  readonly isProject: boolean;
}

export interface Target {
  readonly client: KnownClient;
  readonly file: ClientFile;
  readonly contents: Contents;
}

/** `lines`: one for each that cannot be used. */
export interface Targets {
  readonly targets: readonly Target[];
  readonly lines: readonly string[];
  /** True: a client is not known. */
  readonly isUsage: boolean;
}

export function openTargets(names: readonly string[], place: TargetPlace): Targets {
  const unknown = names.filter((name) => clientNamed(name) === null);
  if (unknown.length > 0) {
    return { targets: [], lines: unknown.map(unknownClient), isUsage: true };
  }
  const targets: Target[] = [];
  const lines: string[] = [];
  for (const client of CLIENTS.filter(({ name }) => names.includes(name))) {
    const opened = openTarget(client, place);
    if (typeof opened === 'string') lines.push(opened);
    else targets.push(opened);
  }
  return { targets, lines, isUsage: false };
}

export function unknownClient(name: string): string {
  const like = nearest(name, CLIENT_NAMES);
  const hint = like === null ? `known are ${CLIENT_NAMES.join(', ')}` : `did you mean ${like}?`;
  return `there is no client ${JSON.stringify(clip(name, 60))}; ${hint}`;
}

/** @returns in place of it one line. */
export function openTarget(client: KnownClient, place: TargetPlace): Target | string {
  const where = placeOf(client, place);
  if (typeof where === 'string') return where;
  const opened = openClientFile(where);
  if (!opened.ok) return opened.line;
  const { file } = opened;
  const contents = contentsOf(file.document, place.cwd, ownProgram(), place.isProject);
  return { client, file, contents };
}

function placeOf(client: KnownClient, { cwd, host, isProject }: TargetPlace): FilePlace | string {
  if (isProject) {
    if (client.projectFile === null) {
      return `${client.title} has no file in a project: rea connect ${client.name}`;
    }
    return { path: join(cwd, client.projectFile), shown: client.projectFile, root: cwd };
  }
  const path = userFile(client, host);
  const home = homeOf(host);
  const shown = shownPath(path, host);
  const directory = dirname(path);
  // A variable may have put it elsewhere.
  const root = isInside(path, home) ? home : directory;
  if (!isThere(directory)) {
    const fix = `start it once, so that it makes its directory, or leave ${client.name} out`;
    return `${client.title} is not here: ${shownPath(directory, host)} does not exist; ${fix}`;
  }
  return { path, shown, root };
}
