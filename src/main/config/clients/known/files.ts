/** Where the files of a client lie on this machine. */
import { isAbsolute, join, normalize, sep } from 'node:path';
import { homeDirectory } from '../../../../shared/platform/home-directory.ts';
import { isThere } from '../../../../shared/platform/safe-file.ts';
import { CLIENTS } from './all.ts';
import type { KnownClient, Platform } from './client.ts';

/** The user and the machine. */
export interface Host {
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
}

export interface FoundFile {
  readonly client: KnownClient;
  /** Absolute. */
  readonly file: string;
  /** True: it lies in the project, where others may have written it. */
  readonly isProject: boolean;
}

/** `~/.claude.json` and the settings of editors hold more than servers. */
export const MAX_CLIENT_BYTES = 32 * 1024 * 1024;

const VARIABLE = /\$\{(\w+):-([^}]*)\}/g;

export function homeOf({ env }: Host): string {
  return homeDirectory(env);
}

/** A path in messages: `~/…` for one in the home directory. */
export function shownPath(path: string, host: Host): string {
  const home = homeOf(host);
  return path.startsWith(`${home}${sep}`) ? `~${path.slice(home.length)}` : path;
}

/** Absolute paths of the user's files of a client, the preferred one first. */
export function userPlaces({ places }: KnownClient, host: Host): string[] {
  const platform: Platform =
    host.platform === 'darwin' || host.platform === 'win32' ? host.platform : 'linux';
  const home = homeOf(host);
  return places[platform].map((place) => {
    const filled = place.replaceAll(VARIABLE, (_all, name: string, otherwise: string) => {
      const value = host.env[name];
      // A relative path is to be ignored, as the XDG specification has it.
      return value !== undefined && isAbsolute(value) ? value : otherwise;
    });
    return normalize(filled.replace(/^~/, () => home));
  });
}

/** The user's file of a client that is there, else the one to make. */
export function userFile(client: KnownClient, host: Host): string {
  const places = userPlaces(client, host);
  return places.find(isThere) ?? places[0] ?? '';
}

/** All files of all clients that are there: the user's own, then those of the project. @param cwd absolute. */
export function clientFiles(cwd: string, host: Host): FoundFile[] {
  const own = CLIENTS.flatMap((client) => {
    return userPlaces(client, host).map((file) => ({ client, file, isProject: false }));
  });
  const shipped = CLIENTS.flatMap((client) => {
    if (client.projectFile === null) return [];
    return [{ client, file: join(cwd, client.projectFile), isProject: true }];
  });
  const found = [...own, ...shipped].filter(({ file }) => isThere(file));
  // In the home directory a project's file may be the user's own.
  return found.filter(({ file }, at) => found.findIndex((one) => one.file === file) === at);
}
