/**
 * A tool that is tried from the page: the call of `rea call`, over the gateway's own control socket, so that every rule
 * holds for it. Nobody can be asked there: what needs a person's yes is refused by the gateway.
 */
import type { ServerResponse } from 'node:http';
import { asciiJson, clip, oneLine } from '../../shared/text/clean-text.ts';
import { type Called, callTool } from '../operator/mcp-call.ts';
import type { Found } from '../operator/reach.ts';
import type { Result, Step } from '../operator/steps.ts';
import { streamSteps } from '../operator/steps.ts';

export interface Tried {
  /** As clients call the tool. */
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Of a result so much is shown; `rea call --raw` shows all. */
const MOST_SHOWN = 64 * 1024;
const LONGEST = 1000;

/** Answers with its progress, and then with its result. Whoever leaves cancels it. */
export function tryTool(
  gateway: Found,
  version: string,
  { tool, args }: Tried,
  response: ServerResponse,
): void {
  const stop = new AbortController();
  let going = 'called';
  let result: Result | null = null;
  response.once('close', () => stop.abort());
  const onProgress = ({ progress, message }: Readonly<Record<string, unknown>>) => {
    const said = typeof message === 'string' ? `: ${message}` : '';
    going = oneLine(clip(`progress ${String(progress)}${said}`, LONGEST));
  };
  const options = { tool, args, version, client: 'rea ui', onProgress, signal: stop.signal };
  callTool(gateway, options).then(
    (called) => {
      result = resultOf(called);
    },
    (error: unknown) => {
      const why = error instanceof Error ? error.message : '';
      result = { ok: false, text: why === '' ? 'the gateway does not answer' : oneLine(why) };
    },
  );
  streamSteps(response, (): Step => (result === null ? { going } : { done: result }));
}

function resultOf(called: Called): Result {
  switch (called.kind) {
    case 'cancelled':
      return { ok: false, text: 'cancelled' };
    case 'error': {
      const { message, data } = called.error;
      const text = typeof message === 'string' ? message : asciiJson(data);
      return { ok: false, text: oneLine(clip(text, LONGEST)) };
    }
    case 'result': {
      const { result } = called;
      const text = textOf(result);
      const more = text.length > MOST_SHOWN ? '\n… (the rest: rea call)' : '';
      return { ok: result['isError'] !== true, text: clip(text, MOST_SHOWN) + more };
    }
  }
}

/** Its texts; of anything else that it is there. */
function textOf({ content, structuredContent }: Readonly<Record<string, unknown>>): string {
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  const texts = blocks.map((block) => {
    if (typeof block !== 'object' || block === null) return '[unknown]';
    if ('text' in block && typeof block.text === 'string') return block.text;
    return `[${'type' in block ? clip(String(block.type), 100) : 'unknown'}]`;
  });
  if (texts.length > 0 || structuredContent === undefined) return texts.join('\n');
  return JSON.stringify(structuredContent, null, 2);
}
