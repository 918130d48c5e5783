/** What servers open when they are given a string: each way of reading it, and pairs of them. */
import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync } from 'node:fs';
import { join, posix, resolve, win32 } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PathWorld } from './path-world.ts';

const LINES = /[\r\n]/;

type Way = (text: string, world: PathWorld) => string;

/** What a program does to the string before it takes it for a path. */
const PREPARED: Readonly<Record<string, Way>> = {
  'as it is': (text) => text,
  trimmed: (text) => text.trim(),
  unquoted: (text) => text.trim().replace(/^(["'`])(.*)\1$/, '$2'),
  'percent-decoded': (text) => decodeURIComponent(text),
  'percent-decoded twice': (text) => decodeURIComponent(decodeURIComponent(text)),
  'percent-decoded until it stays': (text) => {
    let [before, now] = ['', text];
    while (now !== before) [before, now] = [now, decodeURIComponent(now)];
    return now;
  },
  'a form value': (text) => decodeURIComponent(text.replaceAll('+', ' ')),
  'a file URL': (text) => fileURLToPath(text),
  // Several lines are no path as a whole, though this would read them without the line ends.
  'a URL below the directory': (text, { cwd }) =>
    LINES.test(text.trim()) ? text : fileURLToPath(new URL(text, pathToFileURL(`${cwd}/`))),
  // `Note: see there` is prose.
  'the path of any URI': (text) =>
    /^\s*[\w+.-]+:\s/.test(text) ? text : decodeURIComponent(new URL(text).pathname),
  'what follows file:': (text) => text.replace(/^file:(?:\/\/)?/i, ''),
  'what follows a scheme': (text) => text.replace(/^[\w+.-]+:(?!\s)(?:\/\/[^/]*)?/, ''),
  'without backslashes': (text) => text.replaceAll('\\', '/'),
  'a Windows path': (text) =>
    win32
      .normalize(text)
      .replaceAll('\\', '/')
      .replace(/^[a-z]:/i, ''),
  'in NFKC': (text) => text.normalize('NFKC'),
  'to the first NUL': (text) => text.split('\0')[0] ?? '',
  expanded: (text, { home, env }) =>
    text
      .replace(/^~(?=\/|$)/, home)
      .replaceAll(/\$\{?(\w+)\}?/g, (whole, name: string) => env[name] ?? whole),
  'without a query': (text) => text.replace(/[?#].*$/s, ''),
};

/** Where it then begins. */
const PLACED: Readonly<Record<string, Way>> = {
  'by name': (path, { cwd }) => resolve(cwd, path),
  'by the system': (path, { cwd }) => (path.startsWith('/') ? path : `${cwd}/${path}`),
  'below the root': (path, { cwd }) => posix.normalize(`${cwd}/${path}`),
  'below the home': (path, { home }) => join(home, path),
  'ignoring case': (path, world) => asFound(resolve(world.cwd, path), world),
};

/** The way by which one of the gateway's own files is opened, in words; null: by none. */
export function reaches(text: string, world: PathWorld): string | null {
  const read = new Set<string>();
  const tried = new Set<string>();
  for (const [first, prepare] of Object.entries(PREPARED)) {
    const once = attempt(() => prepare(text, world));
    if (once === null) continue;
    for (const [second, prepareAgain] of Object.entries(PREPARED)) {
      const twice = attempt(() => prepareAgain(once, world));
      if (twice === null || twice === '' || read.has(twice)) continue;
      read.add(twice);
      for (const [where, place] of Object.entries(PLACED)) {
        const path = place(twice, world);
        if (tried.has(path)) continue;
        tried.add(path);
        if (opensOwn(path, world)) return `${first}, ${second}, ${where}: ${path}`;
      }
    }
  }
  return null;
}

function opensOwn(path: string, world: PathWorld): boolean {
  // Nothing opens these, and to be told so takes long.
  if (path.includes('\0') || !existsSync(path)) return false;
  const fd = attempt(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  if (fd === null) return false;
  try {
    return world.isOwn(fstatSync(fd));
  } finally {
    closeSync(fd);
  }
}

/**
 * As a file system finds a file that takes no account of case, of characters that are not seen, and of dots
 * and spaces at the end of a name. Only below the guarded places, for elsewhere this one is another.
 */
function asFound(path: string, { cwd, home }: PathWorld): string {
  const start = [join(cwd, '.rea'), join(home, '.local/state/rea')].find((place) =>
    folded(path).startsWith(folded(`${place}/`)),
  );
  if (start === undefined) return path;
  let found = start;
  for (const name of path.split('/').slice(start.split('/').length)) {
    const names = attempt(() => readdirSync(found)) ?? [];
    found = join(found, names.find((one) => folded(one) === folded(name)) ?? name);
  }
  return found;
}

/** Of each name of the path. */
function folded(path: string): string {
  const plain = path.normalize('NFKC').replaceAll(/[\u200b-\u200f\u2060\ufeff\u00ad]/g, '');
  return plain.replaceAll(/(?<=[^/.])[. ]+(?=\/|$)/g, '').toLowerCase();
}

/** What a program makes an error of, it does not open. */
function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof URIError || (error instanceof Error && 'code' in error)) return null;
    throw error;
  }
}
