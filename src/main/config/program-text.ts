/**
 * A program or address in one line, for the person who decides if it may run: the command line as
 * written, secrets hidden, nothing disguised, shorter than 4,000 characters. Pure; looks at no more of a
 * long text than can be shown.
 */

import { kindOfName, namesSecret } from '../../shared/secrets/names.ts';
import { isWorthHiding } from '../../shared/secrets/worth-hiding.ts';
import { clip } from '../../shared/text/clean-text.ts';
import { redactedHead } from '../../shared/text/redact.ts';
import { shellWord, shellWords } from './shell-words.ts';
import type { Written, WrittenProgram } from './written.ts';

type Redact = (text: string) => string;

const LONGEST_WORD = 400;
const LONGEST_ARGS = 1200;
const LONGEST_LIST = 450;
/** Only this much of a text is looked at, and only half of it shown: a secret may be cut at the end. */
const KEPT = 4 * LONGEST_WORD;
/** The values of at most this many variables or headers are hidden in the rest of the line. */
const MOST_OWN = 100;
const HIDDEN = '[REDACTED:secret]';
/** A reference without a default: a default is text of the file and may be secret. */
const REFERENCE = /\$\{(?:env:)?\w+\}/g;

/** Variables that decide which code runs: without their values a person cannot decide. */
const DECISIVE = new Set(
  (
    'PATH ENV BASH_ENV SHELLOPTS NODE_OPTIONS NODE_PATH LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH ' +
    'DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH PYTHONPATH PYTHONHOME PYTHONSTARTUP PERL5LIB PERL5OPT ' +
    'RUBYLIB RUBYOPT CLASSPATH JAVA_TOOL_OPTIONS _JAVA_OPTIONS GIT_SSH_COMMAND GIT_EXEC_PATH'
  ).split(' '),
);

const OPTION = /^[\w-]{1,100}$/;

/** @param redact hides what is known to be secret wherever it stands. */
export function programText(written: Written, redact: Redact): string {
  return written.kind === 'program'
    ? commandLine(written, hidingOwn(written.env, redact))
    : address(written, hidingOwn(Object.entries(written.headers), redact));
}

/** A program and its arguments alone. */
export function commandText(command: string, args: readonly string[], redact: Redact): string {
  const words = shellWords(args, 'arguments', LONGEST_ARGS, (arg, at) => {
    return word(arg, (head) => redact(shownArgument(head, args[at - 1] ?? '')));
  });
  return `${word(command, redact)} ${words}`.trim();
}

/** An address alone. */
export function addressText(url: string, redact: Redact): string {
  return word(normalised(url), (head) => redact(shownUrl(head)));
}

function commandLine(
  { command, args, cwd, env, envFile, passthrough }: WrittenProgram,
  redact: Redact,
) {
  const names = env.map(([name]) => name);
  const variable = (name: string, at: number) => {
    return word(`${name}=${shownValue(name, env[at]?.[1] ?? '')}`, redact);
  };
  return line(commandText(command, args, redact), [
    `in ${word(cwd, redact)}`,
    ...list('env', names, variable),
    ...(envFile === null ? [] : [`env_file ${word(envFile, redact)}`]),
    ...list('env_passthrough', passthrough),
  ]);
}

function address(
  { url, headers, tokenFile }: Extract<Written, { kind: 'address' }>,
  redact: Redact,
) {
  return line(addressText(url, redact), [
    ...list('headers', Object.keys(headers)),
    ...(tokenFile === null ? [] : [`token_file ${word(tokenFile, redact)}`]),
  ]);
}

function line(what: string, details: readonly string[]): string {
  return details.length === 0 ? what : `${what} (${details.join('; ')})`;
}

function list(
  name: string,
  texts: readonly string[],
  toWord: (text: string, index: number) => string = (text) => shellWord(text, LONGEST_WORD),
): string[] {
  return texts.length === 0 ? [] : [`${name} ${shellWords(texts, 'more', LONGEST_LIST, toWord)}`];
}

function word(text: string, show: Redact): string {
  const kept = clip(text, KEPT);
  const head = redactedHead(kept, show, { kept: KEPT, shown: KEPT / 2 });
  return shellWord(head, LONGEST_WORD, kept.length < text.length ? text.length : head.length);
}

/**
 * What is set as a variable or header is hidden in the rest of the line too; not a text of several words:
 * half a command that is also set as a variable would be hidden by it.
 */
function hidingOwn(values: readonly (readonly [string, string])[], redact: Redact): Redact {
  const secrets = values
    .slice(0, MOST_OWN)
    .filter(([name, value]) => value.length <= KEPT && hides(name, value) && !/\s/.test(value))
    .map(([, value]) => value)
    .sort((one, other) => other.length - one.length);
  return (text) => {
    return redact(secrets.reduce((clean, value) => clean.replaceAll(value, () => HIDDEN), text));
  };
}

function shownValue(name: string, value: string): string {
  return hides(name, value) ? HIDDEN : value;
}

/** Whether a variable of this name decides which code runs. */
export function isDecisive(name: string): boolean {
  return DECISIVE.has(name);
}

/** Whether the value of this variable or header is not for everybody's eyes. */
function hides(name: string, value: string): boolean {
  const kind = isDecisive(name) ? 'harmless' : kindOfName(name);
  return kind !== 'harmless' && isWorthHiding(withoutReferences(value), kind);
}

function shownArgument(arg: string, before: string): string {
  if (before.startsWith('-') && isSecretOption(before) && isSecret(arg)) return HIDDEN;
  const at = arg.indexOf('=');
  const isHidden = at > 0 && isSecretOption(arg.slice(0, at)) && isSecret(arg.slice(at + 1));
  return isHidden ? `${arg.slice(0, at + 1)}${HIDDEN}` : arg;
}

function isSecretOption(name: string): boolean {
  return OPTION.test(name) && namesSecret(name);
}

/** The address in its normal form, which shows where it leads; as written if a variable decides that. */
function normalised(url: string): string {
  return url.includes('${') || !URL.canParse(url) ? url : new URL(url).href;
}

/** Always shows the origin and the names in a query. */
function shownUrl(url: string): string {
  const [before = '', ...queries] = url.split('?');
  const slash = before.indexOf('/', before.indexOf('//') + 2);
  const [origin, path] = slash < 0 ? [before, ''] : [before.slice(0, slash), before.slice(slash)];
  const shownPath = isWorthHiding(withoutReferences(path)) ? `/${HIDDEN}` : path;
  const pairs = queries.map((query) => query.split('&').map(shownPair).join('&'));
  return [`${origin}${shownPath}`, ...pairs].join('?');
}

function shownPair(pair: string): string {
  const at = pair.indexOf('=');
  return isWorthHiding(withoutReferences(pair.slice(at + 1)))
    ? `${pair.slice(0, at + 1)}${HIDDEN}`
    : pair;
}

function isSecret(value: string): boolean {
  return isWorthHiding(withoutReferences(value), 'secret');
}

/** What a variable of the gateway stands for is not written here. */
export function withoutReferences(value: string): string {
  return value.replaceAll(REFERENCE, '');
}
