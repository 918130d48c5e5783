/**
 * Clients of revision 2026-07-28 and servers that send their questions as requests: a question becomes the answer to the
 * call, the call stays open at its server, and the client's retry takes it up again. The server gets each call once.
 */
import { writeFileSync } from 'node:fs';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, expect, test, vi } from 'vitest';
import {
  ABLE,
  asked,
  back,
  call,
  form,
  type House,
  houseOf,
  LISTED,
  ROOTS,
  SAMPLE,
  SAMPLED,
  said,
  TOKENS,
  yes,
} from '../support/parked-house.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { environment } from '../support/rea-command.ts';
import { VERSION } from '../support/sessionless.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';
import type { Message } from '../support/wire.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

afterAll(tidy);

/** Gateways that tests leave as they were, by what is special about them; the first test that asks starts one. */
const started = new Map<'plain' | 'able', Promise<House>>();

/** Over HTTP. What a server has received is told from now on. */
async function sharedHouse(kind: 'plain' | 'able'): Promise<House> {
  const options = kind === 'able' ? { client_capabilities: ABLE } : {};
  const house = started.get(kind) ?? houseOf('http', { options });
  started.set(kind, house);
  const { received, ...rest } = await house;
  const before = received('{').length;
  return {
    ...rest,
    received: (what) =>
      received('{')
        .slice(before)
        .filter((line) => line.includes(what)),
  };
}

/** The answer that asks all of these: on a busy machine they come one by one, and are all open after some rounds. */
async function withAll(
  send: House['send'],
  params: object,
  names: readonly string[],
): Promise<Message> {
  let first = await send('tools/call', params);
  while (asked(first).length < names.length && first.result?.requestState !== undefined) {
    first = await send('tools/call', { ...params, ...back(first, {}) });
  }
  expect(asked(first)).toEqual(names);
  return first;
}

test.each(['stdio', 'http', 'shared'] as const)(
  'over %s: several questions at once, a missing answer, another round, and one call',
  async (over) => {
    const { send, received } =
      over === 'http'
        ? await sharedHouse('able')
        : await houseOf(over, { options: { client_capabilities: ABLE } });
    const params = call('ask', { rounds: [[form('name'), SAMPLE, ROOTS], [form('again')]] });
    const first = await withAll(send, params, ['name', 'roots', 'sample']);
    expect(first.result).toMatchObject({
      resultType: 'input_required',
      requestState: expect.stringMatching(/^rea\.[\w-]{24,}$/),
      inputRequests: {
        name: { method: 'elicitation/create', params: { message: '[asks] who?' } },
        sample: { method: 'sampling/createMessage', params: { maxTokens: 1 } },
        roots: { method: 'roots/list' },
      },
    });
    const some = { name: yes({ a: 1 }), roots: LISTED, stray: yes() };
    const second = await send('tools/call', { ...params, ...back(first, some) });
    expect(asked(second)).toEqual(['sample']);
    expect(second.result.requestState).not.toBe(first.result.requestState);
    const third = await send('tools/call', { ...params, ...back(second, { sample: SAMPLED }) });
    expect(asked(third)).toEqual(['again']);
    const meta = { progressToken: 'mine' };
    const last = await send(
      'tools/call',
      { ...params, ...back(third, { again: yes() }) },
      { meta },
    );
    expect(last.result.resultType).toBe('complete');
    expect(said(last)).toEqual({
      name: yes({ a: 1 }),
      sample: SAMPLED,
      roots: LISTED,
      again: yes(),
    });
    for (const [state, answers] of [
      [first, some],
      [second, { sample: SAMPLED }],
      [third, { again: yes() }],
      [{ ...first, result: { requestState: 'rea.unknown' } }, some],
    ] as const) {
      const { error } = await send('tools/call', { ...params, ...back(state, answers) });
      expect(error).toMatchObject({ code: -32602, message: expect.stringContaining('ask again') });
    }
    expect(received('"method":"tools/call"')).toHaveLength(1);
    expect(received('"result":{"action"')).toHaveLength(2);
  },
);

test('prompts and resources are asked about, too', async () => {
  const { send } = await sharedHouse('plain');
  for (const [method, params, key] of [
    ['prompts/get', { name: 'asks__ask' }, 'p'],
    ['resources/read', { uri: 'ask://me' }, 'r'],
  ] as const) {
    const first = await send(method, params);
    expect(asked(first), method).toEqual([key]);
    const last = await send(method, { ...params, ...back(first, { [key]: yes({ of: key }) }) });
    expect(last.result.resultType).toBe('complete');
    expect(JSON.stringify(last.result)).toContain(
      key === 'p' ? '\\"of\\":\\"p\\"' : '\\"of\\":\\"r\\"',
    );
  }
});

test('a retry is of the client that was asked, for the same tool with the same arguments', async () => {
  const { send, received } = await sharedHouse('plain');
  const params = call('ask', { rounds: [[form('name')]] });
  const first = await send('tools/call', params);
  const answers = back(first, { name: yes() });
  const refused = [
    send('tools/call', { ...params, ...answers }, { token: TOKENS[1] }),
    send('tools/call', { ...call('other', { rounds: [[form('name')]] }), ...answers }),
    send('tools/call', { ...call('ask', { rounds: [[form('other')]] }), ...answers }),
    send('tools/call', { ...params, ...answers, inputResponses: [] }),
    send('tools/call', { ...params, ...answers, inputResponses: { name: 'yes' } }),
    send('tools/call', { ...params, ...answers, requestState: 5 }),
  ];
  for (const { error } of await Promise.all(refused)) expect(error?.code).toBe(-32602);
  expect(received('"result":{"action"')).toEqual([]);
  expect(said(await send('tools/call', { ...params, ...answers }))).toEqual({ name: yes() });
  expect(received('"method":"tools/call"')).toHaveLength(1);
});

test('what a client has not declared is refused to the server, and the call goes on', async () => {
  const { send } = await sharedHouse('plain');
  const more = { ...SAMPLE, id: 'more' };
  const params = call('ask', {
    rounds: [
      [form('name'), SAMPLE],
      [more, form('again')],
    ],
  });
  const first = await send('tools/call', params, { able: { sampling: {} } });
  expect(asked(first)).toEqual(['sample']);
  // What a retry declares does not count.
  const retry = { ...params, ...back(first, { sample: SAMPLED }) };
  const second = await send('tools/call', retry, { able: { elicitation: {} } });
  expect(asked(second)).toEqual(['more']);
  const last = { ...params, ...back(second, { more: SAMPLED }) };
  expect(said(await send('tools/call', last))).toMatchObject({
    again: { error: { code: -32601 } },
    name: { error: { code: -32601 } },
    sample: SAMPLED,
  });
  const none = await send('tools/call', params, { able: {} });
  expect(said(none).name.error.code).toBe(-32601);
});

test('a call that ends while its client is asked waits with its answer', async () => {
  const { rea, send, file } = await sharedHouse('plain');
  const quit = file('quit-asked');
  const params = call('ask', { rounds: [[form('name')]], quit });
  const first = await send('tools/call', params);
  const inFlight = (count: number) =>
    rea.waitForState(({ downstreams: [only] }) => only?.in_flight === count, {
      what: `${count} calls in flight`,
    });
  await inFlight(1);
  writeFileSync(quit, '');
  await inFlight(0);
  const last = await send('tools/call', { ...params, ...back(first, { name: yes() }) });
  expect(said(last)).toBe('quit');
});

test('a question that was asked about another call of its client reaches its server, though that call has ended', async () => {
  const { rea, send, received, file } = await sharedHouse('plain');
  const quit = file('quit-held');
  const hold = call('hold', { quit });
  const held = send('tools/call', hold);
  await until(() => received('"name":"hold"').length === 1, { what: 'the first call' });
  const asks = send('tools/call', call('ask', { rounds: [[form('name')]] }));
  const first = await held;
  expect(asked(first)).toEqual(['name']);
  await rea.waitForState(({ downstreams: [only] }) => only?.in_flight === 2, { what: 'two calls' });
  writeFileSync(quit, '');
  await rea.waitForState(({ downstreams: [only] }) => only?.in_flight === 1, { what: 'its end' });
  const last = await send('tools/call', { ...hold, ...back(first, { name: yes() }) });
  expect(last.result.content[0].text).toBe('held');
  expect(said(await asks)).toEqual({ name: yes() });
});

test('a server that dies while its client is asked has not done the call twice', async () => {
  const { rea, send, received } = await sharedHouse('plain');
  const params = call('ask', { rounds: [[form('name')]] });
  const first = await send('tools/call', params);
  const pid = rea.state()?.downstreams[0]?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  const last = await send('tools/call', { ...params, ...back(first, { name: yes() }) });
  expect(last.result).toMatchObject({
    resultType: 'complete',
    isError: true,
    _meta: { 'rea/error': { code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' } },
  });
  await until(() => received('"started"').length === 1, { what: 'the next process' });
  expect(received('"method":"tools/call"')).toHaveLength(1);
});

test.each(['http', 'stdio'] as const)(
  'over %s: the gateway’s own question before a destructive call is asked the same way, and its first bytes are sent',
  async (over) => {
    const { send, received } = await houseOf(over, { policy: 'autonomy_level: L2\n' });
    const params = call('erase', { rounds: [[form('name')]], odd: 1.5 });
    const first = await send('tools/call', params);
    expect(first.result.inputRequests['rea/ask']).toMatchObject({
      method: 'elicitation/create',
      params: {
        message: expect.stringMatching(/^rea asks: may the tool "erase"/),
        requestedSchema: { properties: { decision: { enum: ['once', 'session', 'no'] } } },
      },
    });
    expect(received('"method":"tools/call"')).toEqual([]);
    const decided = (decision: string) => ({ 'rea/ask': yes({ decision }) });
    const no = await send('tools/call', { ...params, ...back(first, decided('no')) });
    expect(no.result._meta['rea/error']).toMatchObject({ code: 'ERR_DENIED_TIER' });
    const again = await send('tools/call', params);
    const asks = await send('tools/call', { ...params, ...back(again, decided('once')) });
    expect(asked(asks)).toEqual(['name']);
    const last = await send('tools/call', { ...params, ...back(asks, { name: yes() }) });
    expect(said(last)).toEqual({ name: yes() });
    const lines = received('"method":"tools/call"');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('inputResponses');
    expect(JSON.parse(lines[0] ?? '').params.arguments).toEqual(params.arguments);
    for (const { result } of [first, again, asks]) {
      const { error } = await send('tools/call', {
        ...params,
        ...back({ jsonrpc: '2.0', result }, decided('once')),
      });
      expect(error?.code).toBe(-32602);
    }
    expect(received('"method":"tools/call"')).toHaveLength(1);
    const unable = await send('tools/call', params, { able: {} });
    expect(unable.result.content[0].text).toContain('no elicitation');
  },
);

test.each(['stdio', 'http', 'shared'] as const)(
  'over %s: a client of the SDK answers what it is asked, however it negotiates',
  async (over) => {
    const { rea, url } = over === 'http' ? await sharedHouse('able') : await houseOf(over);
    const { command, args } = reaCommand();
    const authorization = `Bearer ${TOKENS[1]}`;
    for (const mode of ['legacy', 'auto', { pin: VERSION }] as const) {
      const client = new Client(
        { name: 'asked', version: '1' },
        { capabilities: ABLE, versionNegotiation: { mode } },
      );
      const questions: string[] = [];
      client.setRequestHandler('elicitation/create', ({ params }) => {
        questions.push(params.message);
        return { action: 'accept', content: {} };
      });
      client.setRequestHandler('roots/list', () => LISTED);
      client.setRequestHandler('sampling/createMessage', () => SAMPLED);
      await client.connect(
        over === 'http'
          ? new StreamableHTTPClientTransport(new URL(url), {
              requestInit: { headers: { authorization } },
            })
          : new StdioClientTransport({
              command,
              args: [
                ...args,
                'serve',
                '--cwd',
                rea.dir,
                ...(over === 'shared' ? ['--shared'] : []),
              ],
              env: environment(),
              stderr: 'ignore',
            }),
      );
      expect(client.getProtocolEra()).toBe(mode === 'legacy' ? 'legacy' : 'modern');
      await client.listTools();
      const rounds = [[form('name'), SAMPLE, ROOTS], [form('again', 'and?')]];
      const result = await client.callTool(call('ask', { rounds }));
      await client.close();
      expect(questions).toEqual(['[asks] who?', '[asks] and?']);
      expect(JSON.parse((result.content[0] as { text: string }).text)).toEqual({
        name: yes(),
        sample: SAMPLED,
        roots: LISTED,
        again: yes(),
      });
    }
  },
);
