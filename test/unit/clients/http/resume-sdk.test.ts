/** SDK clients whose connections break. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, test } from 'vitest';
import { EchoRouter } from '../../../support/echo-router.ts';
import { type Edge, onTidy, startEdge, tidyEdges } from '../../../support/http-edge.ts';
import { until } from '../../../support/wait-for.ts';
import { sender } from './sender.ts';

afterEach(tidyEdges);

test('an SDK client whose connections are cut gets its answer and its later calls', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { retryMs: 10 });
  const wire = await breakable(edge);
  const client = await sdkClient(wire.url);
  const arrived = new Promise<string>((resolve) => {
    router.onMessage = ({ received }) => {
      const last = received.at(-1) ?? '';
      if (last.includes('"never"')) resolve(String(JSON.parse(last).id));
    };
  });
  const calling = client.callTool({ name: 'never' });
  const id = await arrived;
  // The first stream was that of `initialize`.
  await until(() => wire.fromServer().split('retry: 10').length > 2, {
    limitMs: 5000,
    what: 'the first event of the call',
  });
  wire.cut();
  sender(router).answer(id, '{"content":[{"type":"text","text":"late"}]}');
  expect(await calling).toEqual({ content: [{ type: 'text', text: 'late' }] });
  const again = await client.callTool({ name: 'echo', arguments: { after: true } });
  expect(JSON.stringify(again)).toContain('after');
});

test('an SDK client that got an error does not come back for ever', async () => {
  const router = new EchoRouter();
  const edge = await startEdge(router, { retryMs: 1, maxInFlight: 1000, promptBytes: 0 });
  const wire = await breakable(edge);
  const client = await sdkClient(wire.url);
  router.onMessage = ({ received, port }) => {
    const { id, params } = JSON.parse(received.at(-1) ?? '');
    if (params?.name !== 'never') return;
    port.answer(
      [Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":{"code":-5,"message":"no"}}`)],
      `${id}`,
    );
  };
  await expect(client.callTool({ name: 'never' })).rejects.toThrow('no');
  await until(() => wire.fromServer().includes('204 No Content'), {
    limitMs: 5000,
    what: 'the end of the stream',
  });
  for (let i = 0; i < 20; i++) await client.callTool({ name: 'echo' });
  expect(wire.fromClient().match(/last-event-id/gi)).toHaveLength(1);
});

async function sdkClient(url: URL): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  client.onerror = () => {};
  await client.connect(new StreamableHTTPClientTransport(url));
  onTidy(() => client.close());
  return client;
}

/** A way to the edge that can be cut, and what went over it. */
async function breakable(edge: Edge) {
  const sockets = new Set<Socket>();
  const heard = { fromClient: '', fromServer: '' };
  const { port } = new URL(edge.url);
  const server = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1');
    for (const [from, to, who] of [
      [near, far, 'fromClient'],
      [far, near, 'fromServer'],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk: Buffer) => (heard[who] += chunk.toString('latin1')));
      from.on('error', () => to.destroy()).on('close', () => sockets.delete(from));
      from.pipe(to);
    }
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTidy(() => {
    cut();
    return new Promise((resolve) => server.close(resolve));
  });
  const url = new URL(edge.url);
  url.port = String((server.address() as AddressInfo).port);
  return { url, cut, fromClient: () => heard.fromClient, fromServer: () => heard.fromServer };
}
