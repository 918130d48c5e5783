/** Responses without a session that nobody reads: they are bounded, and hold up nobody else. */
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { EchoRouter } from '../../../support/echo-router.ts';
import { startEdge, tidyEdges } from '../../../support/http-edge.ts';
import { ask, begin, bodyOf, type Sent, VERSION } from '../../../support/sessionless.ts';
import { until } from '../../../support/wait-for.ts';

afterEach(tidyEdges);

/** A message of 1 MiB. */
const PART = Buffer.from(`{"method":"notifications/x","params":{"text":"${'x'.repeat(1 << 20)}"}}`);
const EVENTS = 'text/event-stream';
const CALL: Sent = { id: 'c', method: 'tools/call', params: { name: 'plain', arguments: {} } };
const tool = (name: string): Sent => ({ ...CALL, params: { name, arguments: {} } });

test('a client that does not read is cut off, and holds up nobody else until then', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { slowClientMs: 300 });
  const { socket } = await unread(edge.url, tool('never'));
  await until(() => router.clients[0]?.keys.length === 1, { what: 'the call' });
  const { port, keys } = router.clients[0] ?? {};
  for (let at = 0; at < 40; at++) port?.send([PART], keys?.[0] ?? '');
  // It is one of several clients that cannot be told apart.
  expect(port?.needsDrain).toBe(false);
  expect((await ask(edge.url, CALL)).status).toBe(200);
  await until(() => router.clients[0]?.cancelled.length === 1, { what: 'the end of the call' });
  socket.destroy();
});

test('a response that is not read is counted no more, whoever else of its token reads', async () => {
  const router = new EchoRouter();
  let units = 0;
  const addUnits = (more: number) => {
    units += more;
  };
  const edge = await startEdge(router, { credit: { addUnits } });
  const { socket } = await unread(edge.url, tool('never'));
  await until(() => router.clients[0]?.keys.length === 1, { what: 'the call' });
  const reading = await begin(edge.url, { ...tool('never'), headers: { accept: EVENTS } });
  const { port, keys } = router.clients[0] ?? {};
  for (let at = 0; at < 16; at++) port?.send([PART], keys?.[0] ?? '');
  await until(() => units > 0, { what: 'the count' });
  const reader = reading.body?.getReader();
  const reads = async () => {
    for (;;) if ((await reader?.read())?.done !== false) return;
  };
  const ended = reads();
  const goesOn = () => {
    port?.send([PART.subarray(0, 100_000)], keys?.[1] ?? '');
    return units === 0;
  };
  await until(goesOn, { what: 'the end of the count' });
  port?.answer([PART], keys?.[1] ?? '');
  await ended;
  expect(units).toBe(0);
  socket.destroy();
});

test('of more unread than a principal may leave, what has stopped longest is cut off', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { maxUnreadBytes: 24 << 20 });
  const sockets = [];
  for (const count of [1, 2]) {
    sockets.push((await unread(edge.url, tool('never'))).socket);
    await until(() => router.clients[0]?.keys.length === count, { what: 'the call' });
    const { port, keys } = router.clients[0] ?? {};
    for (let at = 0; at < 14; at++) port?.send([PART], keys?.[count - 1] ?? '');
  }
  const { port, keys, cancelled } = router.clients[0] ?? {};
  const isCut = () => {
    port?.send([PART.subarray(0, 100_000)], keys?.[1] ?? '');
    return (cancelled?.length ?? 0) > 0;
  };
  await until(isCut, { what: 'the end of the first call' });
  expect(cancelled?.[0]).toContain(keys?.[0]);
  for (const socket of sockets) socket.destroy();
});

test('a client that leaves too many answers unread gets no more', async () => {
  const router = new EchoRouter();
  const tokens = ['a'.repeat(32), 'b'.repeat(32)];
  const edge = await startEdge(router, { tokens, maxInFlight: 1 });
  const authorization = `Bearer ${'a'.repeat(32)}`;
  const sockets = [];
  for (const count of [1, 2]) {
    const sent = await unread(edge.url, tool('never'), `authorization: ${authorization}\r\n`);
    sockets.push(sent.socket);
    await until(() => router.clients[0]?.keys.length === count, { what: 'the call' });
    const { port, keys } = router.clients[0] ?? {};
    port?.answer(
      Array.from({ length: 16 }, () => PART),
      keys?.[count - 1] ?? '',
    );
  }
  const { answer } = await ask(edge.url, { ...CALL, headers: { authorization } });
  expect(JSON.stringify(answer)).toContain('2 answers that it does not read');
  for (const socket of sockets) socket.destroy();
});

/** Sends a request on a connection that nothing is read from. */
async function unread(url: string, sent: Sent, header = '') {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.pause();
  const body = bodyOf(sent);
  const name = String(sent.params?.['name']);
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\nmcp-protocol-version: ${VERSION}\r\nmcp-method: ${sent.method}\r\nmcp-name: ${name}\r\n${header}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return { socket };
}
