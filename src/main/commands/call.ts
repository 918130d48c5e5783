/**
 * `rea call SERVER TOOL …`: calls one tool through the gateway, as a client would. Arguments that do not fit the
 * tool's schema are refused here: nothing is sent. Ctrl-C cancels.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { asciiJson, clip, escapeForTerminal, oneLine } from '../../shared/text/clean-text.ts';
import { nearest } from '../config/problem.ts';
import { MAX_ANSWER_BYTES } from '../operator/ask.ts';
import { type Read, readObject, readPairs } from '../operator/call-arguments.ts';
import { type Called, callTool } from '../operator/mcp-call.ts';
import type { Found } from '../operator/reach.ts';
import { kindOf, progressText, reasonOf, textIn } from '../operator/told.ts';
import { type ListedTool, listTools, schemaOf } from '../operator/tool-list.ts';
import { version } from '../version.ts';
import { type ActingOptions, EXIT, gatewaysOf, line, oneOf, outcomeOf } from './acting.ts';

export interface CallCommandOptions extends ActingOptions {
  readonly server: string;
  readonly tool: string;
  /** `key=value`, or one `@FILE`. */
  readonly words: readonly string[];
  /** The arguments as one JSON text. */
  readonly json?: string;
  /** Print the whole result as JSON. */
  readonly raw: boolean;
}

/** As of a program that SIGINT has ended. */
const EXIT_CANCELLED = 130;
const LONGEST = 1000;

/** Resolves with the exit code: 0, 1 the tool failed or was refused, 2 bad input, 3 no gateway, 4 no answer. */
export async function runCall(options: CallCommandOptions): Promise<number> {
  const gateway = oneOf(await gatewaysOf(options));
  if (gateway === null) return EXIT.none;
  try {
    return await call(gateway, options);
  } catch (error) {
    const { code, text } = outcomeOf(options.cwd, gateway, error);
    line(options.stderr, text);
    return code;
  }
}

async function call(gateway: Found, options: CallCommandOptions): Promise<number> {
  const { stdout, stderr, raw } = options;
  const wrong = (text: string) => {
    line(stderr, clip(text, LONGEST));
    return EXIT.usage;
  };
  const tool = findTool(await listTools(gateway), options);
  if (typeof tool === 'string') return wrong(tool);
  const read = readArguments(options, tool);
  if (!read.ok) return wrong(read.message);
  const problem = misfitOf(tool, read.value);
  if (problem !== null) return wrong(`${tool.server} ${tool.tool}: ${problem}; nothing was sent`);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.on('SIGINT', onSignal);
  try {
    const called = await callTool(gateway, {
      tool: tool.name,
      args: read.value,
      client: 'rea call',
      version: version(),
      signal: stop.signal,
      mostBytes: MAX_ANSWER_BYTES,
      onProgress: (progress) => line(stderr, clip(progressText(progress), LONGEST)),
    });
    return tell(called, raw, stdout, stderr);
  } finally {
    process.off('SIGINT', onSignal);
  }
}

/** By its server's name for it or by the one that clients use; else a line that says what is wrong. */
function findTool(
  tools: readonly ListedTool[],
  { server, tool }: Pick<CallCommandOptions, 'server' | 'tool'>,
): ListedTool | string {
  const own = tools.filter((one) => one.server === server);
  const found = own.find((one) => one.tool === tool) ?? own.find((one) => one.name === tool);
  if (found !== undefined) return found;
  const names = own.length > 0 ? own.map((one) => one.tool) : tools.map((one) => one.server);
  const like = nearest(own.length > 0 ? tool : server, names);
  const hint = like === null ? '' : `; did you mean "${like}"?`;
  return own.length > 0
    ? `server "${clip(server, 64)}" offers no tool "${clip(tool, 128)}"${hint}${hint === '' ? `; see rea tools ${clip(server, 64)}, and rea check --explain for what a rule denies` : ''}`
    : `no server "${clip(server, 64)}" offers tools here${hint}`;
}

function readArguments(options: CallCommandOptions, tool: ListedTool): Read {
  const { json, words } = options;
  const [first = '', ...others] = words;
  if (json !== undefined) {
    if (words.length === 0) return readObject(json, '--json');
    return { ok: false, message: '--json holds all arguments: give no others' };
  }
  if (!first.startsWith('@')) return readPairs(words, schemaOf(tool));
  if (others.length > 0) return { ok: false, message: '@FILE holds all arguments: give no others' };
  const file = first.slice(1);
  try {
    return readObject(readFileSync(file === '-' ? 0 : resolve(file), 'utf8'), file);
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return { ok: false, message: `${file} cannot be read: ${errorText(error)}` };
  }
}

/** What does not fit the schema, in words; null: all does, or the schema itself cannot be used. */
function misfitOf(tool: ListedTool, value: object): string | null {
  try {
    const ajv = new Ajv({ strict: false, validateSchema: false, allErrors: true });
    formats.default(ajv);
    if (ajv.validate(schemaOf(tool), value)) return null;
    return ajv.errorsText(ajv.errors, { dataVar: 'arguments' });
  } catch (error) {
    // Its server will judge.
    if (error instanceof Error) return null;
    throw error;
  }
}

function tell(
  called: Called,
  raw: boolean,
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream,
): number {
  switch (called.kind) {
    case 'cancelled':
      line(stderr, 'cancelled');
      return EXIT_CANCELLED;
    case 'error':
      line(stderr, clip(reasonOf(called.error), LONGEST));
      return EXIT.failed;
    case 'result':
      if (raw) stdout.write(`${asciiJson(called.result, 2)}\n`);
      else printContent(called.result, isOfGateway(called.result) ? stderr : stdout);
      return called.result['isError'] === true ? EXIT.failed : EXIT.ok;
  }
}

/** The call has not come to an answer of its server: it was refused, or is lost. */
function isOfGateway({ _meta: meta }: Readonly<Record<string, unknown>>): boolean {
  return typeof meta === 'object' && meta !== null && 'rea/error' in meta;
}

/** Texts as they are, but harmless on a terminal; of anything else what it is. */
function printContent(
  { content, structuredContent }: Readonly<Record<string, unknown>>,
  to: NodeJS.WritableStream,
): void {
  const isTerminal = 'isTTY' in to && to.isTTY === true;
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  if (blocks.length === 0 && structuredContent !== undefined) {
    to.write(`${asciiJson(structuredContent, 2)}\n`);
  }
  for (const block of blocks) {
    const text = textIn(block);
    const shown = text ?? oneLine(`[${kindOf(block)}: see --raw]`);
    const harmless = isTerminal ? escapeForTerminal(shown) : shown;
    to.write(harmless.endsWith('\n') ? harmless : `${harmless}\n`);
  }
}
