/** Requests that wait for what a server offers wait no longer than the first one of their waits allows. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NO_OBSERVER } from '#src/main/calls/observer.ts';
import { PendingLists } from '#src/main/routing/pending-lists.ts';
import type { ServerRequest } from '#src/main/routing/request.ts';
import type { Sender } from '#src/main/routing/send.ts';
import type { Server } from '#src/main/servers/server.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a request that waits again has what is left of its time', () => {
  const server = {
    config: { ...serverConfig('one'), callTimeoutMs: 1000 },
    refusal: () => null,
    wake: () => {},
  } as unknown as Server;
  const refused: string[] = [];
  const sender = {
    accepting: true,
    serve: (_request: ServerRequest, _name: string, use: (server: Server) => void) => use(server),
    refuse: (_request: ServerRequest, _server: Server, { code }: { code: string }) =>
      refused.push(code),
  } as unknown as Sender;
  const lists: PendingLists = new PendingLists({
    sender,
    observer: NO_OBSERVER,
    // The server has told of other lists than the one that is needed.
    route: (request) => lists.await(request, { servers: ['one'], areOwners: true }),
  });
  const client = { track: () => {}, untrack: () => {} };
  const request = { client, idText: '1', listDeadline: null } as unknown as ServerRequest;
  lists.await(request, { servers: ['one'], areOwners: true });
  vi.advanceTimersByTime(600);
  lists.settled('one');
  vi.advanceTimersByTime(399);
  expect(refused).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(refused).toEqual(['ERR_TIMEOUT']);
});
