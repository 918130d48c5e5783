/**
 * Reads the variables of an `env_file`: a small file of `NAME=value` lines, as clients and compose know it. Names
 * that decide which code a program runs are refused: such a file often lies where others may write.
 */

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { errorCode } from '../../shared/platform/errno.ts';
import { readRange } from '../../shared/platform/safe-file.ts';

const MAX_BYTES = 256 * 1024;
const DECIDES_CODE =
  /^(?:PATH|ENV|BASH_ENV|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|ZDOTDIR|IFS|CLASSPATH|_?JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|DOTNET_STARTUP_HOOKS|PHPRC|PHP_INI_SCAN_DIR|(?:LD|DYLD|NODE|PERL5|GIT|UV|PIP|GEM|BUNDLE|DENO|BUN)_.*|PERL5.*|(?:PYTHON|RUBY|LUA).*|npm_config_.*)$/i;

export type EnvFile =
  | { readonly ok: true; readonly variables: Readonly<Record<string, string>> }
  /** What is wrong and what would be right, without a value of the file. */
  | { readonly ok: false; readonly message: string; readonly fix: string };

/** @param file absolute path. */
export function readEnvFile(file: string): EnvFile {
  const refuse = (message: string, fix: string): EnvFile => ({ ok: false, message, fix });
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = errorCode(error);
    if (code === '') throw error;
    return refuse(`cannot be opened (${code})`, 'give the path of a file that you may read');
  }
  try {
    if (!fstatSync(descriptor).isFile()) return refuse('is not a regular file', 'give a file');
    const bytes = readRange(descriptor, 0, MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES)
      return refuse(`is larger than ${MAX_BYTES} bytes`, 'make it smaller');
    const variables = parseEnv(bytes.toString('utf8').replace(/^\uFEFF/, '')) as Record<
      string,
      string
    >;
    const refused = Object.keys(variables).filter((name) => DECIDES_CODE.test(name));
    const [first] = refused;
    if (first === undefined) return { ok: true, variables };
    const names = refused.length === 1 ? first : `${first} and ${refused.length - 1} more`;
    return refuse(
      `sets ${names.slice(0, 100)}, which decides what code runs`,
      'take it out, or write it under env if it is meant',
    );
  } finally {
    closeSync(descriptor);
  }
}
