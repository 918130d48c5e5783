/**
 * What ends the response to a request is what was sent as its answer, whatever its bytes look like: the HTTP
 * edge looks into no message on its way out.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { EchoRouter } from '../../../support/echo-router.ts';
import { callTool, HttpClient, startEdge, tidyEdges } from '../../../support/http-edge.ts';
import { until } from '../../../support/wait-for.ts';

afterEach(tidyEdges);

const MIB = 1024 * 1024;
/** A notification by its `method`, which comes first, and with an unknown member that is large. */
const MISLEADING_ANSWER = `{"method":"notifications/none","x":"${'x'.repeat(3 * MIB)}","jsonrpc":"2.0","id":1,"result":{}}`;
/** An answer by its `result`, which comes first. */
const MISLEADING_NOTIFICATION =
  '{"result":{},"error":{},"jsonrpc":"2.0","method":"notifications/own"}';
const ANSWER = '{"jsonrpc":"2.0","id":1,"result":{"text":"the answer"}}';

const bytes = (text: string) => [Buffer.from(text)];

/** A client with a call that waits for its answer. */
async function waitingCall(promptMs: number) {
  const router = new EchoRouter();
  const edge = await startEdge(router, { promptMs, closeMs: 60_000 });
  const client = await HttpClient.open(edge);
  await client.post('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  const call = client.call(callTool('never', '1'));
  const arrived = () => router.clients[0]?.received.some((line) => line.includes('"never"'));
  await until(() => arrived() === true, { limitMs: 10_000, what: 'the call' });
  const port = router.clients[0]?.port;
  if (port === undefined) throw new Error('the client has no port');
  const messages = async () =>
    (await (await call).rest()).map(({ data }) => data ?? '').filter((text) => text.trim() !== '');
  return { client, port, call, messages };
}

/** `prompt`: the answer may still be the whole response. `stream`: it has become a stream. */
describe.each([
  ['prompt', 60_000],
  ['stream', 1],
] as const)('while the response is a %s', (kind, promptMs) => {
  test('an answer that looks like a notification ends it', async () => {
    const { port, call, messages } = await waitingCall(promptMs);
    if (kind === 'stream') await call;
    port.answer(bytes(MISLEADING_ANSWER), '1');
    const seen = (await messages()).map((text) => text === MISLEADING_ANSWER || text.slice(0, 200));
    expect(seen).toEqual([true]);
  });

  test('a notification that looks like an answer does not end it', async () => {
    const { port, call, messages } = await waitingCall(promptMs);
    if (kind === 'stream') await call;
    port.send(bytes(MISLEADING_NOTIFICATION), '1');
    port.answer(bytes(ANSWER), '1');
    expect(await messages()).toEqual([MISLEADING_NOTIFICATION, ANSWER]);
  });
});

test('an answer that comes at once is the response although it is no JSON', async () => {
  const { port, call } = await waitingCall(60_000);
  port.answer(bytes('not JSON'), '1');
  const { response } = await call;
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('content-length')).toBe('8');
});

test('a notification that looks like an answer frees no id', async () => {
  const { client, port, messages } = await waitingCall(60_000);
  port.send(bytes(MISLEADING_NOTIFICATION), '1');
  const again = await client.post(callTool('echo', '1'));
  expect(await again.text()).toContain('in flight already');
  port.answer(bytes(ANSWER), '1');
  expect(await messages()).toEqual([MISLEADING_NOTIFICATION, ANSWER]);
});
