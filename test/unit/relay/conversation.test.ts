import { beforeEach, describe, expect, it } from 'vitest';
import { Conversation } from '#src/main/relay/conversation.ts';
import { scanFrame } from '#src/shared/json/frame.ts';

type Message = Record<string, unknown> & { id?: unknown; method?: string };

let toClient: Message[];
let toGateway: Message[];
let goodbyes: string[];
let conversation: Conversation;

beforeEach(() => {
  toClient = [];
  toGateway = [];
  goodbyes = [];
  const into = (list: () => Message[]) => (bytes: Uint8Array) => {
    const text = Buffer.from(bytes).toString();
    expect(text.indexOf('\n')).toBe(text.length - 1);
    list().push(JSON.parse(text) as Message);
  };
  conversation = new Conversation({
    toClient: into(() => toClient),
    toGateway: into(() => toGateway),
    ownIds: 'own',
    onGoodbye: () => goodbyes.push('goodbye'),
  });
});

function frame(message: Message) {
  const scanned = scanFrame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  if ('error' in scanned) throw new Error(`not a message: ${JSON.stringify(message)}`);
  return scanned;
}

const says = (message: Message) => conversation.fromClient(frame(message));
const hears = (message: Message) => conversation.fromGateway(frame(message));
const taken = (list: Message[]) =>
  list.splice(0).map(({ jsonrpc, ...rest }) => {
    expect(jsonrpc).toBe('2.0');
    return rest;
  });

const INITIALIZE = { id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } };

function opened() {
  conversation.connected();
  says(INITIALIZE);
  hears({ id: 0, result: {} });
  says({ method: 'notifications/initialized' });
  taken(toClient);
  taken(toGateway);
}

describe('while its gateway lives', () => {
  it('is not needed by those who only ask what is there', () => {
    const claim = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const discover = (id: string, _meta: object = claim) => ({
      id,
      method: 'server/discover',
      params: { _meta },
    });
    expect(conversation.needsGateway).toBe(false);
    says(discover('a'));
    says(discover('b'));
    expect(conversation.needsGateway).toBe(false);
    conversation.discovered('{"resultType":"complete"}');
    expect(taken(toClient)).toEqual([
      { id: 'a', result: { resultType: 'complete' } },
      { id: 'b', result: { resultType: 'complete' } },
    ]);
    expect([conversation.answered, conversation.heldBytes]).toEqual([true, 0]);
    says(discover('c', {}));
    says(discover('d'));
    expect(conversation.needsGateway).toBe(true);
    conversation.discovered('{"resultType":"complete"}');
    expect(taken(toClient)).toEqual([{ id: 'd', result: { resultType: 'complete' } }]);
    conversation.connected();
    expect(taken(toGateway)).toEqual([discover('c', {})]);
  });

  it('passes everything as it is, and holds what comes before there is one', () => {
    says(INITIALIZE);
    expect(toGateway).toEqual([]);
    conversation.connected();
    expect(taken(toGateway)).toEqual([INITIALIZE]);
    hears({ id: 0, result: { x: 1 } });
    hears({ id: 1, method: 'ping' });
    expect(taken(toClient)).toEqual([
      { id: 0, result: { x: 1 } },
      { id: 1, method: 'ping' },
    ]);
    says({ id: 1, result: {} });
    expect(taken(toGateway)).toEqual([{ id: 1, result: {} }]);
    expect(conversation.answered).toBe(true);
  });

  it('lets no answer through that nobody has asked for', () => {
    opened();
    says({ id: 7, result: {} });
    expect(toGateway).toEqual([]);
  });
});

it('hears the goodbye of a gateway, which the client never sees', () => {
  opened();
  hears({ method: 'notifications/rea/stopped' });
  expect([goodbyes, toClient]).toEqual([['goodbye'], []]);
});

describe('when its gateway is lost', () => {
  it('answers each call once, as unknown, and never a call that was answered or cancelled', () => {
    opened();
    says({ id: 'a', method: 'tools/call', params: { name: 'x' } });
    says({ id: 2, method: 'resources/read', params: { uri: 'u' } });
    says({ id: 3, method: 'tools/call', params: { name: 'x' } });
    says({ id: 4, method: 'tools/call', params: { name: 'x' } });
    hears({ id: 3, result: {} });
    says({ method: 'notifications/cancelled', params: { requestId: 4 } });
    taken(toClient);
    conversation.lost();
    const answers = taken(toClient);
    expect(answers.map(({ id }) => id)).toEqual(['a', 2]);
    expect(answers[0]).toMatchObject({
      result: {
        isError: true,
        _meta: { 'rea/error': { code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' } },
      },
    });
    expect(answers[1]).toMatchObject({
      error: { data: { 'rea/error': { code: 'ERR_OUTCOME_UNKNOWN', retryable: false } } },
    });
    conversation.lost();
    expect(toClient).toEqual([]);
  });

  it('takes back its questions, and passes no answer to them on to the next gateway', () => {
    opened();
    hears({ id: 1, method: 'elicitation/create', params: {} });
    hears({ id: 2, method: 'roots/list' });
    taken(toClient);
    conversation.lost();
    expect(taken(toClient)).toMatchObject([
      { method: 'notifications/cancelled', params: { requestId: 1 } },
      { method: 'notifications/cancelled', params: { requestId: 2 } },
    ]);
    conversation.connected();
    taken(toGateway);
    taken(toClient);
    // The next gateway begins to count anew; the client never sees an id twice.
    hears({ id: 1, method: 'elicitation/create', params: {} });
    expect(taken(toClient)).toMatchObject([{ id: 3, method: 'elicitation/create' }]);
    says({ id: 1, result: { action: 'accept' } });
    expect(toGateway).toEqual([]);
    says({ id: 3, result: { action: 'decline' } });
    expect(taken(toGateway)).toEqual([{ id: 1, result: { action: 'decline' } }]);
    hears({ id: 2, method: 'roots/list' });
    hears({ method: 'notifications/cancelled', params: { requestId: 2 } });
    expect(taken(toClient)).toEqual([
      { id: 4, method: 'roots/list' },
      { method: 'notifications/cancelled', params: { requestId: 4 } },
    ]);
  });
});

describe('the next gateway', () => {
  it('is told what the last one knew, and its answers to that are for nobody', () => {
    opened();
    says({ id: 1, method: 'logging/setLevel', params: { level: 'error' } });
    says({ id: 2, method: 'logging/setLevel', params: { level: 'debug' } });
    for (const uri of ['a', 'b']) {
      says({ id: uri, method: 'resources/subscribe', params: { uri } });
      hears({ id: uri, result: {} });
    }
    says({ id: 'c', method: 'resources/unsubscribe', params: { uri: 'a' } });
    for (const id of [1, 2, 'c']) hears({ id, result: {} });
    taken(toGateway);
    taken(toClient);
    conversation.lost();
    conversation.connected();
    expect(taken(toGateway)).toEqual([
      { ...INITIALIZE, id: 'own-1' },
      { method: 'notifications/initialized' },
      { id: 'own-2', method: 'logging/setLevel', params: { level: 'debug' } },
      { id: 'own-3', method: 'resources/subscribe', params: { uri: 'b' } },
    ]);
    expect(taken(toClient).map(({ method }) => method)).toEqual([
      'notifications/tools/list_changed',
      'notifications/prompts/list_changed',
      'notifications/resources/list_changed',
    ]);
    for (const id of ['own-1', 'own-2', 'own-3']) hears({ id, result: {} });
    expect(toClient).toEqual([]);
  });

  it('is asked again what changes nothing, under the ids of the client', () => {
    conversation.connected();
    says(INITIALIZE);
    says({ id: 1, method: 'tools/list' });
    conversation.lost();
    expect(toClient).toEqual([]);
    says({ id: 2, method: 'ping' });
    taken(toGateway);
    conversation.connected();
    expect(taken(toGateway)).toEqual([
      INITIALIZE,
      { id: 1, method: 'tools/list' },
      { id: 2, method: 'ping' },
    ]);
    for (const id of [0, 1, 2]) hears({ id, result: {} });
    expect(taken(toClient).map(({ id }) => id)).toEqual([0, 1, 2]);
    expect(conversation.answered).toBe(true);
  });

  it('never gets a call that the last one had, and gets each that the last one never saw', () => {
    opened();
    says({ id: 1, method: 'tools/call', params: { name: 'x' } });
    conversation.lost();
    says({ id: 2, method: 'tools/call', params: { name: 'y' } });
    taken(toGateway);
    conversation.connected();
    expect(taken(toGateway).filter(({ method }) => method === 'tools/call')).toEqual([
      { id: 2, method: 'tools/call', params: { name: 'y' } },
    ]);
  });
});

it('answers everything when no gateway will come', () => {
  opened();
  says({ id: 1, method: 'tools/list' });
  conversation.lost();
  says({ id: 2, method: 'tools/call', params: { name: 'y' } });
  says({ method: 'notifications/x' });
  conversation.end('the gateway cannot be started');
  const answers = taken(toClient);
  expect(answers.map(({ id }) => id)).toEqual([2, 1]);
  expect(JSON.stringify(answers)).toContain('not_sent');
  expect(conversation.answered).toBe(true);
});

describe('with a client that has no session', () => {
  const CLAIM = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
  const params = { _meta: CLAIM };

  it('asks the next gateway again for what changes nothing, streams among it, and for nothing else', () => {
    conversation.connected();
    const listen = { id: 1, method: 'subscriptions/listen', params };
    const list = { id: 2, method: 'tools/list', params };
    says(listen);
    says(list);
    says({ id: 3, method: 'tools/call', params });
    says({ id: 4, method: 'resources/read', params });
    taken(toGateway);
    conversation.lost();
    const [call, read] = taken(toClient);
    expect(call).toMatchObject({
      id: 3,
      result: { resultType: 'complete', _meta: { 'rea/error': { code: 'ERR_OUTCOME_UNKNOWN' } } },
    });
    expect(read).toMatchObject({ id: 4, error: { code: -32603 } });
    conversation.connected();
    expect(taken(toGateway)).toEqual([listen, list]);
    // It never said that it wants to be told of everything.
    expect(taken(toClient)).toEqual([]);
  });
});

it('what a request without a session says of itself is not told to the next gateway', () => {
  opened();
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  for (const method of ['initialize', 'logging/setLevel', 'resources/subscribe']) {
    says({ id: method, method, params: { uri: 'a:b', level: 'debug', _meta } });
    hears({ id: method, error: { code: -32601, message: 'no' } });
  }
  conversation.lost();
  taken(toGateway);
  conversation.connected();
  expect(taken(toGateway)).toEqual([
    { ...INITIALIZE, id: expect.stringMatching(/^own-/) },
    { method: 'notifications/initialized' },
  ]);
});
