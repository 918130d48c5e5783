/** Requests that wait for what a server offers wait no longer than the first one of their waits allows. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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

describe('for what may be somebody else’s', () => {
  const serverOf = (name: string, refusal: object | null = null) =>
    ({
      config: { ...serverConfig(name), callTimeoutMs: 1000 },
      refusal: () => refusal,
      wake: () => woken.push(name),
    }) as unknown as Server;
  const client = { track: () => {}, untrack: () => {} };
  const request = { client, idText: '1', listDeadline: null } as unknown as ServerRequest;
  let woken: string[];
  let routed: ServerRequest[];

  function listsOf(...servers: Server[]): PendingLists {
    woken = [];
    routed = [];
    const sender = {
      accepting: true,
      serving: (_request: ServerRequest, wanted: string) =>
        servers.find(({ config }) => config.name === wanted) ?? null,
    } as unknown as Sender;
    const route = (again: ServerRequest) => routed.push(again);
    return new PendingLists({ sender, observer: NO_OBSERVER, route });
  }

  test('all that may have it are started, and the first that has spoken is enough', () => {
    const lists = listsOf(serverOf('one'), serverOf('two'));
    expect(lists.await(request, { servers: ['one', 'two'], areOwners: false })).toBe(true);
    expect(woken).toEqual(['one', 'two']);
    lists.settled('three');
    expect(routed).toEqual([]);
    lists.settled('two');
    expect(routed).toHaveLength(1);
    lists.settled('one');
    vi.advanceTimersByTime(2000);
    expect(routed).toHaveLength(1);
  });

  test('a server that refuses calls is not waited for, nor one that has no room', () => {
    const lists = listsOf(serverOf('full', {}), serverOf('one'));
    const servers = ['full', 'nowhere'];
    expect(lists.await(request, { servers, areOwners: false })).toBe(false);
    expect(lists.await(request, { servers: [...servers, 'one'], areOwners: false })).toBe(true);
    expect(woken).toEqual(['one']);
  });

  test('once the time of its call is over it goes on, and waits no more', () => {
    const lists = listsOf(serverOf('one'));
    const pending = { servers: ['one'], areOwners: false };
    lists.await(request, pending);
    vi.advanceTimersByTime(999);
    expect(routed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(routed).toHaveLength(1);
    expect(lists.await(routed[0]!, pending)).toBe(false);
  });
});
