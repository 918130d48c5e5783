/** Which request of a client is answered with a question, where the client is asked by answers. */
import { beforeEach, expect, test } from 'vitest';
import type { Call } from '#src/main/calls/call.ts';
import { ask, Client, join, lastTold, requests, reset, server } from './asking.ts';

beforeEach(reset);

/** The client has these calls at the server, the oldest first, and is asked by their answers. */
function asked(ids: readonly string[], client = join('sampling')): Client {
  for (const [at, idText] of ids.entries()) {
    server.inFlight.set({ id: 2 * at + 2, idText, owner: client } as unknown as Call, 0);
    client.grants.set(idText, { byAnswer: true });
  }
  server.calls.set(client, ids[0] ?? '');
  return client;
}

const about = ({ heard }: Client) => heard.map(({ relatedTo }) => relatedTo);

test('the oldest, of those that have not been answered with another question', () => {
  const client = asked(['r1', 'r2', 'r3']);
  ask();
  client.grants.set('r1', { byAnswer: true, isAway: true });
  ask();
  for (const id of ['r2', 'r3']) client.grants.set(id, { byAnswer: true, isAway: true });
  ask();
  expect(about(client)).toEqual(['r1', 'r2', 'r1']);
});

test('one whose client has declared what is needed, and has room', () => {
  const client = asked(['r1', 'r2', 'r3']);
  client.grants.set('r1', { byAnswer: true, supports: () => false });
  client.grants.set('r2', { byAnswer: true, refusal: 'no room' });
  ask();
  expect(about(client)).toEqual(['r3']);
  client.grants.set('r3', { byAnswer: true, refusal: 'no room' });
  ask();
  expect(lastTold().error.message).toContain('sampling');
});

test('none where the client is one of several, and has other calls there', () => {
  const client = asked(['r1', 'r2']);
  client.several = true;
  ask();
  expect(lastTold().error).toMatchObject({
    code: -32_601,
    message: expect.stringContaining('not clear'),
  });
  for (const call of server.inFlight.keys()) if (call.idText === 'r2') server.inFlight.delete(call);
  ask(1, { mayBeOfOthers: true });
  expect(lastTold().error.message).toContain('not clear');
  ask();
  expect(about(client)).toEqual(['r1']);
});

test('none where one of several has ended a call while the question was on its way', () => {
  const client = asked(['r1', 'r2']);
  client.several = true;
  const posted = { calls: [...server.inFlight.keys()].map(({ id }) => id) };
  for (const call of server.inFlight.keys()) if (call.idText === 'r1') server.inFlight.delete(call);
  server.calls.set(client, 'r2');
  ask(1, posted);
  expect([client.heard, lastTold().error.message]).toEqual([
    [],
    expect.stringContaining('not clear'),
  ]);
  ask();
  expect(about(client)).toEqual(['r2']);
});

test('none for what may be the question of another client that has left its call', () => {
  const client = asked(['r1']);
  server.left.add(client);
  ask(1, { mayBeOfOthers: true });
  expect(about(client)).toEqual(['r1']);
  server.left.add(join('sampling'));
  ask();
  expect(about(client)).toEqual(['r1', 'r1']);
  const refused = { code: -32_601, message: expect.stringContaining('not clear') };
  ask(1, { mayBeOfOthers: true });
  expect(lastTold().error).toMatchObject(refused);
  // The other one's call has ended while the question was on its way.
  ask(1, { calls: [1000, 2] });
  expect([lastTold().error, about(client).length]).toEqual([
    { ...refused, message: expect.stringContaining('not clear') },
    2,
  ]);
});

test('a question may belong to another request that was there when it came, and still is', () => {
  const client = asked(['r1', 'r2', 'r3']);
  const stranger = new Client('sampling');
  const end = (id: string) => {
    for (const call of server.inFlight.keys()) if (call.idText === id) server.inFlight.delete(call);
  };
  ask();
  const { id = '' } = client.heard[0]?.message ?? {};
  end('r1');
  client.grants.set('r2', { byAnswer: true, supports: () => false });
  asked(['of a stranger'], stranger);
  const another = (who: Client) => requests.another(who.client, String(id));
  expect([another(client), another(stranger)]).toEqual(['r3', null]);
  client.several = true;
  expect(another(client)).toBeNull();
  client.several = false;
  client.grants.set('r3', { byAnswer: false });
  expect(another(client)).toBeNull();
  client.grants.set('r3', { byAnswer: true });
  end('r3');
  expect(another(client)).toBeNull();
  asked(['later'], client);
  const [later] = [...server.inFlight.keys()].filter(({ idText }) => idText === 'later');
  Object.assign(later ?? {}, { id: 1000 });
  expect(another(client)).toBeNull();
});

test('no server gives a question a name of the gateway’s own', () => {
  const client = asked(['r1']);
  for (const name of ['rea/ask', 'REA/x', 'real/ask', null]) ask(1, { name });
  expect(client.names).toEqual([null, null, 'real/ask', null]);
});

test('none for what no answer can ask', () => {
  const client = asked(['r1']);
  ask(1, { method: 'demo/anything', needs: [] });
  expect([client.heard, lastTold().error.code]).toEqual([[], -32_601]);
});

test('16 calls at one server at most, each of them as often as its server likes', () => {
  const ids = Array.from({ length: 17 }, (_, at) => `r${at}`);
  const client = asked(ids);
  for (const id of ids.slice(0, 16)) {
    ask();
    client.grants.set(id, { byAnswer: true, isAway: true });
  }
  expect(about(client)).toEqual(ids.slice(0, 16));
  ask();
  expect(lastTold().error.message).toContain('16 calls');
  client.grants.set('r16', { byAnswer: true, refusal: 'no room' });
  ask();
  expect(about(client).at(-1)).toBe('r0');
});

test('a question that is asked about another call now counts for that one', () => {
  const ids = Array.from({ length: 17 }, (_, at) => `r${at}`);
  const client = asked(ids);
  const askAbout = (id: string) => {
    ask();
    client.grants.set(id, { byAnswer: true, isAway: true });
  };
  for (const id of ids.slice(0, 15)) askAbout(id);
  requests.moved(String(client.heard[0]?.message.id), 'r15');
  for (const id of ['r15', 'r16']) askAbout(id);
  expect(about(client)).toEqual(ids);
});
