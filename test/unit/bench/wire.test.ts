/** The load generator's own client: what it says of a gateway must not be its own mistake. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Lines, outcomeOf, StdioConnection } from '../../../bench/lib/wire.ts';

function connection() {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  return { stdin, stdout, client: new StdioConnection(stdin, stdout) };
}

test('lines are found whatever the chunks', () => {
  const text = Buffer.from('one\n\nthree\nfo');
  for (let size = 1; size <= text.length; size++) {
    const lines: string[] = [];
    const splitter = new Lines((parts, bytes) => {
      lines.push(Buffer.concat(parts).toString());
      expect(bytes).toBe(lines.at(-1)?.length);
    });
    for (let at = 0; at < text.length; at += size) splitter.push(text.subarray(at, at + size));
    expect(lines).toEqual(['one', '', 'three']);
  }
});

test.each(['first', 'last'])('a large result is settled with its id %s', async (where) => {
  const { stdout, client } = connection();
  const reply = client.request('tools/call');
  const result = `"result":{"content":[{"type":"text","text":"${'x'.repeat(200_000)}"}]}`;
  const [head, tail] = where === 'first' ? ['"id":1,', ''] : ['', ',"id":1'];
  stdout.write(`{"jsonrpc":"2.0",${head}${result}${tail}}\n`);
  expect(await reply).toMatchObject({ ok: true, message: null });
});

test('a large list is read whole', async () => {
  const { stdout, client } = connection();
  const reply = client.request('tools/list');
  const tools = Array.from({ length: 2000 }, (_, at) => ({ name: `tool-${at}`.padEnd(60) }));
  stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools } })}\n`);
  expect((await reply).message?.result.tools).toHaveLength(2000);
});

test.each(['"error":{"code":-32000,"message":"no"}', '"result":{"content":[],"isError":true}'])(
  '%s is no good answer',
  async (body) => {
    const { stdout, client } = connection();
    const reply = client.request('tools/call');
    stdout.write(`{"jsonrpc":"2.0","id":1,${body}}\n`);
    expect((await reply).ok).toBe(false);
  },
);

test('a ping is answered, and what ends leaves no call open', async () => {
  const { stdin, stdout, client } = connection();
  const reply = client.request('tools/call');
  stdout.write('{"jsonrpc":"2.0","id":"p","method":"ping"}\n');
  stdout.end();
  stdout.destroy();
  expect((await reply).ok).toBe(false);
  expect(client.unasked).toBe(1);
  expect(String(stdin.read())).toContain('{"jsonrpc":"2.0","id":"p","result":{}}');
});

test.each([
  ['"result":{"isError":true,"_meta":{"rea/error":{"outcome":"unknown"}}}', 'unknown'],
  [
    '"error":{"code":-32000,"message":"no","data":{"rea/error":{"outcome":"not_sent"}}}',
    'not_sent',
  ],
  ['"error":{"code":-32000,"message":"no"}', null],
  ['"result":{"content":[]}', null],
])('what became of a call is read from %s', async (body, outcome) => {
  const { stdout, client } = connection();
  const reply = client.request('tools/call');
  stdout.write(`{"jsonrpc":"2.0","id":1,${body}}\n`);
  expect(outcomeOf(await reply)).toBe(outcome);
});
