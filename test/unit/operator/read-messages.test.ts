/** The messages of a response, however its bytes come, and whatever the reader does with them. */
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readMessages, TooLong } from '#src/main/operator/read-messages.ts';

const LIMITS = { silentMs: 60_000, mostBytes: 1000 };

function response(type: string, chunks: readonly (string | Uint8Array)[]): IncomingMessage {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return Object.assign(stream, { headers: { 'content-type': type } }) as unknown as IncomingMessage;
}

async function read(type: string, chunks: readonly (string | Uint8Array)[], limits = LIMITS) {
  const seen: unknown[] = [];
  await readMessages(response(type, chunks), limits, (one) => void seen.push(one));
  return seen;
}

const EVENTS = ': hello\n\nevent: message\nid: 1\ndata: {"a":"ä"}\n\ndata: {"b":\ndata: 2}\n\n';

test('events are the same however they are cut', async () => {
  const expected = [{ a: 'ä' }, { b: 2 }];
  const bytes = Buffer.from(EVENTS);
  expect(await read('text/event-stream', [bytes])).toEqual(expected);
  const single = [...bytes].map((one) => Uint8Array.of(one));
  expect(await read('text/event-stream', single)).toEqual(expected);
  for (let at = 1; at < bytes.length; at++) {
    const halves = [bytes.subarray(0, at), bytes.subarray(at)];
    expect(await read('text/event-stream', halves)).toEqual(expected);
  }
});

test('one JSON text, or none', async () => {
  expect(await read('application/json', ['{"a"', ':1}'])).toEqual([{ a: 1 }]);
  expect(await read('application/json', [])).toEqual([]);
  expect(await read('application/json', ['[1]'])).toEqual([]);
  await expect(read('application/json', ['<p>'])).rejects.toThrow('its answer is no JSON');
});

test('a message that is too long is not kept; many short ones are', async () => {
  const data = (length: number) => `data: {"a":"${'x'.repeat(length)}"}\n\n`;
  expect(await read('text/event-stream', Array(10).fill(data(500)))).toHaveLength(10);
  const long = [data(500), data(600).slice(0, 600), 'x'.repeat(600)];
  await expect(read('text/event-stream', long)).rejects.toThrow(TooLong);
  await expect(read('application/json', long)).rejects.toThrow(TooLong);
});

test('what the reader throws is its own failure and nobody else’s, and it hears no more', async () => {
  let heard = 0;
  const take = () => {
    heard += 1;
    throw new TypeError('of the reader');
  };
  const stream = response('text/event-stream', ['data: {}\n\n', 'data: {}\n\n']);
  await expect(readMessages(stream, LIMITS, take)).rejects.toThrow('of the reader');
  expect(heard).toBe(1);
});
