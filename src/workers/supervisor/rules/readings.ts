/**
 * The paths that servers make of one string: as it is, without what is around it, percent-decoded (once
 * or several times), as a URI, with backslashes for slashes, with `~` and variables put in. Each is
 * looked at by itself, for any of them may be what is opened. Pure.
 */

export interface Surroundings {
  /** Home directories by user name; '' is the server's own. */
  readonly homes: ReadonlyMap<string, string>;
  /** The server's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A string that can be read in more ways is not judged. */
const MAX_READINGS = 256;
/** UTF-16 units of all of them. */
const MAX_UNITS = 262_144;
/** Without any of these a string is read in one way only. */
const READ_ANOTHER_WAY = /[^\x20-\x7e]|[\\%~$:+?#"'`<>]|^ | $|^\/+proc\//;
const AROUND = /[\s"'`<>]/;
const LINE_END = /[\r\n]/;
/** What reads URIs leaves these out, wherever they stand. */
const LINE_ENDS_AND_TABS = /[\t\r\n]/g;
/** A scheme and what follows it, percent-encoded three times. */
const MAX_URI_START = 200;
/** `Note: see` has none. */
const SCHEME = /^(?:file:|[a-z]:|[a-z][a-z0-9+.-]+:(?=\S))/i;
/** With a slash behind it, or another scheme. */
const NAMES_A_PATH = /^(?:[a-z][a-z0-9+.-]*:)*(?:file:|[a-z][a-z0-9+.-]*:[/\\])/i;
/** What another machine is asked for. */
const REMOTE = /^(?:https?|wss?):\/\/[^/]/i;

/** None for what is no path as a whole. @returns null when there are too many. */
export function readingsOf(text: string, around: Surroundings): readonly string[] | null {
  if (!READ_ANOTHER_WAY.test(text)) return text === '' ? [] : [text];
  const found = new Set<string>();
  const inner = trimmed(text);
  const isUri = beginsAsUri(inner);
  if (isUri || !LINE_END.test(inner)) found.add(inner);
  if (isUri || !LINE_END.test(text)) found.add(text);
  let units = 0;
  for (const reading of found) {
    units += reading.length;
    if (found.size > MAX_READINGS || units > MAX_UNITS) return null;
    for (const next of furtherReadings(reading, around)) found.add(next);
  }
  found.delete('');
  return [...found];
}

/** Whether text begins as a URI that names a path does: in one, line ends do not count. */
export function beginsAsUri(text: string): boolean {
  let start = text.slice(0, MAX_URI_START).replaceAll(LINE_ENDS_AND_TABS, '');
  for (let times = 0; start.includes('%') && times < 3; times++) start = percentDecoded(start);
  return NAMES_A_PATH.test(start) && !REMOTE.test(start);
}

function* furtherReadings(text: string, around: Surroundings): Generator<string> {
  yield trimmed(text);
  if (text.includes('%')) yield percentDecoded(text);
  if (text.includes('\\')) yield text.replaceAll('\\', '/');
  if (/[\t\r\n]/.test(text)) yield text.replaceAll(LINE_ENDS_AND_TABS, '');
  if (text.includes('+')) yield text.replaceAll('+', ' ');
  if (text.includes('\0')) {
    yield text.slice(0, text.indexOf('\0'));
    yield text.replaceAll('\0', '');
  }
  if (text.startsWith('~')) yield* inHome(text, around.homes);
  if (text.includes('$')) yield withVariables(text, around.env);
  const cut = text.search(/[?#]/);
  if (cut >= 0) yield text.slice(0, cut);
  if (SCHEME.test(text) && !REMOTE.test(text)) yield* ofUri(text.replace(SCHEME, ''));
  const ownDirectory = /^\/+proc\/+(?:thread-)?self\/+cwd(?=\/|$)/.exec(text);
  if (ownDirectory !== null) yield `.${text.slice(ownDirectory[0].length)}`;
  const composed = text.normalize('NFKC');
  if (composed !== text) yield composed;
}

/** Whether the character does not belong to a path where it stands before or behind it. */
export function isAround(character: string): boolean {
  return AROUND.test(character);
}

/** Without white space, quotes and angle brackets around it. By hand: a pattern would take quadratic time. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && AROUND.test(text.charAt(start))) start++;
  while (end > start && AROUND.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

/** With an authority, which is a directory to some, and without. */
function* ofUri(rest: string): Generator<string> {
  yield rest;
  const [, authority] = /^\/\/([^/\\?#]*)/.exec(rest) ?? [];
  if (authority === undefined) return;
  yield rest.slice(2);
  yield rest.slice(2 + authority.length);
}

function* inHome(text: string, homes: ReadonlyMap<string, string>): Generator<string> {
  const [, user = ''] = /^~([^/\\]*)/.exec(text) ?? [];
  const home = homes.get(user);
  if (home !== undefined) yield `${home}${text.slice(1 + user.length)}`;
}

function withVariables(text: string, env: Surroundings['env']): string {
  return text.replaceAll(
    /\$(?:(\w+)|\{(\w+)\})/g,
    (whole, plain?: string, braced?: string) => env[plain ?? braced ?? ''] ?? whole,
  );
}

/** Once; what is no escape stays. Also as it is done by those that take `%c0%ae` or `%u002e` for a dot. */
export function percentDecoded(text: string): string {
  const wide = text.replaceAll(/%u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return wide.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => {
    const bytes = Buffer.from(run.replaceAll('%', ''), 'hex');
    const plain: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const [byte = 0, next = 0] = [bytes[at], bytes[at + 1]];
      const isOverlong = (byte === 0xc0 || byte === 0xc1) && (next & 0xc0) === 0x80;
      plain.push(isOverlong ? ((byte & 1) << 6) | (next & 0x3f) : byte);
      if (isOverlong) at += 1;
    }
    return Buffer.from(plain).toString('utf8');
  });
}
