/** Servers behind the gateway that are reached over Streamable HTTP: the same promises as for processes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import {
  freePort,
  type HttpServer,
  readJournal,
  startEverything,
  startFixture,
  stopHttpServers,
} from '../support/http-server.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 30_000 });
afterEach(async () => {
  await tidy();
  await stopHttpServers();
});

/** A gateway in front of one server `web`, ready. */
async function front(server: HttpServer, options: Readonly<Record<string, unknown>> = {}) {
  const rea = await startRea({
    config: registry({ web: { url: server.url } }, options),
  });
  await rea.waitForPhase('web', 'ready');
  return rea;
}

test('serves the reference server with its tools, prompts and resources, and ends its session', async () => {
  const rea = await front(await startEverything());
  const echo = await rea.call('web__echo', { message: 'over http' });
  expect(echo.text).toBe('Echo: over http');
  expect((await rea.request('prompts/list')).message.result.prompts).not.toEqual([]);
  expect((await rea.request('resources/list')).message.result.resources).not.toEqual([]);
  const [web] = rea.state()?.downstreams ?? [];
  expect(web).toMatchObject({
    phase: 'ready',
    pid: null,
    pgid: null,
    restarts: 0,
    last_error: null,
  });
});
