/**
 * The state directory: the gateway's own files for a project, such as its HTTP token, outside of the tree
 * that agents write in. `$XDG_STATE_HOME/rea/<name>-<hash>/`, else below `~/.local/state`. The hash is of
 * the project's real path, so a project that was moved has a new directory.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { errorText, unlessRefused } from '../../shared/platform/errno.ts';
import { homeDirectory } from '../../shared/platform/home-directory.ts';
import { isInside } from '../../shared/platform/is-inside.ts';
import { readSmallFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import { lookAtPrivate, makePrivate } from './private-directory.ts';

export interface StatePlace {
  /** Absolute directory that the gateway works for. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** `--state-dir`, absolute; used as it is. */
  readonly chosen?: string;
}

export type PreparedState =
  | {
      readonly ok: true;
      /** Absolute. */
      readonly dir: string;
      /** One line if agents can reach the directory, or null. */
      readonly warning: string | null;
    }
  /** One line: the directory, what is wrong, what to do. */
  | { readonly ok: false; readonly error: string };

/** A state directory of a project of the same name that is gone from its place. */
export interface OlderState {
  /** Absolute. */
  readonly dir: string;
  /** The former path of the project. */
  readonly project: string;
}

/** File in each state directory that holds the real path of its project. */
const PROJECT_FILE = 'project';
const MAX_PATH_BYTES = 4096;
const MAX_NAME = 64;
const MAX_OLDER = 20;

/** The parent of all state directories except chosen ones: `rea` below the user's state home. */
export function stateHome(env: NodeJS.ProcessEnv): string {
  return join(xdgHome(env, 'XDG_STATE_HOME', join('.local', 'state')), 'rea');
}

/** The directory of the user's settings for all projects. */
export function configHome(env: NodeJS.ProcessEnv): string {
  return join(xdgHome(env, 'XDG_CONFIG_HOME', '.config'), 'rea');
}

/** Only the path: nothing is created, and only the real path of `cwd` is looked up. */
export function stateDirectory({ cwd, env, chosen }: StatePlace): string {
  if (chosen !== undefined) return chosen;
  const project = realPath(cwd);
  const hash = createHash('sha256').update(project).digest('hex').slice(0, 16);
  return join(stateHome(env), `${nameOf(project)}-${hash}`);
}

/**
 * Creates the directory (0700) and checks that it is ours alone.
 *
 * @param other what to do for another one, in the error; for commands without `--state-dir`.
 */
export function prepareStateDirectory(
  place: StatePlace,
  other = 'choose one with --state-dir',
): PreparedState {
  const dir = stateDirectory(place);
  const project = realPath(place.cwd);
  const failed = (path: string, message: string, fix: string | null): PreparedState => ({
    ok: false,
    error: `cannot use the state directory ${path}: ${message}; ${fix === null ? '' : `${fix}, or `}${other}`,
  });
  try {
    // Its parents need not be ours; missing ones are created private, as XDG asks for.
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

/** True when a gateway of this project has prepared the directory and no other user can write there. */
export function isStateDirectoryOf(dir: string, cwd: string): boolean {
  if (!isAbsolute(dir) || lookAtPrivate(dir) !== null) return false;
  const project = readSmallFile(join(dir, PROJECT_FILE), MAX_PATH_BYTES);
  return project.kind === 'file' && project.bytes.toString() === realPath(cwd);
}

/** State directories of projects of the same name that are gone from their paths; at most twenty. */
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
  // The XDG specification: a relative path is to be ignored.
  if (named !== undefined && isAbsolute(named)) return named;
  return join(homeDirectory(env), fallback);
}

/** The last part of the path, in characters that need no quoting. */
function nameOf(project: string): string {
  const name = basename(project).replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return name.slice(0, MAX_NAME) || 'root';
}

function isThere(path: string): boolean {
  return unlessRefused(false, () => realpathSync(path) === path);
}

function realPath(path: string): string {
  return unlessRefused(path, () => realpathSync(path));
}
