/** Tokens that main sends to a supervisor thread: a place in it may be another server's by then. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { serverAt } from '../support/login-authority.ts';
import { SupervisorThread, serverConfig } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

test('a token for another server, address or incarnation of the same place is not sent', async () => {
  const seen: (string | undefined)[] = [];
  const web = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(500);
    response.end();
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  closing.push(() => web.close());
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/mcp`;
  const { endpoint } = serverAt(url);
  const thread = new SupervisorThread();
  closing.push(() => thread.close());
  thread.open(serverConfig('web', [], { endpoint }));
  const asks = () => thread.messages.find(({ type }) => type === 'token_wanted');
  const { incarnation } = (await until(asks, { what: 'a question' })) as { incarnation: number };
  const right = { type: 'token', slot: 0, server: 'web', url, incarnation } as const;
  const give = (token: string, changes: object) => {
    thread.post({ ...right, token, problem: null, over: false, ...changes });
  };
  give('of-another', { server: 'other' });
  give('of-an-address', { url: `${url}/other` });
  give('of-a-program', { url: null });
  give('of-earlier', { incarnation: incarnation - 1 });
  give('right', {});
  await until(() => seen.length > 0, { what: 'a request' });
  expect(seen[0]).toBe('Bearer right');
});
