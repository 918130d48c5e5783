/** stdout of `rea serve` is byte for byte protocol messages, whatever its servers and dependencies print. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test, vi } from 'vitest';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

test('a dependency that prints in every thread writes nothing to stdout', async () => {
  const rea = await startRea({
    faults: true,
    config: registry({ junk: fixture('prints-junk'), echo: fixture('echo') }),
  });
  await rea.tools();
  for (const kind of ['main', 'supervisor', 'state-writer'] as const) {
    await rea.faults.inject(kind, 'print');
  }
  for (let round = 0; round < 50; round += 1) {
    const text = `round ${round}`;
    const answers = await Promise.all([
      rea.call('echo__echo', { text }),
      rea.call('junk__echo', { text }),
    ]);
    expect(answers.map((answer) => answer.text)).toEqual([text, text]);
  }
  await rea.waitForLog('a dependency says hello');
  await rea.stop();
  expect(rea.stdoutFrames().length).toBeGreaterThan(100);
  expect(rea.stdoutFrames().join('')).not.toMatch(/a dependency says hello|straight to stdout/);
});

test('an SDK client works through the gateway with real servers and reads only messages', async () => {
  const dir = makeDirectory();
  mkdirSync(join(dir, 'files'));
  const rea = await startRea({
    cwd: dir,
    initialize: false,
    config: registry({
      everything: realServer('everything', 'stdio'),
      files: realServer('filesystem', join(dir, 'files')),
    }),
  });
  const client = await rea.client();
  expect(client.getServerVersion()?.name).toBe('rea');
  const { tools } = await client.listTools();
  expect(tools.length).toBeGreaterThan(20);
  const echoed = await client.callTool({ name: 'everything__echo', arguments: { message: 'hi' } });
  expect(echoed.content).toEqual([{ type: 'text', text: 'Echo: hi' }]);

  const progress: unknown[] = [];
  await client.request(
    {
      method: 'tools/call',
      params: {
        name: 'everything__trigger-long-running-operation',
        arguments: { duration: 1, steps: 4 },
      },
    },
    ResultSchema,
    { onprogress: (one) => progress.push(one.progress) },
  );
  expect(progress).toEqual([1, 2, 3, 4]);

  const written = await client.callTool({
    name: 'files__write_file',
    arguments: { path: join(dir, 'files', 'a.txt'), content: 'through the gateway' },
  });
  expect(written.isError).not.toBe(true);
  const read = await client.callTool({
    name: 'files__read_text_file',
    arguments: { path: join(dir, 'files', 'a.txt') },
  });
  expect(JSON.stringify(read.content)).toContain('through the gateway');
  await client.ping();
  await client.close();
});

test('answers malformed input with JSON-RPC errors and goes on', async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  const errors = () => rea.wire.frames.filter(({ message }) => message.error !== undefined);
  rea.wire.writeRaw('this is no JSON\n');
  rea.wire.writeRaw('{"jsonrpc":"2.0","id":null,"method":\n');
  rea.wire.writeRaw(Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]));
  rea.wire.writeRaw('[{"jsonrpc":"2.0","id":1,"method":"ping"}]\n');
  rea.wire.writeRaw('\n\r\n');
  // An error under the id of a response would be taken for an answer to a request of the client's.
  rea.wire.writeRaw('{"jsonrpc":"2.0","id":"t1","result":{},"result":{}}\n');
  rea.wire.writeRaw('{"jsonrpc":"2.0","id":"\r","method":"ping"}\n');
  const { answer } = rea.wire.request('no/such/method');
  expect((await answer).message.error?.code).toBe(-32601);
  expect((await rea.request('ping')).message.result).toEqual({});
  expect((await rea.call('echo__echo', { text: 'fine' })).text).toBe('fine');
  expect(errors().map(({ message }) => message.id)).toEqual([
    null,
    null,
    null,
    null,
    null,
    null,
    't2',
  ]);
  for (const { message } of errors()) expect(message.error?.message).not.toMatch(/\n|\bat /);
});

test('keeps ids of every kind exactly as the client wrote them', async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  await rea.tools();
  const ids = ['0', '-1', '9007199254740993', '1.50', '"a\\u00e9\\"b"', '""', '"__proto__"'];
  for (const id of ids) rea.wire.expectAnswer(JSON.parse(id));
  for (const id of ids) {
    rea.wire.writeRaw(
      `{"id": ${id} ,"params":{"arguments":{"text":"t"},"name":"echo__echo"},"method":"tools/call","jsonrpc":"2.0"}\n`,
    );
  }
  await rea.call('echo__echo', { text: 'last' });
  await rea.waitForFrames(({ message }) => message.result?.content?.[0]?.text === 't', ids.length);
  for (const id of ids) {
    expect(rea.stdoutFrames().filter((frame) => frame.includes(`"id":${id}`))).toHaveLength(1);
  }
});
