/**
 * The time that a client takes to answer what a server asks is not the server's: the clock of the call stands
 * meanwhile, the client hears that the call goes on, and a limit of its own ends what nobody answers.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type ClientCapabilities, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test, vi } from 'vitest';
import {
  config as askingConfig,
  FORM,
  type House,
  nextAsked,
  reply,
  request,
  serve,
} from '../support/asking-server.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { AUTO, rewrite } from '../support/reloading.ts';
import { connectSdkClient } from '../support/sdk-client.ts';
import { fixture } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const TIMEOUT_MS = 1_500;
/** The first time-out opens the circuit for longer than a test takes. */
const STRICT = {
  call_timeout_ms: TIMEOUT_MS,
  call_total_timeout_ms: TIMEOUT_MS,
  breaker: { failures: 1, cooldown_ms: 600_000 },
};
const CANCELLED = 'notifications/cancelled';
const PROGRESS = 'notifications/progress';
const ELICIT = `{"message":"m",${FORM}}`;
const ACCEPTED = { action: 'accept', content: {} };

/** A call with the same time, made now, has ended by it: so would any that was made before. */
async function timePasses({ rea }: House): Promise<void> {
  const { failure } = await rea.call('slow__sleep', { ms: 600_000 });
  expect(failure?.code).toBe('ERR_TIMEOUT');
}

function houseOf(options: Record<string, unknown> = {}, how: Parameters<typeof serve>[1] = {}) {
  const slow = { ...fixture('echo'), call_timeout_ms: TIMEOUT_MS };
  return serve({ ...STRICT, ...options }, { servers: { slow }, ...how });
}

/** The id at the server of its call of this tool. */
async function idAtServer(house: House, tool: string): Promise<number> {
  return (await house.received(`"name":"${tool}"`)).id;
}

async function overHttp(rea: Rea, capabilities: ClientCapabilities): Promise<Client> {
  const url = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const client = new Client({ name: 'visitor', version: '1' }, { capabilities });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return client;
}

function ask({ rea }: House, id: string): void {
  rea.wire.notify('notifications/demo/write', { line: request(id, 'elicitation/create', ELICIT) });
}

const circuit = ({ rea }: House) =>
  rea.state()?.downstreams.find(({ name }) => name === 'evil')?.circuit_state;

test.each([
  ['elicitation/create', ELICIT, ACCEPTED],
  [
    'sampling/createMessage',
    '{"messages":[],"maxTokens":1}',
    { role: 'assistant', model: 'm', content: { type: 'text', text: 'x' } },
  ],
  ['roots/list', null, { roots: [] }],
])('a client may take longer for %s than its call may', async (method, params, answer) => {
  const house = await houseOf();
  const call = house.rea.begin('evil__write', { line: request('q1', method, params) });
  const { message } = await nextAsked(house);
  await timePasses(house);
  expect(call.answered()).toBe(false);
  reply(house, message, answer);
  expect(JSON.parse((await call.answer).text)).toMatchObject({ id: 'q1', result: answer });
  expect(house.asked).toEqual([]);
});

test('what nobody answers ends by its own limit, for all three, and opens no circuit', async () => {
  const house = await houseOf({ ask_timeout_ms: TIMEOUT_MS });
  const { rea } = house;
  const call = rea.begin('evil__write', { line: request('q1', 'elicitation/create', ELICIT) });
  const { message } = await nextAsked(house);
  const answer = await call.answer;
  expect(answer.failure).toMatchObject({ code: 'ERR_TIMEOUT', outcome: 'unknown' });
  expect(answer.text).toMatch(
    /^what server "evil" asked the client was not answered .*ask_timeout_ms/,
  );
  const [told] = rea.wire.notifications(CANCELLED);
  expect(told?.params).toMatchObject({ requestId: message.id });
  const { error } = await house.received('"id":"q1"');
  expect(error).toMatchObject({ code: -32001 });
  expect(error.message).toContain('ask_timeout_ms');
  const id = await idAtServer(house, 'write');
  expect((await house.received(CANCELLED)).params).toMatchObject({ requestId: id });
  expect((await nextAsked(house)).message.method).toBe(CANCELLED);
  // The answer of a slow person is for nobody, and the server is open to everybody.
  reply(house, message, ACCEPTED);
  const next = rea.begin('evil__write', { line: request('q2', 'elicitation/create', ELICIT) });
  const again = await nextAsked(house);
  reply(house, again.message, ACCEPTED);
  expect(JSON.parse((await next.answer).text)).toMatchObject({ id: 'q2', result: ACCEPTED });
  expect(circuit(house)).toBe('closed');
});

test('after the answer the server has what was left; its own silence is its own fault', async () => {
  const house = await houseOf();
  const call = house.rea.begin('evil__hold');
  await house.received('"held":true');
  ask(house, 'q1');
  ask(house, 'q2');
  const [first, second] = [await nextAsked(house), await nextAsked(house)];
  reply(house, first.message, ACCEPTED);
  await house.received('"id":"q1"');
  // One of the two is still open.
  await timePasses(house);
  expect(call.answered()).toBe(false);
  reply(house, second.message, ACCEPTED);
  const answer = await call.answer;
  expect(answer.failure).toMatchObject({ code: 'ERR_TIMEOUT', outcome: 'unknown' });
  expect(answer.text).toContain('besides');
  expect((await house.rea.call('evil__hold')).failure?.code).toBe('ERR_BREAKER_OPEN');
});

test('a person at a URL takes the time of the client, up to the word that it is done', async () => {
  const house = await houseOf();
  const { rea } = house;
  const writes = (line: string) => rea.wire.notify('notifications/demo/write', { line });
  const call = rea.begin('evil__hold');
  await house.received('"held":true');
  const visit = '{"mode":"url","elicitationId":"e","url":"https://a.example/","message":"sign in"}';
  writes(request('q1', 'elicitation/create', visit));
  const { message } = await nextAsked(house);
  reply(house, message, { action: 'accept' });
  await house.received('"id":"q1"');
  await timePasses(house);
  expect(call.answered()).toBe(false);
  const done = 'notifications/elicitation/complete';
  writes(`{"jsonrpc":"2.0","method":"${done}","params":{"elicitationId":"e"}}`);
  expect((await nextAsked(house)).message.method).toBe(done);
  expect((await call.answer).text).toContain('besides');
});

test('asking again and again keeps no call for ever', async () => {
  const house = await houseOf({
    ask_timeout_ms: TIMEOUT_MS,
    call_timeout_ms: 60_000,
    call_total_timeout_ms: 60_000,
  });
  const call = house.rea.begin('evil__hold');
  await house.received('"held":true');
  ask(house, 'q0');
  let open = await nextAsked(house);
  for (let count = 1; !call.answered(); count += 1) {
    ask(house, `q${count}`);
    const next = await until(() => call.answered() || house.asked.shift(), { what: 'a question' });
    if (next === true || next.message.method === CANCELLED) break;
    // There is always a newer one when a question is answered.
    reply(house, open.message, ACCEPTED);
    open = next;
  }
  expect((await call.answer).text).toContain('ask_timeout_ms');
});

test('calls of one client that may have caused a question all stand; another server is no matter', async () => {
  const house = await houseOf();
  const idle = house.rea.begin('evil__hold');
  await house.received('"held":true');
  const call = house.rea.begin('evil__write', {
    line: request('q1', 'elicitation/create', ELICIT),
  });
  const { message } = await nextAsked(house);
  await timePasses(house);
  expect([idle.answered(), call.answered()]).toEqual([false, false]);
  reply(house, message, { action: 'decline' });
  expect((await call.answer).text).toContain('decline');
  expect((await idle.answer).failure?.code).toBe('ERR_TIMEOUT');
});

test('a call with a progress token hears of itself while its client is asked, in values that grow', async () => {
  const house = await houseOf({}, { env: { REA_TEST_CLOCKS: '0.05' } });
  const { rea } = house;
  const heard = () => rea.wire.notifications(PROGRESS).map(({ params }) => params);
  const call = rea.begin('evil__hold', {}, { progressToken: 'mine' });
  await house.received('"held":true');
  const token = await idAtServer(house, 'hold');
  const says = (progress: number) => {
    const params = { progressToken: token, progress, total: 2 };
    const line = JSON.stringify({ jsonrpc: '2.0', method: PROGRESS, params });
    rea.wire.notify('notifications/demo/write', { line });
    return until(
      () => heard().some((one) => one.total === 2 && Math.abs(one.progress - progress) < 0.01),
      {
        what: `the server's progress ${progress}`,
      },
    );
  };
  ask(house, 'q1');
  const { message } = await nextAsked(house);
  for (const progress of [0, 1, 2]) {
    const count = heard().length;
    await until(() => heard().length >= count + 2, { what: 'two words of the gateway' });
    await says(progress);
  }
  const values = heard().map(({ progress }) => progress);
  expect(values).toEqual([...new Set(values)].toSorted((a, b) => a - b));
  expect(values).toEqual(expect.arrayContaining([1, 2]));
  expect(new Set(heard().map(({ progressToken }) => progressToken))).toEqual(new Set(['mine']));
  expect(heard()[0].message).toContain('evil');
  reply(house, message, ACCEPTED);
  expect((await call.answer).failure?.code).toBe('ERR_TIMEOUT');
});

test.each(['stdio', 'http'])(
  'an ordinary client over %s waits longer than it would by itself',
  async (face) => {
    const journal = `${makeDirectory()}/journal`;
    const able = { client_capabilities: { elicitation: {} }, call_timeout_ms: TIMEOUT_MS };
    const rea = await startRea({
      initialize: false,
      config: askingConfig(journal, able),
      env: { REA_TEST_CLOCKS: '0.05' },
      args: face === 'http' ? ['--http', '127.0.0.1:0', '--no-token'] : [],
    });
    const can = { elicitation: { form: {} } };
    const client =
      face === 'http' ? await overHttp(rea, can) : await connectSdkClient(rea.wire, can);
    let words = 0;
    client.setRequestHandler(ElicitRequestSchema, async () => {
      // Longer than the time that the client gives its call.
      await until(() => words >= 5, { what: 'progress of the call' });
      return { action: 'accept' as const, content: {} };
    });
    await until(
      async () => (await client.listTools()).tools.some(({ name }) => name === 'evil__write'),
      {
        what: 'the tools',
      },
    );
    const answer = await client.callTool(
      { name: 'evil__write', arguments: { line: request('q1', 'elicitation/create', ELICIT) } },
      undefined,
      { timeout: 2_000, resetTimeoutOnProgress: true, onprogress: () => void (words += 1) },
    );
    expect(JSON.stringify(answer)).toContain('accept');
  },
);

test('a server that is replaced while it asks is waited for', async () => {
  const house = await houseOf({ call_total_timeout_ms: 60_000 }, AUTO);
  const { rea } = house;
  const call = rea.begin('evil__write', { line: request('q1', 'elicitation/create', ELICIT) });
  const { message } = await nextAsked(house);
  const before = (await rea.waitForPhase('evil', 'ready')).pid;
  await rewrite(rea, house.configOf({ ...STRICT, env: { CHANGED: '1' } }));
  reply(house, message, ACCEPTED);
  expect(JSON.parse((await call.answer).text)).toMatchObject({ id: 'q1', result: ACCEPTED });
  await rea.waitForServer('evil', ({ pid, phase }) => phase === 'ready' && pid !== before, {
    what: 'being another one',
  });
});
