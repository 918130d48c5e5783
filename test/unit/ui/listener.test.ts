/** The listener of the page: loopback only, bounded, and gone once nobody looks. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { reply } from '#src/main/operator/reply.ts';
import { pageDocument } from '#src/main/ui/document.ts';
import { type ListenerOptions, listenForPages, type PageListener } from '#src/main/ui/listener.ts';
import { within } from '../../support/wait-for.ts';

const TOKEN = 'rea_ui_of-the-test';
const opened: PageListener[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function open(options: Partial<ListenerOptions> = {}): Promise<PageListener> {
  const listener = await listenForPages({
    token: TOKEN,
    document: pageDocument(),
    isUsed: () => false,
    idleMs: 60_000,
    log: { error: () => undefined },
    answer: async (asked, _request, response) => reply(response, 200, asked),
    onClosed: () => undefined,
    ...options,
  });
  if (typeof listener === 'string') throw new Error(listener);
  opened.push(listener);
  return listener;
}

async function ask(port: number, path: string, headers: Record<string, string> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, agent: false }, resolve)
      .once('error', reject)
      .end();
  });
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  return { status: response.statusCode, headers: response.headers, text };
}

const WITH = { authorization: `Bearer ${TOKEN}` };

test('the page needs no token, all else does, and no answer lets another page read it', async () => {
  const { port } = await open();
  const page = await ask(port, '/ui');
  expect(page.status).toBe(200);
  expect(page.text).toContain('<title>rea</title>');
  expect(page.text).not.toContain('rea_ui_');
  // It would be kept.
  const kept = { connection: 'keep-alive' };
  const refused = await ask(port, '/api/v1/look', kept);
  expect(refused).toMatchObject({
    status: 401,
    text: '{"error":"the token is wrong or old: rea ui"}',
    headers: { connection: 'close' },
  });
  const seen = await ask(port, '/api/v1/look?a=1', { ...WITH, ...kept });
  expect(seen.headers.connection).toBe('keep-alive');
  expect(JSON.parse(seen.text)).toMatchObject({ method: 'GET', path: ['look'] });
  for (const { headers } of [page, refused, seen]) {
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(headers['set-cookie']).toBeUndefined();
  }
});

test('nothing but 127.0.0.1 is listened on', async () => {
  const { port } = await open();
  const others = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ address, family }) => family === 'IPv4' && address !== '127.0.0.1')
    .map(({ address }) => address);
  for (const host of [...others, '127.0.0.2']) {
    const error = await new Promise<Error | null>((resolve) => {
      const socket = connect({ host, port }, () => resolve(null));
      socket.once('error', resolve);
    });
    expect(error, host).not.toBeNull();
  }
});

/** One that says so much and then nothing. */
async function silent(port: number, words = ''): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  socket.write(words);
  return socket;
}

test('others cannot take all connections from whoever has the token', async () => {
  let end: (() => void) | null = null;
  const { port } = await open({
    answer: async ({ path }, _request, response) => {
      if (path[0] !== 'wait') return reply(response, 200, {});
      end = () => reply(response, 200, { waited: true });
    },
  });
  const waiting = ask(port, '/api/v1/wait', WITH);
  while (end === null) await turn();
  const first = await silent(port);
  const dropped = once(first, 'close');
  for (let count = 0; count < 80; count++) await silent(port);
  await dropped;
  expect((await ask(port, '/api/v1/look', WITH)).status).toBe(200);
  (end as () => void)();
  expect(await waiting).toMatchObject({ status: 200, text: '{"waited":true}' });
});

test('whoever says nothing, or not all, or shows no token, loses the connection', async () => {
  const { port } = await open();
  const host = `host: 127.0.0.1:${port}\r\n`;
  const ends = [
    await silent(port),
    await silent(port, `GET /ui HTTP/1.1\r\n${host}`),
    await silent(port, `GET /api/v1/look HTTP/1.1\r\n${host}\r\n`),
    await silent(port, 'GET /ui HTTP/1.1\r\nhost: localhost\r\n\r\n'),
  ].map((socket) => once(socket, 'close'));
  // Five times the bound that is promised.
  const all = await within(Promise.all(ends), 25_000, () => 'one of them is still open');
  expect(all).toHaveLength(4);
});

test('without anybody it closes; whoever asks with the token, or waits for an answer, keeps it', async () => {
  const idleMs = 600_000;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let closed = 0;
  let end: (() => void) | null = null;
  const { port } = await open({
    idleMs,
    onClosed: () => {
      closed += 1;
    },
    answer: async ({ path }, _request, response) => {
      if (path[0] !== 'wait') return reply(response, 200, {});
      end = () => response.end();
    },
  });
  vi.advanceTimersByTime(idleMs - 1);
  await ask(port, '/api/v1/look', WITH);
  vi.advanceTimersByTime(idleMs - 1);
  expect(closed).toBe(0);
  const waiting = ask(port, '/api/v1/wait', WITH);
  while (end === null) await turn();
  vi.advanceTimersByTime(3 * idleMs);
  expect(closed).toBe(0);
  (end as () => void)();
  await waiting;
  // Without the token nobody keeps it.
  await ask(port, '/ui');
  await ask(port, '/api/v1/look');
  vi.advanceTimersByTime(idleMs);
  expect(closed).toBe(1);
  await expect(ask(port, '/ui')).rejects.toThrow('ECONNREFUSED');
});

test('a port that was used before is not taken again, and a head that is too long is refused', async () => {
  const refused: number[] = [];
  const isUsed = (port: number) => refused.length < 3 && refused.push(port) > 0;
  const { port } = await open({ isUsed });
  expect(refused).toHaveLength(3);
  expect(refused).not.toContain(port);
  expect((await ask(port, '/ui', { 'x-long': 'x'.repeat(9000) })).status).toBe(431);
});

test('where all ports were used it says so, and holds none', async () => {
  const options = { token: TOKEN, document: pageDocument(), isUsed: () => true, idleMs: 60_000 };
  const quiet = { log: { error: () => undefined }, onClosed: () => undefined };
  const answer: ListenerOptions['answer'] = async () => undefined;
  expect(await listenForPages({ ...options, ...quiet, answer })).toBe(
    'no port on 127.0.0.1: the system gives only ports that were used before',
  );
});
