/** Spellings of the gateway's own files: ways to a file, and what may be done to a string on top of that. */
import { basename, dirname, join, relative } from 'node:path';
import type { PathWorld } from './path-world.ts';

export type Random = () => number;

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Change = (path: string, random: Random, world: PathWorld) => string;

/** Of a path with slashes. */
const ROUTES: readonly Change[] = [
  (path) => path,
  (path, _, { cwd }) => relative(cwd, path),
  (path, _, { cwd }) => `./${relative(cwd, path)}`,
  (path, _, { home }) => (path.startsWith(home) ? `~/${relative(home, path)}` : path),
  (path, _, { home }) => (path.startsWith(home) ? `$HOME/${relative(home, path)}` : path),
  (path, _, { home }) => (path.startsWith(home) ? `\${HOME}${path.slice(home.length)}` : path),
  (path, _, { cwd }) => (path.startsWith(cwd) ? `$PROJ/${relative(cwd, path)}` : path),
  (path, _, { env }) => path.replace(env['XDG_STATE_HOME'] ?? '', '$XDG_STATE_HOME'),
  (path) => path.replace('/.rea/', '/$DOT/'),
  (path, _, { cwd }) =>
    relative(dirname(cwd), path).replace(basename(cwd), `${cwd}/../${basename(cwd)}`),
  (path, _, { cwd }) => join(cwd, 'docs/up/proj') + path.slice(cwd.length),
];

/** Of a path that may be made again and again. */
const DETOURS: readonly Change[] = [
  (path) => path,
  (path, random) => atSlash(path, random, '//'),
  (path, random) => atSlash(path, random, '/./'),
  (path, random) => atSlash(path, random, '/x/../'),
  (path, random) => atSlash(path, random, `/${'y'.repeat(300)}/../`),
  (path, random) => atSlash(path, random, `/./././././././././`),
  (path, random) => someOf(path, random, (char) => char.toUpperCase()),
  (path) => path.replace('.rea', '.REA'),
  (path) => path.replace('.rea', '.rea. '),
  (path, random) => someOf(path, random, fullWidth),
  (path) => path.replace('.rea', '.\u200cre\ufeffa'),
  (path) => path.replace('.rea', '\u2024\u1d63\u212f\u{1d41a}'),
];

/** Of any string. */
const DISGUISES: readonly Change[] = [
  (text) => text,
  (text, random) => someOf(text, random, percent),
  (text, random) => someOf(text, random, percent),
  (text) => encodeURI(text),
  (text) => encodeURIComponent(text),
  (text) => text.replaceAll('%', '%25'),
  (text) => text.replaceAll('.', '%2e').replaceAll('/', '%2F'),
  (text) => text.replaceAll(' ', '+'),
  (text) => text.replaceAll('/', '\\'),
  (text, random) => atSlash(text, random, '\\'),
  (text) => `C:${text.replaceAll('/', '\\')}`,
  (text) => ` ${text}\t`,
  (text) => `"${text}"`,
  (text) => `'${text}'`,
  (text) => `${text}?x=1#y`,
  (text) => `${text}\0.txt`,
  (text) => `file://${text}`,
  (text) => `file:${text}`,
  (text) => `FILE://localhost${text}`,
  (text) => `File:///${text}`,
  (text) => `file://${text}`.replace(/(?<=.{9})/s, '\t'),
  (text) => `file:///${text.slice(0, 12)}\n${text.slice(12)}`,
  (text) => `proj://${text}`,
  (text) => `x+y:${text}`,
  (text) => `vscode://file${text}`,
];

/** Where in the message it stands. */
const PLACES: readonly ((text: string) => object)[] = [
  (text) => ({ name: 'read', arguments: { path: text } }),
  (text) => ({ name: 'read', arguments: { paths: ['README.md', text] } }),
  (text) => ({ name: 'read', arguments: { a: [{ b: { anything: [[text]] } }] } }),
  (text) => ({ name: 'write', arguments: { files: { [text]: 'content' } } }),
  (text) => ({ uri: text }),
  (text) => ({ ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: text } }),
  (text) => ({ name: 'p', _meta: { 'x/y': text } }),
];

export interface Spelling {
  readonly text: string;
  /** JSON of a request that holds it. */
  readonly line: string;
}

export function spelling(random: Random, world: PathWorld): Spelling {
  const paths = random() < 0.6 ? world.files : world.aliases;
  let text = ROUTES[0]!(pick(paths, random), random, world);
  text = pick(ROUTES, random)(text, random, world);
  for (let times = Math.floor(random() * 3); times > 0; times--)
    text = pick(DETOURS, random)(text, random, world);
  for (let times = Math.floor(random() * 3); times > 0; times--)
    text = pick(DISGUISES, random)(text, random, world);
  // Within the string line ends would say that it is no path as a whole.
  if (random() < 0.05) text = `\n${text}\r\n`;
  const params = JSON.stringify(pick(PLACES, random)(text));
  return {
    text,
    line: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${escaped(params, random)}}\n`,
  };
}

/** The same JSON, with some letters as `\\u` and some slashes as `\\/`. */
function escaped(json: string, random: Random): string {
  if (random() < 0.6) return json;
  return json.replaceAll(/(?<!\\)[./a-z](?=[^"]*")/g, (char) => {
    if (random() < 0.7) return char;
    if (char === '/') return '\\/';
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)]!;
}

function someOf(text: string, random: Random, change: (char: string) => string): string {
  return Array.from(text, (char) => (random() < 0.3 ? change(char) : char)).join('');
}

function atSlash(text: string, random: Random, instead: string): string {
  const slashes = [...text.matchAll(/\//g)].map(({ index }) => index);
  if (slashes.length === 0) return text;
  const at = pick(slashes, random);
  return `${text.slice(0, at)}${instead}${text.slice(at + 1)}`;
}

function percent(char: string): string {
  return [...Buffer.from(char)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

function fullWidth(char: string): string {
  const code = char.charCodeAt(0);
  return code > 0x20 && code < 0x7f && char !== '/' ? String.fromCharCode(code + 0xfee0) : char;
}
