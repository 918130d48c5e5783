/**
 * References in the strings of a server: `${VAR}`, `${VAR:-default}` (also for an empty VAR, as in a
 * shell), `$${` for a literal `${`. Client files also know `${env:VAR}`, `${input:x}`, which is `${X}` here, and the
 * places `${workspaceFolder}`, `${workspaceFolderBasename}`, `${userHome}`, `${pathSeparator}`. A reference
 * that only an editor can fill in keeps a server down. Never reads the environment itself.
 */
import { basename, sep } from 'node:path';

/**
 * `registry` is strict: a malformed reference is reported. `client` leaves it as it is, as the clients
 * themselves do.
 */
export type Dialect = 'registry' | 'client';

/** The directory that the gateway works for, its last name, or what separates names of directories. */
type Place = 'folder' | 'folder name' | 'separator';

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly fallback: string | null }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'editor'; readonly text: string }
  | { readonly kind: 'unclear'; readonly text: string; readonly fix: string };

export interface Expansion {
  readonly text: string;
  /** Variables that were put in, in order; the value may be the default. */
  readonly variables: readonly { readonly name: string; readonly value: string }[];
  /** Variables that are not set and have no default. */
  readonly missing: readonly string[];
  /** References only an editor can fill in. */
  readonly editor: readonly string[];
  /** Malformed references; only in the registry dialect. */
  readonly unclear: readonly { readonly text: string; readonly fix: string }[];
}

const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?$/;
const CLIENT_VARIABLE = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;
const EDITOR = /^(?:input:|command:|config:|file:|workspaceFolder\b|userHome$|pathSeparator$)/;
const INPUT = /^input:(.{1,100})$/;
/** Variables of the system: what a person is asked for is not one of them, whatever it is called. */
const OF_SYSTEM = new Set(
  'PATH HOME USER LOGNAME SHELL PWD OLDPWD LANG TERM TMPDIR TEMP TMP HOSTNAME DISPLAY EDITOR'.split(
    ' ',
  ),
);

/** The variable that stands for `${input:id}`. */
export function inputVariable(id: string): string {
  const name = id
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toUpperCase();
  const usable = name === '' || /^\d/.test(name) || OF_SYSTEM.has(name) ? `INPUT_${name}` : name;
  return usable.replace(/_$/, '');
}

/**
 * Replaces every reference in `text`.
 *
 * @param folder the directory that `${workspaceFolder}` stands for, absolute.
 */
export function expand(
  text: string,
  dialect: Dialect,
  env: NodeJS.ProcessEnv,
  folder: string,
): Expansion {
  const variables: { name: string; value: string }[] = [];
  const missing: string[] = [];
  const editor: string[] = [];
  const unclear: { text: string; fix: string }[] = [];
  let result = '';
  for (const piece of parse(text, dialect)) {
    switch (piece.kind) {
      case 'text':
        result += piece.text;
        break;
      case 'variable': {
        const { name, fallback } = piece;
        const value = fallback === null ? env[name] : env[name] || fallback;
        if (value === undefined) {
          missing.push(name);
        } else {
          variables.push({ name, value });
          result += value;
        }
        break;
      }
      case 'place':
        result += placeText(piece.place, folder);
        break;
      case 'editor':
        editor.push(piece.text);
        break;
      case 'unclear':
        unclear.push(piece);
        break;
    }
  }
  return { text: result, variables, missing, editor, unclear };
}

/** True when `text` holds a reference. */
export function hasReference(text: string, dialect: Dialect): boolean {
  return parse(text, dialect).some(({ kind }) => kind !== 'text' && kind !== 'unclear');
}

/** What stands before, between and behind the references of `text`, in their own words; one part: it has none. */
export function literalParts(text: string, dialect: Dialect): string[] {
  const parts = [''];
  for (const piece of parse(text, dialect)) {
    if (piece.kind === 'text') parts.push(`${parts.pop()}${piece.text.replaceAll('${', '$$${')}`);
    else if (piece.kind === 'unclear') parts.push(`${parts.pop()}${piece.text}`);
    else parts.push('');
  }
  return parts;
}

/** `text` without its references. */
export function writtenText(text: string, dialect: Dialect): string {
  return parse(text, dialect)
    .map((piece) => (piece.kind === 'text' ? piece.text : ''))
    .join('');
}

/**
 * Text of a client file → text with the same meaning in `registry.yaml`.
 *
 * @param folder the directory that `${workspaceFolder}` stands for, absolute.
 */
export function toRegistryText(text: string, folder: string): string {
  return parse(text, 'client')
    .map((piece) => {
      switch (piece.kind) {
        case 'variable':
          return `\${${piece.name}${piece.fallback === null ? '' : `:-${piece.fallback}`}}`;
        case 'text':
          return piece.text.replaceAll('${', '$$${');
        case 'place':
          return placeText(piece.place, folder).replaceAll('${', '$$${');
        case 'editor':
        case 'unclear':
          return piece.text;
      }
    })
    .join('');
}

function parse(text: string, dialect: Dialect): Piece[] {
  const pieces: Piece[] = [];
  let plain = '';
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('$${', at)) {
      plain += '${';
      at += 3;
    } else if (text.startsWith('${', at)) {
      const end = text.indexOf('}', at);
      const piece = reference(text.slice(at, end < 0 ? text.length : end + 1), dialect);
      if (piece.kind === 'text') {
        plain += '${';
        at += 2;
      } else {
        if (plain !== '') pieces.push({ kind: 'text', text: plain });
        plain = '';
        pieces.push(piece);
        at = end < 0 ? text.length : end + 1;
      }
    } else {
      plain += text[at];
      at++;
    }
  }
  if (plain !== '') pieces.push({ kind: 'text', text: plain });
  return pieces;
}

function placeText(place: Place, folder: string): string {
  if (place === 'separator') return sep;
  return place === 'folder' ? folder : basename(folder);
}

/** References that only client files have. @param inside its text between the braces. */
function ofClient(inside: string): Piece | null {
  const input = INPUT.exec(inside)?.[1];
  if (input !== undefined) return { kind: 'variable', name: inputVariable(input), fallback: null };
  switch (inside) {
    case 'workspaceFolder':
    case 'workspaceRoot':
    case 'cwd':
      return { kind: 'place', place: 'folder' };
    case 'workspaceFolderBasename':
      return { kind: 'place', place: 'folder name' };
    case 'userHome':
      return { kind: 'variable', name: 'HOME', fallback: null };
    case 'pathSeparator':
    case '/':
      return { kind: 'place', place: 'separator' };
    default:
      return null;
  }
}

/** @param text from `${` to the next `}` or the end. */
function reference(text: string, dialect: Dialect): Piece {
  const inside = text.endsWith('}') ? text.slice(2, -1) : '';
  const known = dialect === 'client' ? ofClient(inside) : null;
  if (known !== null) return known;
  if (EDITOR.test(inside)) return { kind: 'editor', text };
  const [, name, fallback] = VARIABLE.exec(inside) ?? [];
  if (name !== undefined && fallback?.includes('${') !== true) {
    return { kind: 'variable', name, fallback: fallback ?? null };
  }
  const client = CLIENT_VARIABLE.exec(inside)?.[1];
  if (dialect === 'client') {
    return client === undefined
      ? { kind: 'text', text }
      : { kind: 'variable', name: client, fallback: null };
  }
  const fix =
    client === undefined
      ? 'write ${NAME} or ${NAME:-default}, or $${ for a literal ${'
      : `write \${${client}}`;
  return { kind: 'unclear', text, fix };
}
