/**
 * Finds users that could change a configuration file, which says what programs are started: those that
 * can write to the file or to a directory on its path, and owners of these or of a link. In a directory
 * with the sticky bit only owners can. Changes nothing.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../../shared/platform/errno.ts';
import { shellWord } from '../shell-word.ts';
import { type HostFacts, hostFacts } from './host-facts.ts';

/** A way for another user to change what is read. */
export interface Doubt {
  /** `refuse`: every user can change it, or one user other than this one and root. */
  readonly weight: 'refuse' | 'warn';
  /** What is wrong. */
  readonly message: string;
  /** What would be right. */
  readonly fix: string;
}

/** A part of the way to a file. */
interface Step {
  readonly path: string;
  readonly stats: Stats;
  /** A directory that the file, or a link to it, lies in. */
  readonly holds: boolean;
}

/** Linux follows as many. */
const MAX_LINKS = 40;
const EVERYBODY = 0o002;
const GROUP = 0o020;
const STICKY = 0o1000;

/**
 * @param file absolute path as it was given.
 * @param opened `fstat` of the file that was opened there.
 * @returns doubts, nearest to the file first; none when no other user can change what is read.
 */
export function doubtsAbout(
  file: string,
  opened: Stats,
  user = process.getuid?.(),
  facts: HostFacts = hostFacts(),
): Doubt[] {
  if (user === undefined) return [];
  let way: readonly Step[];
  try {
    way = wayTo(file);
  } catch (error) {
    const code = errorCode(error);
    if (code === '') throw error;
    return [replaced(`its path cannot be followed (${code})`)];
  }
  const target = way.at(-1)?.stats;
  if (target?.ino !== opened.ino || target.dev !== opened.dev) {
    return [replaced('was replaced while it was read')];
  }
  return [...way].reverse().flatMap((step) => {
    const found = [ownerDoubt(step, user, facts), modeDoubt(step)].filter(
      (doubt) => doubt !== null,
    );
    const doubt = found.find(({ weight }) => weight === 'refuse') ?? found[0];
    if (doubt === undefined) return [];
    const fileSystem = facts.modelessFileSystem(step.stats.dev);
    return fileSystem === null ? [doubt] : [cannotTell(step, fileSystem)];
  });
}

/** Every directory and link on the path of a file, in order, and the file at the end. */
function wayTo(file: string): Step[] {
  const steps = new Map<string, Step>();
  const add = (path: string, holds: boolean): Stats => {
    const known = steps.get(path);
    const stats = known?.stats ?? lstatSync(path);
    steps.set(path, { path, stats, holds: holds || known?.holds === true });
    return stats;
  };
  const names = (path: string) => path.split('/').filter((name) => name !== '' && name !== '.');
  let pending = names(file);
  let at = '/';
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    add(at, pending.length === 0);
    if (name === '..') {
      at = dirname(at);
      continue;
    }
    const path = join(at, name);
    if (!add(path, false).isSymbolicLink()) {
      at = path;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) break;
    const target = readlinkSync(path);
    if (target.startsWith('/')) at = '/';
    pending = [...names(target), ...pending];
  }
  return [...steps.values()];
}

function ownerDoubt(step: Step, user: number, facts: HostFacts): Doubt | null {
  const { uid } = step.stats;
  if (uid === user || uid === 0) return null;
  // In a user namespace this is mostly the machine's root.
  if (facts.isUnknownUser(uid)) {
    if (!step.stats.isFile()) return null;
    const message = 'belongs to a user that is not known in this user namespace';
    return { weight: 'warn', message, fix: 'make sure that it is nobody else' };
  }
  return {
    weight: 'refuse',
    message: `${where(step)}belongs to user ${uid}, not to ${user} or root`,
    fix: 'keep it in a file and a directory of your own, or pass --trust-config',
  };
}

function modeDoubt(step: Step): Doubt | null {
  const { path, stats, holds } = step;
  if (stats.isSymbolicLink()) return null;
  const isDirectory = stats.isDirectory();
  if (isDirectory && (stats.mode & STICKY) !== 0) return null;
  const mode = (stats.mode & 0o7777).toString(8);
  if ((stats.mode & EVERYBODY) !== 0) {
    return {
      weight: 'refuse',
      message: `${where(step)}can be written by every user of this machine (mode ${mode})`,
      fix: `chmod o-w ${shellWord(path)}, or pass --trust-config`,
    };
  }
  if ((stats.mode & GROUP) === 0 || (isDirectory && !holds)) return null;
  return {
    weight: 'warn',
    message: `${where(step)}can be written by its group (mode ${mode})`,
    fix: `chmod g-w ${shellWord(path)} if there are others in it`,
  };
}

function cannotTell(step: Step, fileSystem: string): Doubt {
  return {
    weight: 'warn',
    message: `${where(step)}is on a file system without modes (${fileSystem})`,
    fix: 'make sure that nobody else can write there',
  };
}

/** Empty for the file itself: the message names it already. */
function where({ path, stats }: Step): string {
  return stats.isFile() ? '' : `is reached through ${path}, which `;
}

function replaced(message: string): Doubt {
  return { weight: 'refuse', message, fix: 'try again, or pass --trust-config' };
}
