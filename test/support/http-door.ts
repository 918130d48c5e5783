/** A gateway that is reached over HTTP, as its user starts it. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect } from 'vitest';
import { HEADERS, initializeWith } from './http-edge.ts';
import { makeDirectory, type Rea, startRea } from './rea-process.ts';
import { fixture, registry } from './servers.ts';

export const CONFIG = registry({ echo: fixture('echo') });

export async function serve(args: readonly string[], cwd = makeDirectory()): Promise<Rea> {
  return startRea({
    args: ['--http', '127.0.0.1:0', ...args],
    config: CONFIG,
    cwd,
    initialize: false,
  });
}

export const urlOf = (rea: Rea) =>
  rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });

export async function stop(rea: Rea): Promise<void> {
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
}

export async function tokenFileOf(rea: Rea): Promise<string> {
  const { json } = await rea.waitForStatus((status) => status.json?.serve.instances[0] && status, {
    what: 'the instance',
  });
  return json.serve.instances[0].endpoint.token_file;
}

export const initialize = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    body: initializeWith('2025-11-25'),
  });

export async function callWith(url: string, token: string): Promise<string> {
  const client = new Client({ name: 'test', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  const said = await client.callTool({ name: 'echo__echo', arguments: { text: 'come in' } });
  const health = await client.callTool({ name: '__rea__health', arguments: {} });
  await client.close();
  return JSON.stringify([said, health]);
}
