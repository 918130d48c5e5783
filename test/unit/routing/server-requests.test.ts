/** Which client a server's request goes to, and what becomes of it. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Halt } from '#src/main/calls/gate/halt.ts';
import type * as routing from '#src/main/routing/client.ts';
import { Elicitations } from '#src/main/routing/server-requests/elicitations.ts';
import { ServerRequests } from '#src/main/routing/server-requests/server-requests.ts';
import { Tasks } from '#src/main/routing/tasks/tasks.ts';
import type * as servers from '#src/main/servers/server.ts';
import { scanFrame } from '#src/shared/json/frame.ts';
import type { AsksConfig } from '#src/shared/model/asks.ts';
import type { ReverseRequestMessage } from '#src/shared/protocol/from-supervisor.ts';

interface Heard {
  readonly message: { id?: string; method?: string; params?: Record<string, unknown> };
  readonly relatedTo: string | null;
}

/** What the router knows of a client and of a server, as far as this is concerned. */
class Client {
  readonly heard: Heard[] = [];
  readonly #capabilities: readonly string[];

  constructor(...capabilities: string[]) {
    this.#capabilities = capabilities;
  }

  get client(): routing.Client {
    return this as unknown as routing.Client;
  }

  supports(...path: string[]): boolean {
    return this.#capabilities.includes(path.join('.'));
  }

  ask(parts: readonly Uint8Array[], relatedTo: string | null): void {
    this.heard.push({ message: JSON.parse(Buffer.concat(parts).toString()), relatedTo });
  }
}

/** Unless a test is about that, anybody may be asked at any time. */
const ALLOWED: AsksConfig = { elicitation: 'allow', sampling: 'allow', unsolicited: 'allow' };

class Server {
  owner: Client | null = null;
  readonly phase = 'ready';
  readonly config = { name: 'evil', asks: { ...ALLOWED } };
  current: Server = this;
  readonly told: { incarnation: number; text: string }[] = [];
  readonly calls = new Map<Client, string>();

  get server(): servers.Server {
    return this as unknown as servers.Server;
  }

  released(): void {}

  callOf(client: unknown): string | null {
    return this.calls.get(client as Client) ?? null;
  }

  get asks(): AsksConfig {
    return this.current.config.asks;
  }

  sendLine(incarnation: number, line: Uint8Array): void {
    this.told.push({ incarnation, text: Buffer.from(line).toString() });
  }
}

let clients: Set<Client>;
let requests: ServerRequests;
let server: Server;
let tasks: Tasks;
let halt: Halt;

beforeEach(() => {
  clients = new Set();
  server = new Server();
  tasks = new Tasks();
  halt = { active: false, reason: null };
  requests = new ServerRequests({
    clients: clients as unknown as Set<routing.Client>,
    tasks,
    elicitations: new Elicitations(),
    halted: () => halt,
  });
});

function join(...capabilities: string[]): Client {
  const client = new Client(...capabilities);
  clients.add(client);
  return client;
}

/** The server asks with id 9007199254740993 and a progress token of its own. */
function ask(
  incarnation = 1,
  { method = 'sampling/createMessage', ...more }: Partial<ReverseRequestMessage> = {},
): void {
  const text = `{"jsonrpc":"2.0","id":9007199254740993,"method":"${method}","params":{"_meta":{"progressToken":"mine"},"maxTokens":1}}`;
  const range = (part: string) => [text.indexOf(part), text.indexOf(part) + part.length] as const;
  requests.ask(server.server, {
    type: 'reverse_request',
    slot: 0,
    incarnation,
    method,
    line: Buffer.from(text),
    id: range('9007199254740993'),
    token: range('"mine"'),
    needs: ['sampling'],
    relatedTask: null,
    makesTask: false,
    taskId: null,
    elicitationId: null,
    ...more,
  });
}

function receive(text: string) {
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(text);
  return frame;
}

test('the only caller is asked, on the stream of its call, under an id of the gateway', () => {
  const caller = join('sampling');
  const bystander = join('sampling');
  server.calls.set(caller, '"c7"');
  ask();
  expect(bystander.heard).toEqual([]);
  const [{ message, relatedTo } = { message: {}, relatedTo: null }] = caller.heard;
  expect(relatedTo).toBe('"c7"');
  expect(message.params).toMatchObject({ _meta: { progressToken: message.id }, maxTokens: 1 });

  const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"${message.id}","progress":1}}`;
  requests.progress(bystander.client, receive(progress));
  requests.progress(caller.client, receive(progress));
  const answer = `{"jsonrpc":"2.0","id":"${message.id}","result":{"n":9007199254740993}}`;
  requests.answer(bystander.client, receive(answer));
  requests.answer(caller.client, receive(answer));
  requests.answer(caller.client, receive(answer));
  expect(server.told.map(({ text }) => text)).toEqual([
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":1}}\n',
    '{"jsonrpc":"2.0","id":9007199254740993,"result":{"n":9007199254740993}}\n',
  ]);
});

test('nobody is asked when several clients have calls there', () => {
  for (const client of [join('sampling'), join('sampling')]) server.calls.set(client, '1');
  ask();
  for (const { heard } of clients) expect(heard).toEqual([]);
  expect(JSON.parse(server.told[0]?.text ?? '')).toMatchObject({
    error: { message: expect.stringContaining('not clear') },
  });
});

test('without a call the only client there is is asked, and of several none', () => {
  const only = join('sampling');
  ask();
  expect(only.heard).toHaveLength(1);
  join('sampling');
  ask();
  expect(only.heard).toHaveLength(1);
  expect(server.told).toHaveLength(1);
});

test('a server of one client asks that one, whoever else is there', () => {
  const [other, own] = [join('sampling'), join('sampling')];
  server.owner = own;
  ask();
  expect([other.heard.length, own.heard.length]).toEqual([0, 1]);
  server.owner = new Client('sampling');
  ask();
  expect([other.heard.length, own.heard.length]).toEqual([0, 1]);
  expect(server.told).toHaveLength(1);
});

test('a client that cannot is not asked', () => {
  const client = join('roots');
  ask();
  expect(client.heard).toEqual([]);
  expect(server.told[0]?.text).toContain('does not support it');
});

test('a client that goes leaves an error to the server, once', () => {
  const client = join('sampling');
  ask();
  requests.forget(client.client);
  requests.forget(client.client);
  expect(server.told).toHaveLength(1);
  expect(server.told[0]).toMatchObject({ incarnation: 1 });
  expect(server.told[0]?.text).toContain('"id":9007199254740993,"error"');
});

test('a server that cancels or goes is told to the client under the id it knows', () => {
  const client = join('sampling');
  ask();
  const line = Buffer.from(
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9007199254740993}}',
  );
  const at = line.indexOf('9007');
  const cancelled = { type: 'reverse_cancelled', slot: 0, line, id: [at, at + 16] } as const;
  requests.cancelled(server.server, { ...cancelled, incarnation: 2 });
  expect(client.heard).toHaveLength(1);
  requests.cancelled(server.server, { ...cancelled, incarnation: 1 });
  expect(client.heard[1]?.message).toMatchObject({
    method: 'notifications/cancelled',
    params: { requestId: client.heard[0]?.message.id },
  });
  ask();
  requests.serverGone(server.server);
  expect(client.heard.at(-1)?.message.method).toBe('notifications/cancelled');
  expect(server.told).toEqual([]);
});

test('a server cannot pile up requests', () => {
  const client = join('sampling');
  for (let i = 0; i < 100; i++) ask();
  expect(client.heard).toHaveLength(64);
  expect(server.told).toHaveLength(36);
});

/** The only caller makes a task of what it is asked. @returns the id under which it was asked. */
function makeTask(client: Client, taskId: string): string {
  server.calls.clear();
  server.calls.set(client, '1');
  ask(1, { makesTask: true });
  const id = client.heard.at(-1)?.message.id ?? '';
  const result = `{"jsonrpc":"2.0","id":"${id}","result":{"task":{"taskId":"${taskId}"}}}`;
  requests.answer(client.client, receive(result));
  return id;
}

test('a task that a client made is asked for there, and goes on telling progress and status', () => {
  const maker = join('sampling');
  const other = join('sampling');
  const id = makeTask(maker, 't');
  server.calls.clear();
  server.calls.set(other, '2');
  server.told.length = 0;
  ask(1, { method: 'tasks/get', taskId: 't' });
  expect(maker.heard.at(-1)?.message.method).toBe('tasks/get');
  expect(other.heard).toEqual([]);
  ask(1, { method: 'tasks/get', taskId: 'unknown' });
  expect(server.told.splice(0)[0]?.text).toContain('unknown task');

  const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"${id}","progress":1}}`;
  const status = '{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t"}}';
  requests.progress(other.client, receive(progress));
  requests.status(other.client, receive(status));
  expect(server.told).toEqual([]);
  requests.progress(maker.client, receive(progress));
  requests.status(maker.client, receive(status));
  expect(server.told.map(({ text }) => text)).toEqual([
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":1}}\n',
    `${status}\n`,
  ]);
});

test('a task id that two clients gave a server means neither, and one that is gone nobody', () => {
  const [a, b] = [join('sampling'), join('sampling')];
  makeTask(a, 'same');
  makeTask(a, 'own');
  makeTask(b, 'same');
  const heard = () => a.heard.length + b.heard.length;
  const before = heard();
  ask(1, { method: 'tasks/result', taskId: 'same' });
  expect(heard()).toBe(before);
  ask(1, { method: 'tasks/result', taskId: 'own' });
  expect(heard()).toBe(before + 1);
  requests.forget(a.client);
  ask(1, { method: 'tasks/result', taskId: 'own' });
  expect(heard()).toBe(before + 1);
});

test.each([
  [['elicitation'], 'elicitation.form', null],
  [['elicitation', 'elicitation.form'], 'elicitation.form', null],
  [['elicitation', 'elicitation.url'], 'elicitation.form', -32602],
  [['elicitation', 'elicitation.url', 'elicitation.form'], 'elicitation.form', null],
  [['elicitation'], 'elicitation.url', -32602],
  [['elicitation', 'elicitation.url'], 'elicitation.url', null],
  [[], 'elicitation', -32601],
  [['sampling'], 'sampling.tools', -32602],
  [['sampling', 'sampling.tools'], 'sampling.tools', null],
  [[], 'roots', -32601],
] as const)(
  'a client that declared %j is asked for what needs %s: refused with %j',
  (has, need, code) => {
    const client = join(...has);
    ask(1, { needs: [need] });
    expect(client.heard).toHaveLength(code === null ? 1 : 0);
    const told = server.told.map(({ text }) => JSON.parse(text).error);
    const message = `sampling/createMessage: the client does not support it (its capabilities lack ${need})`;
    expect(told).toEqual(code === null ? [] : [{ code, message }]);
  },
);

/** What the server was told last: its error, or its result. */
function lastTold() {
  return JSON.parse(server.told.at(-1)?.text ?? '{}');
}

/** The client's answer to what it was asked last. */
function answer(client: Client): void {
  const id = client.heard.findLast(({ message }) => message.method !== 'notifications/cancelled')
    ?.message.id;
  requests.answer(client.client, receive(`{"jsonrpc":"2.0","id":"${id}","result":{"late":1}}`));
}

describe('without a call or task of the client at the server', () => {
  beforeEach(() => {
    server.config.asks = { ...ALLOWED, unsolicited: 'deny' };
  });

  test.each(['sampling/createMessage', 'elicitation/create', 'sampling/other', 'demo/ask'])(
    '%s asks nobody',
    (method) => {
      const client = join('sampling');
      ask(1, { method });
      expect(client.heard).toEqual([]);
      expect(lastTold()).toMatchObject({
        id: 9007199254740992,
        error: { code: -32000, message: expect.stringContaining('asks.unsolicited') },
      });
      server.calls.set(client, '1');
      ask(1, { method });
      expect(client.heard).toHaveLength(1);
    },
  );

  test('roots are told', () => {
    const client = join('roots');
    ask(1, { method: 'roots/list', needs: ['roots'] });
    expect(client.heard).toHaveLength(1);
  });

  test('the client whose instance it is is not asked either', () => {
    const [own, other] = [join('sampling'), join('sampling')];
    server.owner = own;
    server.calls.set(other, '1');
    ask();
    expect([own.heard, other.heard]).toEqual([[], []]);
    server.calls.set(own, '2');
    ask();
    expect([own.heard.length, other.heard.length]).toEqual([1, 0]);
  });

  test('a task is a cause while it runs, named or not, and none when it has ended', () => {
    const client = join('sampling');
    const note = { id: 't', idAt: [0, 0], at: [0, 0], ended: false, ttlMs: null } as const;
    const call = { id: 1, tokenRaw: null };
    const maker = { client: client.client, server: server.server, call };
    const task = tasks.made(maker, note, performance.now());
    ask();
    ask(1, { relatedTask: note });
    expect(client.heard).toHaveLength(2);
    tasks.ended(task, performance.now());
    ask();
    ask(1, { relatedTask: note });
    expect(client.heard).toHaveLength(2);
    server.calls.set(client, '1');
    ask(1, { relatedTask: note });
    expect(client.heard).toHaveLength(3);
  });
});

describe('what is denied to the server', () => {
  test.each([
    ['elicitation', 'elicitation/create', 'sampling/createMessage'],
    ['sampling', 'sampling/createMessage', 'elicitation/create'],
    ['sampling', 'sampling/createMessage', 'roots/list'],
  ] as const)('%s: %s is refused, %s is not', (kind, refused, allowed) => {
    server.config.asks = { ...ALLOWED, [kind]: 'deny' };
    const client = join('sampling');
    server.calls.set(client, '1');
    ask(1, { method: refused });
    expect(client.heard).toEqual([]);
    expect(lastTold().error).toMatchObject({
      code: -32601,
      message: expect.stringContaining(`asks.${kind}`),
    });
    ask(1, { method: allowed });
    expect(client.heard).toHaveLength(1);
  });

  test('is what its successor may not ask, for one that is being replaced', () => {
    const successor = new Server();
    successor.config.asks = { ...ALLOWED, sampling: 'deny' };
    server.current = successor;
    const client = join('sampling');
    ask();
    expect(client.heard).toEqual([]);
  });

  test('is withdrawn when it was asked before, with the tasks that the client made of it', () => {
    const client = join('sampling', 'elicitation');
    makeTask(client, 't');
    ask(1, { method: 'tasks/result', taskId: 't' });
    ask();
    ask(1, { method: 'elicitation/create', needs: ['elicitation'] });
    const [, result, sampling] = client.heard.map(({ message }) => message.id);
    client.heard.length = 0;
    server.told.length = 0;
    server.config.asks = { ...ALLOWED, sampling: 'deny' };
    requests.reconsider();
    expect(client.heard.map(({ message: { method, params } }) => [method, params])).toEqual([
      ['notifications/cancelled', expect.objectContaining({ requestId: result })],
      ['notifications/cancelled', expect.objectContaining({ requestId: sampling })],
      ['tasks/cancel', { taskId: 't' }],
    ]);
    expect(server.told.map(({ text }) => JSON.parse(text).error.code)).toEqual([-32601, -32601]);
    ask(1, { method: 'tasks/result', taskId: 't' });
    expect(lastTold().error.message).toContain('unknown task');
    requests.reconsider();
    expect(client.heard).toHaveLength(3);
  });
});

describe('under HALT', () => {
  const error = (outcome: string) => ({
    code: -32000,
    message: 'sampling/createMessage: the gateway is halted: stop',
    data: {
      'rea/error': {
        code: 'ERR_HALTED',
        server: 'evil',
        phase: 'ready',
        outcome,
        retryable: outcome === 'not_sent',
      },
    },
  });

  test('nobody is asked, whatever is in flight, and roots are told', () => {
    const client = join('sampling', 'roots');
    server.calls.set(client, '1');
    makeTask(client, 't');
    halt = { active: true, reason: 'stop' };
    client.heard.length = 0;
    ask();
    expect(lastTold().error).toEqual(error('not_sent'));
    for (const method of ['elicitation/create', 'demo/ask', 'tasks/result']) {
      ask(1, { method, taskId: 't' });
      expect(lastTold().error.data['rea/error'].code).toBe('ERR_HALTED');
    }
    expect(client.heard).toEqual([]);
    ask(1, { method: 'roots/list', needs: ['roots'] });
    expect(client.heard).toHaveLength(1);
  });

  test('an open question is withdrawn, once, and a late answer is for nobody', () => {
    const client = join('sampling');
    server.calls.set(client, '"c7"');
    ask();
    halt = { active: true, reason: 'stop' };
    requests.reconsider();
    requests.reconsider();
    expect(client.heard).toHaveLength(2);
    expect(client.heard[1]).toMatchObject({
      message: {
        method: 'notifications/cancelled',
        params: {
          requestId: client.heard[0]?.message.id,
          reason: 'the gateway is halted: stop',
        },
      },
      relatedTo: '"c7"',
    });
    expect(server.told).toHaveLength(1);
    expect(lastTold().error).toEqual(error('unknown'));
    halt = { active: false, reason: null };
    answer(client);
    expect(server.told).toHaveLength(1);
  });

  test('an answer that comes before that is not passed on', () => {
    const client = join('sampling');
    ask();
    halt = { active: true, reason: 'stop' };
    answer(client);
    expect(server.told).toHaveLength(1);
    expect(lastTold().error).toEqual(error('unknown'));
    requests.reconsider();
    expect(client.heard).toHaveLength(1);
  });
});
