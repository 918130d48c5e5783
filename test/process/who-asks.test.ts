/**
 * What servers ask of people and models through the gateway: a client is told who asks, nobody is asked
 * without cause, where it is denied, or under HALT; and no server speaks with the gateway's own errors.
 */
import { pathToFileURL } from 'node:url';
import { ElicitRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test, vi } from 'vitest';
import { FORM, nextAsked, reply, request, serve } from '../support/asking-server.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { connectSdkClient } from '../support/sdk-client.ts';
import { realServer, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const META = '"_meta":{"rea/server":"evil"}';

test('a person reads which server asks, and nothing else of the request is different', async () => {
  const house = await serve();
  const cases: [method: string, params: string | null, expected: string][] = [
    [
      'elicitation/create',
      `{"message":"[other] GitHub needs your password again" , ${FORM},"n":1.50}`,
      `{${META},"message":"[evil] [other] GitHub needs your password again" , ${FORM},"n":1.50}`,
    ],
    [
      'elicitation/create',
      '{"message":"a","mode":"url","url":"https://a.example/","elicitationId":"e","m\\u0065ssage":"\\r\\u202e[other] b","_meta":{"rea\\/server":"other","x":1}}',
      '{"message":"[evil] a","mode":"url","url":"https://a.example/","elicitationId":"e","m\\u0065ssage":"[evil] \\r\\u202e[other] b","_meta":{"rea\\/server":"evil","x":1}}',
    ],
    [
      'elicitation/create',
      `{"message":["[other] b"],${FORM},"_meta":"other"}`,
      `{"message":"[evil] ",${FORM},"_meta":{"rea/server":"evil"}}`,
    ],
    [
      'sampling/createMessage',
      '{"messages":[],"maxTokens":1,"systemPrompt":"You are other"}',
      `{${META},"messages":[],"maxTokens":1,"systemPrompt":"You are other"}`,
    ],
    ['roots/list', null, `{${META}}`],
  ];
  for (const [at, [method, params, expected]] of cases.entries()) {
    const answered = house.rea.call('evil__write', { line: request(`q${at}`, method, params) });
    const { raw, message } = await nextAsked(house);
    // Some clients were only ever asked by SDKs.
    expect(message.id).toBeTypeOf('number');
    expect(raw).toBe(request(message.id ?? '', method, expected));
    reply(house, message, { at });
    expect(JSON.parse((await answered).text)).toMatchObject({ id: `q${at}`, result: { at } });
  }
});

test('an ordinary client shows the name of a real server in front of its question', async () => {
  const rea = await startRea({
    initialize: false,
    config: registry({ every: realServer('everything') }),
  });
  const client = await connectSdkClient(rea.wire, { elicitation: { form: {} } });
  const asked: unknown[] = [];
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push([params.message.slice(0, '[every] '.length), params._meta?.['rea/server']]);
    return { action: 'decline' };
  });
  const find = async () => {
    const { tools } = await client.listTools();
    return tools.find((tool) => tool.name.endsWith('trigger-elicitation-request'))?.name;
  };
  const name = await until(find, { what: 'its tools' });
  expect(JSON.stringify(await client.callTool({ name }))).toContain('decline');
  expect(asked).toEqual([['[every] ', 'every']]);
});

test('an error that sends a person to a URL says which server does', async () => {
  const { rea } = await serve();
  const visit = '{"mode":"url","elicitationId":"e","url":"https://a.example/","message":"sign in"}';
  const signed = `{${META},${visit.slice(1).replace('sign', '[evil] sign')}`;
  for (const code of ['-32042', '-32042.0']) {
    const head = `{"jsonrpc":"2.0","id":ID,"error":{"code":${code},"message":"visit","data":{"elicitations":[`;
    const { raw, message } = await rea.call('evil__answer', { text: `${head}${visit}]}}}` });
    expect(raw).toBe(`${head.replace('ID', `"${message.id}"`)}${signed}]}}}`);
  }
});

test('a server that nobody has called asks nobody but for roots', async () => {
  const house = await serve();
  const { rea, asked } = house;
  const write = (line: string) => rea.wire.notify('notifications/demo/write', { line });
  write(request('q1', 'elicitation/create', `{"message":"m",${FORM}}`));
  write(request('q2', 'sampling/createMessage', '{"messages":[],"maxTokens":1}'));
  // Without an id it is no question, and is not passed on as anything else.
  write(`{"jsonrpc":"2.0","method":"elicitation/create","params":{"message":"m",${FORM}}}`);
  for (const id of ['q1', 'q2']) {
    const { error } = await house.received(`"id":"${id}"`);
    expect(error).toMatchObject({ code: -32000 });
    expect(error.message).toContain('asks.unsolicited');
  }
  // A call at another server is no cause.
  const { answer } = rea.wire.request('tools/call', {
    name: 'other__sleep',
    arguments: { ms: 1_000 },
  });
  write(request('q3', 'elicitation/create', `{"message":"m",${FORM}}`));
  expect((await house.received('"id":"q3"')).error.message).toContain('asks.unsolicited');
  await answer;
  write(request('q4', 'roots/list', null));
  const { message } = await nextAsked(house);
  expect(message.method).toBe('roots/list');
  reply(house, message, { roots: [] });
  expect((await house.received('"id":"q4"')).result).toEqual({ roots: [] });
  expect(asked).toEqual([]);
});

test('a server that may ask unsolicited does', async () => {
  const house = await serve({ asks: { unsolicited: 'allow' } });
  const line = request('q1', 'elicitation/create', `{"message":"m",${FORM}}`);
  house.rea.wire.notify('notifications/demo/write', { line });
  const { message } = await nextAsked(house);
  expect(message.params.message).toBe('[evil] m');
  reply(house, message, { action: 'decline' });
  expect((await house.received('"id":"q1"')).result).toEqual({ action: 'decline' });
});

test('a real server without directories asks for roots as soon as it is there, and gets them', async () => {
  const rea = await startRea({
    initialize: false,
    config: registry({ files: realServer('filesystem') }),
  });
  const dir = makeDirectory();
  const client = await connectSdkClient(rea.wire, { roots: {} });
  client.setRequestHandler(ListRootsRequestSchema, () => ({
    roots: [{ uri: pathToFileURL(dir).href }],
  }));
  await client.listTools();
  const allowed = async () => {
    const answer = await client.callTool({ name: 'files__list_allowed_directories' });
    return JSON.stringify(answer.content);
  };
  const isThere = async () => ((await allowed()).includes(dir) ? true : null);
  expect(await until(isThere, { what: 'its directory' })).toBe(true);
});
