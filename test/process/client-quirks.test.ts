/** What clients write that is not quite the protocol, and what the gateway makes of it. */
import { afterEach, expect, test, vi } from 'vitest';
import { RawHttpClient } from '../support/raw-http-client.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const BOM = '\ufeff';
const METHODS = [
  'ping',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
];

test('over stdio, byte order marks and null params mean nothing', async () => {
  const rea = await startRea({
    config: registry({ echo: fixture('echo') }),
    initialize: false,
  });
  rea.wire.writeRaw(BOM);
  const { message } = await rea.initialize();
  expect(message.result.serverInfo.name).toBe('rea');
  for (const [id, method] of METHODS.entries()) {
    rea.wire.expectAnswer(id);
    rea.wire.writeRaw(`${BOM}{"jsonrpc":"2.0","id":${id},"method":"${method}","params":null}\r\n`);
    await rea.waitForFrames(({ message: { id: answered } }) => answered === id, 1);
  }
  for (const id of METHODS.keys()) {
    const frame = rea.wire.frames.find(({ message: { id: answered } }) => answered === id);
    expect(frame?.message).toHaveProperty('result');
  }
});

test('over HTTP, byte order marks and null params mean nothing', async () => {
  const rea = await startRea({
    args: ['--http', '0', '--no-token'],
    config: registry({ echo: fixture('echo') }),
    initialize: false,
  });
  const client = await RawHttpClient.open(await urlOf(rea));
  for (const method of METHODS) {
    const answers: string[] = [];
    const body = `${BOM}\r\n{"jsonrpc":"2.0","id":"${method}","method":"${method}",\r\n"params":null}`;
    expect(await client.post(body, (raw) => answers.push(raw))).toBe(200);
    expect(answers.map((raw) => JSON.parse(raw))).toEqual([
      { jsonrpc: '2.0', id: method, result: expect.any(Object) },
    ]);
  }
  expect(await client.post(`${BOM}[]`)).toBe(400);
});

function urlOf(rea: Rea): Promise<string> {
  return rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
}
