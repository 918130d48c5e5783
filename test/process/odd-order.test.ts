/** An answer is one by how it was sent: 30 MB of an unknown member may stand before its `result`. */
import { afterEach, expect, test, vi } from 'vitest';
import { RawHttpClient } from '../support/raw-http-client.ts';
import { startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });
afterEach(tidy);

const BYTES = 30_000_000;
const PATIENT = { call_timeout_ms: 200_000 };

const start = (...args: string[]) =>
  startRea({ args, initialize: false, config: registry({ one: fixture('odd-order') }, PATIENT) });

const answer = (idRaw: string) =>
  `{"jsonrpc":"2.0","id":${idRaw},"x":"${'x'.repeat(BYTES)}","result":{"content":[]}}`;

test('over stdio it is passed on byte for byte', async () => {
  const rea = await start();
  await rea.initialize();
  const { id, answer: received } = rea.begin('one__odd', { bytes: BYTES });
  // Compared here, so that a difference does not print all of it.
  expect((await received).raw === answer(JSON.stringify(id))).toBe(true);
});

test('over HTTP it is passed on byte for byte, and ends the response', async () => {
  const rea = await start('--http', '127.0.0.1:0', '--no-token', '--stdio');
  await rea.waitForPhase('one', 'ready');
  const url = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const client = await RawHttpClient.open(url);
  const messages: string[] = [];
  const params = `{"name":"one__odd","arguments":{"bytes":${BYTES}}}`;
  const body = `{"jsonrpc":"2.0","id":1.50,"method":"tools/call","params":${params}}`;
  expect(await client.post(body, (raw) => messages.push(raw))).toBe(200);
  // What came instead says how it begins, and no more.
  expect(messages.map((raw) => raw === answer('1.50') || raw.slice(0, 500))).toEqual([true]);
  await client.close();
});
