/**
 * What the server of one client says reaches no other client, whichever kind of message it is; what a
 * shared server says reaches all.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ReverseRequestMessage } from '#src/shared/protocol/from-supervisor.ts';
import {
  note,
  OwnServersWorld,
  TOKEN,
  URI,
  type Visitor,
} from '../../support/own-servers-world.ts';

/** A call of the client, which is answered with a task when it asks for one. */
function call(world: OwnServersWorld, { receive, server }: Visitor, more: object = {}): void {
  const params = { name: 'own__say', _meta: { progressToken: 'p' }, ...more };
  receive({ id: 'c', method: 'tools/call', params });
  if (!('task' in more)) return;
  world.replies(server, true);
}

type Say = (world: OwnServersWorld, visitor: Visitor) => void;

/** Each kind of message that a server can send by itself, and what a client hears of it. */
const KINDS: readonly [name: string, method: string, say: Say, all: boolean][] = [
  [
    'a log message',
    'notifications/message',
    (world, { server }) => world.says(server, 'notifications/message'),
    true,
  ],
  [
    'a notification that the gateway does not know',
    'notifications/own',
    (world, { server }) => world.says(server, 'notifications/own'),
    true,
  ],
  [
    'an update of a resource that both have subscribed to',
    'notifications/resources/updated',
    (world, { server }) => world.says(server, 'notifications/resources/updated'),
    true,
  ],
  [
    'another list',
    'notifications/resources/list_changed',
    (world, { server }) => world.lists(server, [URI, 'res://b']),
    true,
  ],
  [
    'the end of a URL that nobody is known to have been asked for',
    'notifications/elicitation/complete',
    (world, { server }) =>
      world.says(server, 'notifications/elicitation/complete', { kind: 'elicitation', id: 'u' }),
    true,
  ],
  [
    'the end of a URL that its client was asked for',
    'notifications/elicitation/complete',
    (world, visitor) => {
      call(world, visitor);
      world.messages.onUrlsAsked(visitor.server, world.call, ['u']);
      world.says(visitor.server, 'notifications/elicitation/complete', {
        kind: 'elicitation',
        id: 'u',
      });
    },
    false,
  ],
  [
    'progress of a call',
    'notifications/progress',
    (world, visitor) => {
      call(world, visitor);
      const token = TOKEN;
      world.says(visitor.server, 'notifications/progress', {
        kind: 'call',
        call: world.call,
        token,
      });
    },
    false,
  ],
  [
    'progress of a task whose call has been answered',
    'notifications/progress',
    (world, visitor) => {
      call(world, visitor, { task: {} });
      const token = TOKEN;
      world.says(visitor.server, 'notifications/progress', {
        kind: 'call',
        call: world.call,
        token,
      });
    },
    false,
  ],
  [
    'the status of a task',
    'notifications/tasks/status',
    (world, visitor) => {
      call(world, visitor, { task: {} });
      world.says(visitor.server, 'notifications/tasks/status', { kind: 'task', note });
    },
    false,
  ],
  [
    'a question',
    'roots/list',
    (world, visitor) => {
      call(world, visitor);
      world.messages.onMessage(visitor.server, {
        type: 'reverse_request',
        slot: 0,
        incarnation: 1,
        method: 'roots/list',
        line: Buffer.from('{"jsonrpc":"2.0","id":5,"method":"roots/list"}\n'),
        id: [22, 23],
        token: null,
        needs: ['roots'],
        name: null,
        calls: [],
        mayBeOfOthers: false,
        call: null,
        relatedTask: null,
        makesTask: false,
        taskId: null,
        elicitationId: null,
      } satisfies ReverseRequestMessage);
    },
    false,
  ],
];

const visitors: Visitor[] = [];
beforeEach(() => {
  visitors.length = 0;
});
afterEach(() => {
  for (const { close } of visitors) close();
});

function twoClients(world: OwnServersWorld): [Visitor, Visitor] {
  const both: [Visitor, Visitor] = [world.visit(), world.visit()];
  for (const { receive, heard, server } of both) {
    receive({ id: 's', method: 'resources/subscribe', params: { uri: URI } });
    world.replies(server);
    heard.length = 0;
  }
  visitors.push(...both);
  return both;
}

describe("of a client's own server", () => {
  test.each(KINDS)('%s reaches that client alone', (_name, method, say) => {
    const world = new OwnServersWorld(false);
    const [one, two] = twoClients(world);
    say(world, one);
    expect([one.heard, two.heard]).toEqual([[method], []]);
    one.heard.length = 0;
    say(world, two);
    expect([one.heard, two.heard]).toEqual([[], [method]]);
  });
});

describe('of a shared server', () => {
  test.each(KINDS.filter(([, , , all]) => all))('%s reaches all', (_name, method, say) => {
    const world = new OwnServersWorld(true);
    const [one, two] = twoClients(world);
    say(world, one);
    expect([one.heard, two.heard]).toEqual([[method], [method]]);
  });

  test.each(KINDS.filter(([, , , all]) => !all))(
    '%s reaches the client that it belongs to',
    (_name, method, say) => {
      const world = new OwnServersWorld(true);
      const [one, two] = twoClients(world);
      say(world, two);
      expect([one.heard, two.heard]).toEqual([[], [method]]);
    },
  );
});

test('an update of a server that is being replaced reaches those that have subscribed to it', () => {
  const world = new OwnServersWorld(true);
  const [one, two] = twoClients(world);
  const successor = world.server(null);
  call(world, one);
  one.server.retire(successor, () => {});
  world.messages.onRetires(one.server, successor);
  world.says(one.server, 'notifications/resources/updated');
  const heard = ['notifications/resources/updated'];
  expect([one.heard, two.heard]).toEqual([heard, heard]);
});

test('the end of a URL is told to no client that could not have been asked to visit one', () => {
  const world = new OwnServersWorld(true);
  const able = world.visit();
  const other = world.visit({ elicitation: {} });
  visitors.push(able, other);
  const concerns = { kind: 'elicitation', id: 'u' } as const;
  world.says(able.server, 'notifications/elicitation/complete', concerns);
  expect([able.heard, other.heard]).toEqual([['notifications/elicitation/complete'], []]);
});

test('a log message goes to the request of the call that it is about, if it wants that level', () => {
  const world = new OwnServersWorld(true);
  const [one, two] = [world.visit(), world.visit()];
  visitors.push(one, two);
  const claimed = (id: string) => ({
    id,
    method: 'tools/call',
    params: {
      name: 'own__say',
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/logLevel': 'debug',
      },
    },
  });
  for (const { receive } of [one, two]) {
    receive({ id: 'l', method: 'logging/setLevel', params: { level: 'emergency' } });
  }
  two.receive(claimed('c'));
  const said = { only: world.call };
  one.receive(claimed('c'));
  one.heard.length = 0;
  world.says(one.server, 'notifications/message', { kind: 'all', ...said }, 'info');
  expect([one.heard, two.heard]).toEqual([[], ['notifications/message']]);
  // Nobody knows which call it is about.
  world.says(one.server, 'notifications/message', { kind: 'all' }, 'info');
  expect([one.heard, two.heard]).toEqual([[], ['notifications/message']]);
});

test('a log message comes once to a client of both kinds', () => {
  const world = new OwnServersWorld(true);
  const one = world.visit();
  visitors.push(one);
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/logLevel': 'debug',
  };
  one.receive({ id: 'c', method: 'tools/call', params: { name: 'own__say', _meta: meta } });
  world.says(one.server, 'notifications/message', { kind: 'all', only: world.call }, 'info');
  expect(one.heard).toEqual(['notifications/message']);
});
