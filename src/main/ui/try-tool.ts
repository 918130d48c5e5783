/**
 * A tool that is tried from the page: the call of `rea call`, over the gateway's own control socket, so that every rule
 * holds for it. Nobody can be asked there: what needs a person's yes is refused by the gateway.
 */
import type { ServerResponse } from 'node:http';
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import { type Called, type CallOptions, callTool } from '../operator/mcp-call.ts';
import type { Found } from '../operator/reach.ts';
import { TooLong } from '../operator/read-messages.ts';
import type { Result, Step } from '../operator/steps.ts';
import { streamSteps } from '../operator/steps.ts';
import { kindOf, progressText, reasonOf, textIn } from '../operator/told.ts';

export interface Tried {
  /** As clients call the tool. */
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Of a result so much is shown; `rea call --raw` shows all. */
const MOST_SHOWN = 64 * 1024;
/** A longer answer is not read: it would take the time of main. */
const MOST_READ = 4 * 1024 * 1024;
/** In many levels the spaces before the lines of a long one would need more memory than there is. */
const MOST_INDENTED = 4096;
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
  const onProgress = (progress: Readonly<Record<string, unknown>>) => {
    going = oneLine(clip(`progress ${progressText(progress)}`, LONGEST));
  };
  const { signal } = stop;
  const call = { tool, args, version, client: 'rea ui', onProgress, signal, mostBytes: MOST_READ };
  void attempt(gateway, call).then((ended) => {
    result = ended;
  });
  streamSteps(response, (): Step => (result === null ? { going } : { done: result }));
}

/** Never rejects: whatever a server answers, the gateway goes on. */
async function attempt(gateway: Found, call: CallOptions): Promise<Result> {
  try {
    return resultOf(await callTool(gateway, call));
  } catch (error) {
    if (error instanceof TooLong) {
      return { ok: false, text: 'its answer is longer than 4 MiB and is not read here: rea call' };
    }
    const why = error instanceof Error ? oneLine(clip(error.message, LONGEST)) : '';
    return { ok: false, text: why === '' ? 'the gateway does not answer' : why };
  }
}

function resultOf(called: Called): Result {
  switch (called.kind) {
    case 'cancelled':
      return { ok: false, text: 'cancelled' };
    case 'error':
      return { ok: false, text: oneLine(clip(reasonOf(called.error), LONGEST)) };
    case 'result': {
      const { result } = called;
      const text = textOf(result);
      const more = text.length > MOST_SHOWN ? '\n… (the rest: rea call)' : '';
      return { ok: result['isError'] !== true, text: clip(text, MOST_SHOWN) + more };
    }
  }
}

/** Its texts. Of any other block only the kind. */
function textOf({ content, structuredContent }: Readonly<Record<string, unknown>>): string {
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  const texts = blocks.map((block) => textIn(block) ?? `[${kindOf(block)}]`);
  if (texts.length > 0 || structuredContent === undefined) return texts.join('\n');
  const json = JSON.stringify(structuredContent);
  return json.length > MOST_INDENTED ? json : JSON.stringify(structuredContent, null, 2);
}
