/**
 * References in the strings of a server: `${VAR}`, `${VAR:-default}` (also for an empty VAR, as in a
 * shell), `$${` for a literal `${`. Client files also know `${env:VAR}`. A reference that only an editor
 * can fill in (`${input:…}`, `${workspaceFolder}`) keeps a server down. Never reads the environment itself.
 */

/**
 * `registry` is strict: a malformed reference is reported. `client` leaves it as it is, as the clients
 * themselves do.
 */
export type Dialect = 'registry' | 'client';

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly fallback: string | null }
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
const EDITOR = /^(?:input:|command:|config:|workspaceFolder\b|userHome$|pathSeparator$)/;

/** Replaces every reference in `text`. */
export function expand(text: string, dialect: Dialect, env: NodeJS.ProcessEnv): Expansion {
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
  return parse(text, dialect).some((piece) => piece.kind === 'variable' || piece.kind === 'editor');
}

/** `text` without its references. */
export function writtenText(text: string, dialect: Dialect): string {
  return parse(text, dialect)
    .map((piece) => (piece.kind === 'text' ? piece.text : ''))
    .join('');
}

/** Text of a client file → text with the same meaning in `registry.yaml`. */
export function toRegistryText(text: string): string {
  return parse(text, 'client')
    .map((piece) => {
      switch (piece.kind) {
        case 'variable':
          return `\${${piece.name}${piece.fallback === null ? '' : `:-${piece.fallback}`}}`;
        case 'text':
          return piece.text.replaceAll('${', '$$${');
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

/** @param text from `${` to the next `}` or the end. */
function reference(text: string, dialect: Dialect): Piece {
  const inside = text.endsWith('}') ? text.slice(2, -1) : '';
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
