/**
 * Finds secrets inside a longer text of the configuration: the password of an address, the credentials
 * after a scheme, members of JSON, `name=value` pairs and arguments by their name. Pure.
 */
import { namesSecret } from './names.ts';
import { isWorthHiding, looksRandom } from './worth-hiding.ts';

/** UTF-16 units; longer JSON is not parsed. */
const MAX_JSON = 65_536;
/** `--env=API_KEY=x` holds a pair in a pair. */
const MAX_NESTING = 3;

const SCHEME = /^(?:bearer|basic|token|apikey|key|digest|negotiate|hawk|dpop) +(\S.*)$/is;
/** Begins only at the start of a word: else a long word would be read again from each of its letters. */
const ADDRESS = /(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s"'<>]+/g;
/** `name=value`, `--name=value`, `Name: value`, each up to the next separator. */
const PAIR =
  /(?:^|[\s;&,?"'{(])-{0,2}([A-Za-z_][\w.-]*)["']?\s?[=:]\s?("[^"]*"|'[^']*'|[^\s;&,"'})]+)/g;
/** A pair that is the whole text: then its value may hold separators. */
const WHOLE_PAIR = /^-{0,2}([A-Za-z_][\w.-]*)\s?[=:]\s?(.+)$/s;
const FLAG_AND_VALUE = /(?:^|\s)--?([A-Za-z_][\w.-]*)\s+([^\s"']+|"[^"]*"|'[^']*')/g;
const FLAG = /^--?([A-Za-z_][\w.-]*)$/;
/** A plain flag, not a value that begins with a dash. */
const ANOTHER_FLAG = /^--?[a-z]+(?:-[a-z]+)*(?:=|$)/;

/** A secret and its name in the text. */
export interface NamedSecret {
  readonly name: string;
  readonly value: string;
}

/** A secret in the arguments of a program. */
export interface SecretArgument extends NamedSecret {
  /** Index of the argument that is or holds the secret. */
  readonly at: number;
}

/** The secrets inside one text of the configuration; the text as a whole is not judged. */
export function secretsWithin(text: string, nesting = 0): NamedSecret[] {
  const found = [...inScheme('credentials', text), ...inAddresses(text), ...inJson(text)];
  for (const [, name = '', value = ''] of text.matchAll(PAIR)) {
    found.push(...underName(name, unquoted(value)));
  }
  for (const [, name = '', value = ''] of text.matchAll(FLAG_AND_VALUE)) {
    if (!ANOTHER_FLAG.test(value)) found.push(...underName(name, unquoted(value)));
  }
  const [, name, rest] = WHOLE_PAIR.exec(text) ?? [];
  if (name !== undefined && rest !== undefined) {
    found.push(...underName(name, rest));
    if (nesting < MAX_NESTING) found.push(...secretsWithin(rest, nesting + 1));
  }
  return found;
}

/** The secrets among the arguments of a program. */
export function secretsInArguments(args: readonly string[]): SecretArgument[] {
  return args.flatMap((arg, at) => {
    const [, flag] = FLAG.exec(arg) ?? [];
    const next = args[at + 1];
    const takes = flag !== undefined && next !== undefined && !ANOTHER_FLAG.test(next);
    return [
      ...secretsWithin(arg).map((secret) => ({ ...secret, at })),
      ...(takes ? underName(flag, next).map((secret) => ({ ...secret, at: at + 1 })) : []),
    ];
  });
}

/** The value, and credentials in it, when its name says that it is a secret. */
function underName(name: string, value: string): NamedSecret[] {
  if (!namesSecret(name) || !isWorthHiding(value, 'secret')) return [];
  return [{ name, value }, ...inScheme(name, value)];
}

/** `Bearer x`; also the password of `Basic` credentials. */
function inScheme(name: string, text: string): NamedSecret[] {
  const rest = SCHEME.exec(text.trim())?.[1]?.trim();
  if (rest === undefined || !isWorthHiding(rest, 'secret')) return [];
  const pair = /^basic /i.test(text.trim()) ? Buffer.from(rest, 'base64').toString() : '';
  const password = pair.slice(pair.indexOf(':') + 1);
  return [rest, ...(isWorthHiding(password, 'secret') ? [password] : [])].map((value) => {
    return { name, value };
  });
}

function inAddresses(text: string): NamedSecret[] {
  return [...text.matchAll(ADDRESS)].flatMap(([address]) => {
    if (!URL.canParse(address)) return [];
    const { username, password, pathname, searchParams } = new URL(address);
    const passwords = [password, decoded(password)].filter((one) => isWorthHiding(one, 'secret'));
    // A token may be in place of a user's name, or in the path.
    const users = [username, decoded(username)].filter(looksRandom);
    const pieces = pathname.split('/').flatMap((piece) => [piece, decoded(piece)]);
    return [
      ...passwords.map((value) => ({ name: 'password', value })),
      ...users.map((value) => ({ name: 'user', value })),
      ...pieces.filter(looksRandom).map((value) => ({ name: 'path', value })),
      ...[...searchParams].flatMap(([name, value]) => ofMember(name, value)),
    ];
  });
}

function inJson(text: string): NamedSecret[] {
  if (text.length > MAX_JSON || !/^\s*[[{]/.test(text)) return [];
  const found: NamedSecret[] = [];
  try {
    JSON.parse(text, (name, value: unknown) => {
      if (typeof value === 'string') found.push(...ofMember(name, value));
    });
  } catch (error) {
    // Invalid JSON, or nested too deeply for the stack: there are no members to look at.
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
  }
  return found;
}

function ofMember(name: string, value: string): NamedSecret[] {
  return looksRandom(value) && isWorthHiding(value) ? [{ name, value }] : underName(name, value);
}

function unquoted(text: string): string {
  return /^(["']).*\1$/s.test(text) ? text.slice(1, -1) : text;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
