/**
 * The state directory: what a gateway keeps of its own for a project, outside of the tree that agents
 * write in (the token of its HTTP door, for one). `$XDG_STATE_HOME/rea/<name>-<hash>/`, else below
 * `~/.local/state`; the hash is that of the project's real path, so a project that was moved has a new one.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { errorText, unlessRefused } from '../../shared/platform/errno.ts';
import { readSmallFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import { lookAtPrivate, makePrivate } from './private-directory.ts';

export interface StatePlace {
  /** Absolute directory that the gateway works for. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** `--state-dir`, absolute; it is taken as it is. */
  readonly chosen?: string;
}

export type PreparedState =
  | {
      readonly ok: true;
      /** Absolute. */
      readonly dir: string;
      /** One line about a place that agents can reach, or null. */
      readonly warning: string | null;
    }
  /** One line: the directory, what is wrong, what to do. */
  | { readonly ok: false; readonly error: string };

/** A state directory of a project of the same name that is not where it was. */
export interface OlderState {
  /** Absolute. */
  readonly dir: string;
  /** Where the project was. */
  readonly project: string;
}

/** In each state directory: the real path of its project. */
const PROJECT_FILE = 'project';
const MAX_PATH_BYTES = 4096;
const MAX_NAME = 64;
const MAX_OLDER = 20;

/** Where all state directories lie unless one is chosen: `rea` below the state home of the user. */
export function stateHome(env: NodeJS.ProcessEnv): string {
  return join(xdgHome(env, 'XDG_STATE_HOME', join('.local', 'state')), 'rea');
}

/** Where settings of the user for all projects lie. */
export function configHome(env: NodeJS.ProcessEnv): string {
  return join(xdgHome(env, 'XDG_CONFIG_HOME', '.config'), 'rea');
}

/** The path only: nothing is created or looked at but the real path of `cwd`. */
export function stateDirectory({ cwd, env, chosen }: StatePlace): string {
  if (chosen !== undefined) return chosen;
  const project = realPath(cwd);
  const hash = createHash('sha256').update(project).digest('hex').slice(0, 16);
  return join(stateHome(env), `${nameOf(project)}-${hash}`);
}

/** Creates the directory (0700) and checks that it is ours alone. */
export function prepareStateDirectory(place: StatePlace): PreparedState {
  const dir = stateDirectory(place);
  const project = realPath(place.cwd);
  const failed = (path: string, message: string, fix: string | null): PreparedState => ({
    ok: false,
    error: `cannot use the state directory ${path}: ${message}; ${fix === null ? '' : `${fix}, or `}choose one with --state-dir`,
  });
  try {
    // Above it nothing need be ours; what has to be made is made private, as XDG asks for.
    mkdirSync(dirname(place.chosen === undefined ? stateHome(place.env) : dir), {
      recursive: true,
      mode: 0o700,
    });
    for (const path of place.chosen === undefined ? [dirname(dir), dir] : [dir]) {
      const problem = makePrivate(path);
      if (problem !== null) return failed(path, problem.message, problem.fix);
    }
    const file = join(dir, PROJECT_FILE);
    const known = readSmallFile(file, MAX_PATH_BYTES);
    if (known.kind !== 'file' || known.bytes.toString() !== project) {
      writeWholeFile(file, project, 'replace');
    }
  } catch (error) {
    return failed(dir, errorText(error), null);
  }
  const inside = isInside(realPath(dir), project);
  const warning = inside
    ? `the state directory ${dir} lies in the project, where other programs may read it; --state-dir names another`
    : null;
  return { ok: true, dir, warning };
}

/** Whether a directory is one that a gateway of this project has prepared, and ours alone. */
export function isStateDirectoryOf(dir: string, cwd: string): boolean {
  if (!isAbsolute(dir) || lookAtPrivate(dir) !== null) return false;
  const project = readSmallFile(join(dir, PROJECT_FILE), MAX_PATH_BYTES);
  return project.kind === 'file' && project.bytes.toString() === realPath(cwd);
}

/** State directories of projects of the same name that are gone from their places; at most twenty. */
export function olderStateDirectories(place: Omit<StatePlace, 'chosen'>): readonly OlderState[] {
  const home = stateHome(place.env);
  const prefix = `${nameOf(realPath(place.cwd))}-`;
  const own = stateDirectory(place);
  const names = unlessRefused<string[]>([], () => readdirSync(home));
  return names
    .filter((name) => name.startsWith(prefix) && /^[0-9a-f]{16}$/.test(name.slice(prefix.length)))
    .slice(0, 1000)
    .map((name) => join(home, name))
    .filter((dir) => dir !== own)
    .flatMap((dir) => {
      const read = readSmallFile(join(dir, PROJECT_FILE), MAX_PATH_BYTES);
      if (read.kind !== 'file') return [];
      const project = read.bytes.toString();
      return isThere(project) ? [] : [{ dir, project }];
    })
    .slice(0, MAX_OLDER);
}

function xdgHome(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const named = env[variable];
  // A relative path there is to be ignored, says the XDG specification.
  if (named !== undefined && isAbsolute(named)) return named;
  const home = env['HOME'];
  return join(home !== undefined && isAbsolute(home) ? home : homedir(), fallback);
}

/** The last part of the path, in letters that need no quoting. */
function nameOf(project: string): string {
  const name = basename(project).replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return name.slice(0, MAX_NAME) || 'root';
}

function isInside(path: string, directory: string): boolean {
  const from = relative(directory, path);
  return from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}

function isThere(path: string): boolean {
  return unlessRefused(false, () => realpathSync(path) === path);
}

function realPath(path: string): string {
  return unlessRefused(path, () => realpathSync(path));
}
