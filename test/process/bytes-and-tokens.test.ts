/** What must not change on its way: results of the largest size, and progress tokens of every JSON type. */
import { afterEach, expect, test, vi } from 'vitest';
import { RawHttpClient } from '../support/raw-http-client.ts';
import { startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });
afterEach(tidy);

/** 30 MB of JSON text, most of it more than one byte a character. */
const MARKER = `<${'ü世😀 "\\ '.repeat(2_000_000)}>`;

/** A server that parses 30 MB does not answer a ping meanwhile, and takes its time on a busy machine. */
const PATIENT = {
  liveness: { idle_ms: 60_000, timeout_ms: 30_000, misses: 2 },
  call_timeout_ms: 200_000,
};

const start = (...args: string[]) =>
  startRea({ args, initialize: false, config: registry({ one: fixture('markers') }, PATIENT) });

const answer = (idRaw: string, text: string) =>
  `{"jsonrpc":"2.0","id":${idRaw},"result":${JSON.stringify({ content: [{ type: 'text', text }] })}}`;

test('30 MB go to a server and come back over stdio byte for byte', async () => {
  expect(Buffer.byteLength(JSON.stringify(MARKER))).toBeGreaterThan(30_000_000);
  const rea = await start();
  await rea.initialize();
  const args = { marker: MARKER, steps: 0, ms: 0 };
  const { id, answer: received } = rea.begin('one__mark', args);
  // Compared here, so that a difference does not print all of it.
  expect((await received).raw === answer(JSON.stringify(id), MARKER)).toBe(true);
});

test('30 MB go to a server and come back over HTTP byte for byte', async () => {
  const rea = await start('--http', '127.0.0.1:0', '--no-token', '--stdio');
  await rea.waitForPhase('one', 'ready');
  const url = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const client = await RawHttpClient.open(url);
  const args = JSON.stringify({ marker: MARKER, steps: 0, ms: 0 });
  const params = `{"name":"one__mark","arguments":${args}}`;
  const messages: string[] = [];
  const body = `{"jsonrpc":"2.0","id":1.50,"method":"tools/call","params":${params}}`;
  expect(await client.post(body, (raw) => messages.push(raw))).toBe(200);
  // What came instead says how it begins, and no more.
  const seen = messages.map((raw) => raw === answer('1.50', MARKER) || raw.slice(0, 500));
  expect(seen).toEqual([true]);
  await client.close();
});

test('progress carries the client’s own token, of whatever type, and comes before the answer', async () => {
  const rea = await start();
  await rea.initialize();
  await rea.tools();
  const before = rea.stdoutFrames().length;
  const tokens = ['0', '7', '"7"', '-7', '7.50', '9007199254740993', '1e2', '""', '"\\u00fc"'];
  const expected: string[] = [];
  for (const [at, token] of tokens.entries()) {
    const id = `"call ${at}"`;
    rea.wire.expectAnswer(`call ${at}`);
    const args = `{"marker":"m${at}","steps":2,"ms":0}`;
    rea.wire.writeRaw(
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"one__mark","arguments":${args},"_meta":{"progressToken":${token}}}}\n`,
    );
    for (const progress of [1, 2]) {
      expected.push(
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${progress},"total":2,"message":"m${at}"}}`,
      );
    }
    expected.push(answer(id, `m${at}`));
    await rea.waitForFrames(({ raw }) => raw.startsWith(`{"jsonrpc":"2.0","id":${id},`), 1);
  }
  const frames = rea.stdoutFrames().slice(before);
  expect(frames.filter((raw) => !raw.includes('list_changed'))).toEqual(expected);
});
