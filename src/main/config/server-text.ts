/** A server of a client's file in one line, for the person whose file it is. Pure. */
import { redactTokens } from '../../shared/text/redact-patterns.ts';
import type { DraftServer } from './draft.ts';
import { clip } from './problem.ts';
import { addressText, commandText } from './program-text.ts';

/** Shorter values would be found, and hidden, in every word. */
const SHORTEST = 4;
const LONGEST = 300;
const MOST_NAMES = 20;
const HIDDEN = '[REDACTED:secret]';

/** How a server of a client is started or reached, without any value of a variable or header. */
export function serverText({ endpoint, command, args, options }: DraftServer): string {
  const values = Object.entries(endpoint === null ? (options.env ?? {}) : endpoint.headers);
  const hidden = values.map(([, value]) => value).filter((value) => value.length >= SHORTEST);
  const redact = (text: string) => {
    const clean = hidden.reduce((left, value) => left.replaceAll(value, () => HIDDEN), text);
    return redactTokens(clean, () => HIDDEN);
  };
  const what =
    endpoint === null ? commandText(command, args, redact) : addressText(endpoint.url, redact);
  const kind = endpoint === null ? 'env' : 'headers';
  const noted =
    values.length === 0 ? '' : ` (${kind}: ${shortNames(values.map(([name]) => name))})`;
  return `${clip(what, LONGEST)}${noted}`;
}

/** The first names of a list, each of them short. */
export function shortNames(all: readonly string[]): string {
  const more = all.length - MOST_NAMES;
  const first = all.slice(0, MOST_NAMES).map((name) => clip(name, 60));
  return `${first.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
