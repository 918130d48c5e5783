/** Clients of revision 2026-07-28 that take tasks, each by a token of its own, and the server that makes them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { urlOf } from './http-door.ts';
import { makeDirectory, startRea } from './rea-process.ts';
import { registry, type ServerSpec } from './servers.ts';
import { ask, begin, messagesOf, type Received, type Sent } from './sessionless.ts';
import type { Message } from './wire.ts';

export const PROGRAM = fileURLToPath(new URL('../fixtures/stateless/tasks.mjs', import.meta.url));
export const EXTENSION = 'io.modelcontextprotocol/tasks';
export const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
export const TAKES = { extensions: { [EXTENSION]: {} }, elicitation: { form: {} } };
export const TOKENS = ['first-client-of-two', 'second-client-of-two'] as const;
const HANDLE = /^rea\.[\w-]{24}$/;

export const server = (file: string): ServerSpec => ({
  command: process.execPath,
  args: [PROGRAM, '--journal', file],
});

/** The messages about tasks that the server got, and the calls of its tools. */
export const gotIn = (file: string, method: string): Message[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).message)
    .filter((message) => message?.method === method);

export type Asks = (method: string, params: object, capabilities?: object) => Promise<Message>;

/** A client that goes by a token. */
export function client(url: string, token: string): Asks {
  return async (method, params, capabilities = TAKES) =>
    (await say(url, token, { method, params: { ...params } }, capabilities)).answer;
}

export const say = (
  url: string,
  token: string,
  sent: Sent,
  capabilities: object,
): Promise<Received> =>
  ask(url, {
    ...sent,
    meta: { [CAPABILITIES]: capabilities },
    headers: { authorization: `Bearer ${token}`, ...sent.headers },
  });

export const called = (asks: Asks, name: string, args: object = {}, capabilities: object = TAKES) =>
  asks('tools/call', { name, arguments: args }, capabilities);

export async function overHttp(config: object, options: Readonly<Record<string, unknown>> = {}) {
  const file = join(makeDirectory(), 'tokens');
  writeFileSync(file, `${TOKENS.join('\n')}\n`, { mode: 0o600 });
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--token-file', file],
    initialize: false,
    config: registry(config as Record<string, ServerSpec>, options),
  });
  await rea.waitForPhase('s', 'ready');
  const url = await urlOf(rea);
  const [first, second] = [client(url, TOKENS[0]), client(url, TOKENS[1])];
  return { rea, url, first, second };
}

export async function made(asks: Asks, name = 's__work', args: object = {}): Promise<string> {
  const { result } = await called(asks, name, args);
  expect(result).toMatchObject({ resultType: 'task', pollIntervalMs: 100 });
  expect(result.taskId).toMatch(HANDLE);
  return result.taskId;
}

/** A stream of changes over HTTP, and the subset that it was promised. */
export async function listenTo(url: string, token: string, notifications: object) {
  const leaves = new AbortController();
  const response = await begin(url, {
    id: 'l',
    method: 'subscriptions/listen',
    params: { notifications },
    meta: { [CAPABILITIES]: TAKES },
    headers: { authorization: `Bearer ${token}` },
    signal: leaves.signal,
  });
  const messages = messagesOf(response);
  const next = async (): Promise<Message> => (await messages.next()).value;
  const { params } = await next();
  return { promised: params.notifications, next, leave: () => leaves.abort() };
}
