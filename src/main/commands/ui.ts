/** `rea ui`: has a gateway serve its page, prints where, and opens it on a desktop. */
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { readSmallFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import { asciiJson } from '../../shared/text/clean-text.ts';
import { isToken } from '../clients/http/tokens.ts';
import { type Answer, ask } from '../operator/ask.ts';
import { pageOpenerPath } from '../operator/place.ts';
import { lookAtPrivate } from '../processes/private-directory.ts';
import {
  type ActingOptions,
  EXIT,
  gatewaysOf,
  line,
  oneOf,
  outcomeOf,
  refusalOf,
} from './acting.ts';
import { browserOpener, openInBrowser } from './browser.ts';

export interface UiCommandOptions extends ActingOptions {
  readonly json: boolean;
  /** A browser is started, where there is a desktop and a person at it. */
  readonly open: boolean;
  readonly env: NodeJS.ProcessEnv;
}

const MAX_TOKEN_BYTES = 1024;

/** Resolves with the exit code: 0 it is served, 1 it cannot be, 3 no gateway, 4 no answer. */
export async function runUi(options: UiCommandOptions): Promise<number> {
  const { cwd, json, stdout, stderr } = options;
  const gateway = oneOf(await gatewaysOf(options));
  if (gateway === null) return EXIT.none;
  let answer: Answer;
  try {
    answer = await ask(gateway, { method: 'POST', path: 'ui' });
  } catch (error) {
    const { code, text } = outcomeOf(cwd, gateway, error);
    line(stderr, text);
    return code;
  }
  const { port, token_file: file } = answer.value;
  if (answer.status !== 200 || typeof port !== 'number' || typeof file !== 'string') {
    const { code, text } = refusalOf(gateway, answer);
    line(stderr, text);
    return code;
  }
  const token = tokenIn(file);
  if (token === null) {
    line(stderr, `the token of the page cannot be read from ${file}: try again`);
    return EXIT.failed;
  }
  const url = `http://127.0.0.1:${port}/ui#t=${token}`;
  const { pid } = gateway.identity;
  if (json) stdout.write(`${asciiJson({ url, pid })}\n`);
  else stdout.write(`${url}\n`);
  const opener = json || !options.open ? null : openerFor(options);
  if (opener !== null) await openIn(opener, pageOpenerPath(file), url, stderr);
  return EXIT.ok;
}

/** Null: there is none, or others could have put it there. */
function tokenIn(file: string): string | null {
  if (lookAtPrivate(dirname(file)) !== null) return null;
  const read = readSmallFile(file, MAX_TOKEN_BYTES);
  const token = read.kind === 'file' ? read.bytes.toString('latin1').trim() : '';
  return isToken(token) ? token : null;
}

/** The program that opens a browser; null: nobody sits at a desktop here. */
function openerFor({ stdout, env }: Pick<UiCommandOptions, 'stdout' | 'env'>): string | null {
  if (!('isTTY' in stdout) || stdout.isTTY !== true) return null;
  return browserOpener(env, process.platform);
}

/** By a file of ours that leads there: the arguments of a program can be seen by all users. */
async function openIn(
  opener: string,
  file: string,
  url: string,
  stderr: NodeJS.WritableStream,
): Promise<void> {
  const html = `<!doctype html><meta charset="utf-8"><title>rea</title><meta http-equiv="refresh" content="0;url=${url}">\n`;
  try {
    writeWholeFile(file, html, 'replace');
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return line(stderr, `no browser is opened: ${file}: ${errorText(error)}`);
  }
  const failed = await openInBrowser(opener, pathToFileURL(file).href);
  if (failed !== null) line(stderr, `no browser is opened: ${opener}: ${errorText(failed)}`);
}
