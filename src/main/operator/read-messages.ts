/** The messages of a response: one JSON text, or a stream of events. What was looked at once is not looked at again. */
import type { IncomingMessage } from 'node:http';
import { isObject } from '../../shared/model/is-object.ts';
import { eachChunk, Unreachable } from './ask.ts';

export type Message = Readonly<Record<string, unknown>>;

export interface ReadOptions {
  /** How long nothing may come. */
  readonly silentMs: number;
  /** Of one message; a longer one ends the reading. */
  readonly mostBytes: number;
}

/** A message is longer than the reader wants. */
export class TooLong extends Unreachable {}

const LF = 0x0a;
const END = '\n\n';

/**
 * Hands over each message as it comes.
 *
 * @throws TooLong, Silent, Unreachable, and whatever `take` throws.
 */
export async function readMessages(
  response: IncomingMessage,
  { silentMs, mostBytes }: ReadOptions,
  take: (message: Message) => void,
): Promise<void> {
  const isStream = String(response.headers['content-type']).includes('event-stream');
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer) => {
    bytes += part.length;
    if (bytes > mostBytes) throw new TooLong(`a message is longer than ${mostBytes} bytes`);
    if (part.length > 0) parts.push(part);
  };
  const end = () => {
    const text = Buffer.concat(parts).toString('utf8');
    parts = [];
    bytes = 0;
    takeText(isStream ? dataOf(text) : text, take);
  };
  const onChunk = (chunk: Buffer) => {
    if (!isStream) return add(chunk);
    let from = 0;
    // Half of an end came with the chunk before.
    if (parts.at(-1)?.at(-1) === LF && chunk[0] === LF) {
      from = 1;
      end();
    }
    for (let at = chunk.indexOf(END, from); at >= 0; at = chunk.indexOf(END, from)) {
      add(chunk.subarray(from, at));
      from = at + END.length;
      end();
    }
    add(chunk.subarray(from));
  };
  await eachChunk(response, onChunk, silentMs);
  if (!isStream) end();
}

function dataOf(event: string): string {
  const lines = event.split('\n').filter((line) => line.startsWith('data:'));
  return lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n');
}

function takeText(text: string, take: (message: Message) => void): void {
  if (text.trim() === '') return;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unreachable('its answer is no JSON');
  }
  if (isObject(value)) take(value);
}
