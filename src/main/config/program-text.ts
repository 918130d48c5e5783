/**
 * A program or address in one line for whoever decides whether it may run: the command line as written,
 * secrets hidden, nothing disguised, not longer than about 2,500 characters. Pure.
 */
import { kindOfName, namesSecret } from '../../shared/secrets/names.ts';
import { isWorthHiding } from '../../shared/secrets/worth-hiding.ts';
import { Redactor } from '../../shared/wire/redact.ts';
import { shellWord, shellWords } from './shell-words.ts';
import type { Written, WrittenProgram } from './written.ts';

type Redact = (text: string) => string;

const LONGEST_WORD = 400;
const LONGEST_ARGS = 1200;
const LONGEST_LIST = 450;
const HIDDEN = '[REDACTED:secret]';
/** One with a default is not among them: the default is written here. */
const REFERENCE = /\$\{(?:env:)?\w+\}/g;

/** Variables that decide which code runs: without their values a person cannot decide. */
const DECISIVE = new Set(
  (
    'PATH ENV BASH_ENV SHELLOPTS NODE_OPTIONS NODE_PATH LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH ' +
    'DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH PYTHONPATH PYTHONHOME PYTHONSTARTUP PERL5LIB PERL5OPT ' +
    'RUBYLIB RUBYOPT CLASSPATH JAVA_TOOL_OPTIONS _JAVA_OPTIONS GIT_SSH_COMMAND GIT_EXEC_PATH'
  ).split(' '),
);

/** `--name` before a value, and `name=value`. */
const OPTION = /^--?([\w-]+)$/;
const ASSIGNMENT = /^([\w-]+=)(.+)$/s;

/** @param redact hides what is known to be secret wherever it stands. */
export function programText(written: Written, redact: Redact): string {
  return written.kind === 'program'
    ? commandLine(written, hidingOwn(written.env, redact))
    : address(written, hidingOwn(Object.entries(written.headers), redact));
}

function commandLine({ command, args, cwd, env, passthrough }: WrittenProgram, redact: Redact) {
  const shownArgs = args.map((arg, at) => redact(shownArgument(arg, args[at - 1] ?? '')));
  const words = shellWords(shownArgs, 'arguments', { word: LONGEST_WORD, all: LONGEST_ARGS });
  return line(`${shellWord(redact(command), LONGEST_WORD)} ${words}`.trim(), [
    ['in', [redact(cwd)]],
    ['env', env.map(([name, value]) => redact(`${name}=${shownValue(name, value)}`))],
    ['env_passthrough', passthrough],
  ]);
}

function address(
  { url, headers, tokenFile }: Extract<Written, { kind: 'address' }>,
  redact: Redact,
) {
  return line(shellWord(redact(shownUrl(url)), LONGEST_WORD), [
    ['headers', Object.keys(headers)],
    ['token_file', tokenFile === null ? [] : [redact(tokenFile)]],
  ]);
}

/** @param details each with its name; those without words are left out. */
function line(what: string, details: readonly [name: string, words: readonly string[]][]): string {
  const bounds = { word: LONGEST_WORD, all: LONGEST_LIST };
  const said = details
    .filter(([, words]) => words.length > 0)
    .map(([name, words]) => `${name} ${shellWords(words, 'more', bounds)}`);
  return said.length === 0 ? what : `${what} (${said.join('; ')})`;
}

/** What is set as a variable or header is hidden in the rest of the line too. */
function hidingOwn(values: readonly (readonly [string, string])[], redact: Redact): Redact {
  const secrets = values.filter(([name, value]) => hides(name, value) && !/\s/.test(value));
  const own = new Redactor({ values: secrets.map(([, value]) => value), builtIn: false });
  return (text) => redact(own.redact(text));
}

function shownValue(name: string, value: string): string {
  return hides(name, value) ? HIDDEN : value;
}

/** Whether the value of this variable or header is not for everybody's eyes. */
function hides(name: string, value: string): boolean {
  const kind = DECISIVE.has(name) ? 'harmless' : kindOfName(name);
  return kind !== 'harmless' && isWorthHiding(withoutReferences(value), kind);
}

function shownArgument(arg: string, before: string): string {
  const option = OPTION.exec(before)?.[1];
  if (option !== undefined && namesSecret(option) && isSecret(arg)) return HIDDEN;
  const [, name = '', value = ''] = ASSIGNMENT.exec(arg) ?? [];
  return namesSecret(name.slice(0, -1)) && isSecret(value) ? `${name}${HIDDEN}` : arg;
}

/** The origin is shown whatever it is, and of a query the names. */
function shownUrl(url: string): string {
  const [, origin = '', path = '', query] =
    /^([^?#]*?\/\/[^/?#]*|)([^?]*)(?:\?(.*))?$/s.exec(url) ?? [];
  const shownPath = isWorthHiding(withoutReferences(path)) ? `/${HIDDEN}` : path;
  const pairs = query?.split('&').map((pair) => {
    const at = pair.indexOf('=');
    const isHidden = at >= 0 && isWorthHiding(withoutReferences(pair.slice(at + 1)));
    return isHidden ? `${pair.slice(0, at + 1)}${HIDDEN}` : pair;
  });
  return `${origin}${shownPath}${pairs === undefined ? '' : `?${pairs.join('&')}`}`;
}

/** Not a text of several words: half a command that is also set as a variable would be hidden by it. */
function isSecret(value: string): boolean {
  return !/\s/.test(value) && isWorthHiding(withoutReferences(value), 'secret');
}

/** What a variable of the gateway stands for is not written here. */
function withoutReferences(value: string): string {
  return value.replaceAll(REFERENCE, '');
}
