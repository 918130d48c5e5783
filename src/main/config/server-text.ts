/** A server of a client's file in one line, for the person whose file it is. Pure. */
import { secretsInArguments, secretsWithin } from '../../shared/secrets/parts.ts';
import { redactTokens } from '../../shared/text/redact-patterns.ts';
import type { DraftEndpoint, DraftServer } from './draft.ts';
import { firstNames } from './first-of.ts';
import { clip } from './problem.ts';
import { addressText, commandText, withoutReferences } from './program-text.ts';

/** Shorter values would be found, and hidden, in every word. */
const SHORTEST = 4;
const LONGEST = 300;
const HIDDEN = '[REDACTED:secret]';
/** What stands before the host of an address, up to the last `@` before its path. */
const BEFORE_HOST = /(:\/\/)[^/?#\s"'<>]*@/g;
/** Nothing is left of a value but references, the last of them maybe without its end. */
const REFERENCE = /^(?:\$\{\w*)?$/;
/** An option whose value is a header. */
const HEADER_OPTION = /^(?:-H|--?(?:[a-z]+-)*headers?)$/i;
/** Such an option and its value in one word, or the value alone. */
const HEADER = /^((?:-H|--?(?:[a-z]+-)*headers?=)?[\w-]+\s?[:=])(.*)$/is;

type Shown = Pick<DraftServer, 'command' | 'args' | 'options'> & {
  readonly endpoint: Pick<DraftEndpoint, 'url' | 'headers'> | null;
};

/** How a server of a client is started or reached, without any value of a variable or header. */
export function serverText({ endpoint, command, args, options }: Shown): string {
  const values = Object.entries(endpoint === null ? (options.env ?? {}) : endpoint.headers);
  const inside = endpoint === null ? secretsInArguments(args) : secretsWithin(endpoint.url);
  const hidden = [...values.map(([, value]) => value), ...inside.map(({ value }) => value)]
    .filter((value) => value.length >= SHORTEST && !REFERENCE.test(withoutReferences(value)))
    .sort((one, other) => other.length - one.length);
  const redact = (text: string) => {
    const clean = hidden.reduce((left, value) => left.replaceAll(value, () => HIDDEN), text);
    return redactTokens(clean.replaceAll(BEFORE_HOST, `$1${HIDDEN}@`), () => HIDDEN);
  };
  const what =
    endpoint === null
      ? commandText(command, args.map(withoutHeader), redact)
      : addressText(endpoint.url, redact);
  const kind = endpoint === null ? 'env' : 'headers';
  const noted =
    values.length === 0 ? '' : ` (${kind}: ${shortNames(values.map(([name]) => name))})`;
  return `${clip(what, LONGEST)}${noted}`;
}

/** An argument without the value of the header that it gives. */
function withoutHeader(arg: string, at: number, args: readonly string[]): string {
  const isValue = HEADER_OPTION.test(args[at - 1] ?? '');
  const [, name, value = ''] = HEADER.exec(arg) ?? [];
  const isHeader = isValue || /^-H[\w-]|^--?(?:[a-z]+-)*headers?=/i.test(arg);
  if (!isHeader || withoutReferences(value).trim() === '') return arg;
  return name === undefined ? arg : `${name} ${HIDDEN}`;
}

/** The first names of a list, each of them short. */
export function shortNames(all: readonly string[]): string {
  return firstNames(all.map((name) => clip(name, 60))).join(', ');
}
