/** A control socket whose gateway answers a tool call as a test wants it. */
import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Found } from '#src/main/operator/reach.ts';

/** @param dir where its socket lies. @param answer gets the response of the call, a stream of events. */
export async function fakeGateway(
  dir: string,
  answer: (response: ServerResponse) => void,
): Promise<Found & { readonly cancelled: Promise<string> }> {
  let onCancelled: (how: string) => void = () => undefined;
  const cancelled = new Promise<string>((resolve) => {
    onCancelled = resolve;
  });
  const onMessage = (text: string, response: ServerResponse) => {
    const { method } = text === '' ? {} : JSON.parse(text);
    if (method === 'notifications/cancelled') onCancelled('cancelled');
    if (method === 'tools/call') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return answer(response);
    }
    const headers = { 'content-type': 'application/json', 'mcp-session-id': 'one' };
    response.writeHead(200, headers).end(method === 'initialize' ? '{}' : '');
  };
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => onMessage(text, response));
  });
  const socket = join(dir, `${randomUUID()}.sock`);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const identity = { pid: process.pid, start_time: '1', boot_id: 'b', pid_ns: 'n' };
  const door = { open: true, socket, token: 'token' } as const;
  return { sessionId: 'one', identity, startedAt: null, config: null, door, cancelled };
}
