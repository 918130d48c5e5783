/** What the page may ask for at once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import type { Operable } from '#src/main/operator/operable.ts';
import { Looks } from '#src/main/ui/looks.ts';
import { pageRoutes } from '#src/main/ui/routes.ts';
import { OPERABLE } from '../../support/operable.ts';

const dir = mkdtempSync(join(tmpdir(), 'rea-routes-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** Asks for `path` with this body, as the page does. */
async function serve(operable: Operable, looks = new Looks({ operable, cwd: dir, env: {} })) {
  onTestFinished(() => looks.close());
  const answer = pageRoutes({ operable, looks, log: { warn: () => undefined }, self: () => null });
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('/').slice(1);
    void answer(
      { kind: 'api', method: 'POST', path, query: new URLSearchParams() },
      request,
      response,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const leave = new AbortController();
  onTestFinished(() => {
    leave.abort();
    server.close();
  });
  return (path: string, body: object = {}) => {
    const options = { method: 'POST', body: JSON.stringify(body), signal: leave.signal };
    return fetch(`http://127.0.0.1:${port}/${path}`, options);
  };
}

test('whatever goes on, the kill switch gets through', async () => {
  const lane = { phase: 'ready', pid: 1, restarts: 0, circuit: 'closed', in_flight: 1, queued: 0 };
  const one = { name: 'one', copy: 1, ...lane, why: null, action: null };
  const rest = { lazy: false, leaving: 0, leaving_calls: 0, tools: 1 };
  const operable = {
    ...OPERABLE,
    halted: true,
    servers: () => [{ name: 'one', state: 'on' as const, lanes: [one], ...rest }],
    // Its calls never end.
    restart: () => 'a call is in flight',
  };
  const post = await serve(operable);
  // Each has said its first word.
  for (let count = 0; count < 4; count++)
    expect((await post('servers/one/restart')).status).toBe(200);
  const fifth = await post('servers/one/restart');
  expect([fifth.status, await fifth.json()]).toEqual([
    503,
    { error: '4 things are going on already: wait for one of them to end' },
  ]);
  const freeze = await post('freeze', { reason: 'now' });
  expect([freeze.status, (await freeze.text()).trim()]).toEqual([
    200,
    '{"done":{"ok":true,"text":"frozen"}}',
  ]);
});

test('a gateway that stops begins nothing', async () => {
  const post = await serve({ ...OPERABLE, stopping: true });
  for (const path of ['freeze', 'servers/one/restart', 'call']) {
    const refused = await post(path, { tool: 'one__pid', arguments: {} });
    expect([path, refused.status, await refused.json()]).toEqual([
      path,
      503,
      { error: 'the gateway is stopping' },
    ]);
  }
});

test('what was done is seen by the next look, however soon it comes', async () => {
  const looks = new Looks({ operable: OPERABLE, cwd: dir, env: {} });
  const seen = vi.spyOn(looks, 'expire');
  const post = await serve(OPERABLE, looks);
  for (const [count, path] of ['unfreeze', 'servers/one/restart'].entries()) {
    await (await post(path)).text();
    expect(seen).toHaveBeenCalledTimes(count + 1);
  }
});
