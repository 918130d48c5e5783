/** Destructive calls at L2: a person is asked, and nothing is done without a yes. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, expect, test, vi } from 'vitest';
import { type AskedHouse, askedHouse } from '../support/asked-house.ts';
import { visit } from '../support/http-client.ts';
import { type PolicyHouse, policyHouse, writePolicy } from '../support/policy-house.ts';
import { FAST_CLOCKS } from '../support/rea-command.ts';
import { AUTO, rewrite } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';
import type { Message } from '../support/wire.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

const DELETE = 'tiers__delete-thing';
const L2 = 'autonomy_level: L2\n';

/** One for tests that end with no question open and nothing allowed; the first that asks starts it. */
let started: Promise<AskedHouse> | null = null;
const SECRET = 'hunter2-hunter2-hunter2';

/** @returns the house, and what was called since then. */
async function shared(): Promise<AskedHouse> {
  started ??= askedHouse(L2, { server: { env: { TOKEN: SECRET } } });
  const house = await started;
  expect(house.asked).toEqual([]);
  const before = house.called().length;
  return { ...house, called: () => house.called().slice(before) };
}

const yes = (decision: string) => ({ action: 'accept', content: { decision } });

test('once: the call is made as it was shown, and the next one is asked about again', async () => {
  const house = await shared();
  const args = { path: 'a.txt', big: 9_007_199_254_740_991, odd: '\u202e \u001b[31m' };
  const call = house.rea.begin(DELETE, args);
  const question = await house.next();
  expect(question).toMatchObject({
    method: 'elicitation/create',
    params: {
      message: expect.stringMatching(
        /^rea asks: may the tool "delete-thing" of server "tiers" run\?/,
      ),
      requestedSchema: { properties: { decision: { enum: ['once', 'session', 'no'] } } },
      _meta: { 'rea/ask': { server: 'tiers', tool: 'delete-thing', tier: 'destructive' } },
    },
  });
  const { message } = question.params;
  expect(message).toContain('"path":"a.txt"');
  expect(message).toMatch(/^[ -~\ufffd]*$/);
  expect(house.called()).toEqual([]);
  // Nobody else is held up.
  expect((await house.rea.call('tiers__thing')).failure).toBeNull();
  house.reply(question, yes('once'));
  expect((await call.answer).failure).toBeNull();
  expect(house.called()).toEqual(['thing', 'delete-thing']);
  const line = house
    .journal()
    .split('\n')
    .find((one) => one.includes('delete-thing","arg') && one.includes('a.txt'));
  expect(JSON.parse(line ?? '{}').params.arguments).toEqual(args);
  expect(line).toContain(JSON.stringify(args));
  const again = house.rea.begin(DELETE);
  house.reply(await house.next(), yes('no'));
  const { failure, text } = await again.answer;
  expect(failure).toMatchObject({ code: 'ERR_DENIED_TIER', outcome: 'not_sent', retryable: false });
  expect(text).toContain('the person said no');
  expect(house.called()).toHaveLength(2);
});

test('nothing but a yes is one', async () => {
  const house = await shared();
  for (const result of [
    { action: 'cancel' },
    { action: 'accept' },
    { action: 'accept', content: { decision: 'yes' } },
    { action: 'accept', content: { decision: ['once'] } },
    { action: 'decline', content: { decision: 'once' } },
    {},
  ]) {
    const call = house.rea.begin(DELETE);
    house.reply(await house.next(), result);
    const { failure } = await call.answer;
    expect([result, failure?.code]).toEqual([result, 'ERR_DENIED_TIER']);
  }
  expect(house.called()).toEqual([]);
});

test('who does not answer in time has said no, and hears meanwhile that the call waits', async () => {
  const house = await askedHouse(`${L2}ask_timeout_ms: 4000\n`, { env: FAST_CLOCKS });
  const call = house.rea.begin(DELETE, {}, { progressToken: 'p' });
  const question = await house.next();
  expect(await house.next()).toMatchObject({
    method: 'notifications/progress',
    params: { progressToken: 'p' },
  });
  const { failure, text } = await call.answer;
  expect(failure).toMatchObject({ code: 'ERR_DENIED_TIER', outcome: 'not_sent' });
  expect(text).toContain('ask_timeout_ms');
  await until(() => house.asked.find(({ method }) => method === 'notifications/cancelled'), {
    what: 'the question to be withdrawn',
  });
  house.reply(question, yes('once'));
  expect((await house.rea.call('tiers__thing')).failure).toBeNull();
  expect(house.called()).toEqual(['thing']);
});

test('a call that its client cancels while it is asked is not made, whatever is answered', async () => {
  const house = await shared();
  const call = house.rea.begin(DELETE);
  const question = await house.next();
  house.rea.cancel(call);
  expect(await house.next()).toMatchObject({
    method: 'notifications/cancelled',
    params: { requestId: question.id },
  });
  house.reply(question, yes('session'));
  expect((await house.rea.call('tiers__thing')).failure).toBeNull();
  expect(house.called()).toEqual(['thing']);
  expect(call.answered()).toBe(false);
  const again = house.rea.begin(DELETE);
  house.reply(await house.next(), yes('no'));
  await again.answer;
});

test('HALT and a stricter policy withdraw the question', async () => {
  const house = await askedHouse(L2);
  const { rea, dir } = house;
  const halt = join(dir, '.rea', 'HALT');
  const first = rea.begin(DELETE);
  const question = await house.next();
  writeFileSync(halt, 'stop');
  expect((await first.answer).failure).toMatchObject({ code: 'ERR_HALTED', outcome: 'not_sent' });
  expect(await house.next()).toMatchObject({ method: 'notifications/cancelled' });
  house.reply(question, yes('once'));
  expect((await rea.call(DELETE)).failure).toMatchObject({ code: 'ERR_HALTED' });
  rmSync(halt);
  await until(async () => (await rea.call('tiers__get_thing')).failure === null, {
    what: 'HALT to be cleared',
  });
  const second = rea.begin(DELETE);
  await house.next();
  writePolicy(dir, 'autonomy_level: L1\n');
  expect((await second.answer).failure).toMatchObject({ code: 'ERR_DENIED_TIER' });
  expect(house.called()).toEqual(['get_thing']);
});

test('a seventeenth question to one client is not asked; there is room again after an answer', async () => {
  const house = await shared();
  const { rea } = house;
  const calls = Array.from({ length: 16 }, () => rea.begin(DELETE));
  const questions: Message[] = [];
  for (const _ of calls) questions.push(await house.next());
  const { failure, text } = await rea.call(DELETE);
  expect(failure).toMatchObject({ code: 'ERR_QUEUE_FULL', outcome: 'not_sent', retryable: true });
  expect(text).toContain('16 questions to this client are open');
  expect(house.asked).toEqual([]);
  house.reply(questions[0] as Message, yes('once'));
  expect((await calls[0]?.answer)?.failure).toBeNull();
  const another = rea.begin(DELETE);
  house.reply(await house.next(), yes('no'));
  expect((await another.answer).failure).toMatchObject({ code: 'ERR_DENIED_TIER' });
  for (const question of questions.slice(1)) house.reply(question, yes('no'));
  for (const call of calls.slice(1)) expect((await call.answer).failure).not.toBeNull();
  expect(house.called()).toEqual(['delete-thing']);
});

/** Another program under the same name. */
const other = ({ dir }: PolicyHouse) =>
  registry({
    tiers: { ...fixture('tiers', '--journal', join(dir, 'journal')), env: { OTHER: 'program' } },
  });

const GONE = 'the server was changed or removed while a person was asked';

test('a server that is changed while a person is asked is not called', async () => {
  const house = await askedHouse(L2, AUTO);
  const call = house.rea.begin(DELETE);
  const question = await house.next();
  await rewrite(house.rea, other(house));
  house.reply(question, yes('session'));
  const { failure, text } = await call.answer;
  expect(failure).toMatchObject({ code: 'ERR_DOWNSTREAM_DOWN', outcome: 'not_sent' });
  expect(text).toContain(GONE);
  const again = house.rea.begin(DELETE);
  house.reply(await house.next(), yes('no'));
  await again.answer;
  expect(house.called()).toEqual([]);
});

test('a server that is removed while a person is asked is not called, and the question is withdrawn', async () => {
  const house = await askedHouse(L2, AUTO);
  const call = house.rea.begin(DELETE);
  const question = await house.next();
  await rewrite(house.rea, registry({}));
  const { failure, text } = await call.answer;
  expect(failure).toMatchObject({ code: 'ERR_DOWNSTREAM_DOWN', outcome: 'not_sent' });
  expect(text).toContain(GONE);
  expect(await house.next()).toMatchObject({
    method: 'notifications/cancelled',
    params: { requestId: question.id },
  });
  house.reply(question, yes('once'));
  await house.rea.request('ping');
  expect(house.called()).toEqual([]);
});

test('for this session: that tool is not asked about again, others are, and so is the tool of another program', async () => {
  const house = await askedHouse(L2, AUTO);
  const call = house.rea.begin(DELETE);
  house.reply(await house.next(), yes('session'));
  expect((await call.answer).failure).toBeNull();
  expect((await house.rea.call(DELETE)).failure).toBeNull();
  const hinted = house.rea.begin('tiers__delete_hinted');
  house.reply(await house.next(), { action: 'decline' });
  expect((await hinted.answer).failure).toMatchObject({ code: 'ERR_DENIED_TIER' });
  expect(house.called()).toEqual(['delete-thing', 'delete-thing']);
  await rewrite(house.rea, other(house));
  const again = house.rea.begin(DELETE);
  house.reply(await house.next(), yes('no'));
  expect((await again.answer).failure).toMatchObject({ code: 'ERR_DENIED_TIER' });
  expect(house.called()).toEqual(['delete-thing', 'delete-thing']);
});

test('secrets are not shown, and long arguments are cut and stand for their digest', async () => {
  const house = await shared();
  const text = 'x'.repeat(5000);
  const call = house.rea.begin(DELETE, { key: SECRET, text });
  const question = await house.next();
  const { message, _meta: meta } = question.params;
  expect(message).not.toContain('hunter2');
  expect(message).toMatch(/x… \(50\d\d bytes in all, sha256 [0-9a-f]{64}\)$/);
  expect(Buffer.byteLength(meta['rea/ask'].arguments)).toBeLessThan(1200);
  house.reply(question, yes('once'));
  expect((await call.answer).failure).toBeNull();
  expect(house.journal()).toContain(text);
});

test('a client that ends its input while it is asked ends no later for it', async () => {
  const house = await askedHouse(L2);
  const call = house.rea.begin(DELETE);
  await house.next();
  house.rea.endInput();
  expect((await call.answer).failure).toMatchObject({ outcome: 'not_sent' });
  expect(await house.rea.exited).toMatchObject({ code: 0 });
  expect(house.called()).toEqual([]);
});

/** A gateway over HTTP, to which each test comes with clients of its own. */
let served: Promise<PolicyHouse> | null = null;

async function overHttp(): Promise<PolicyHouse> {
  served ??= policyHouse({
    policy: L2,
    args: ['--http', '0', '--no-token'],
    overHttp: true,
    initialize: false,
  });
  const house = await served;
  const before = house.called().length;
  return { ...house, called: () => house.called().slice(before) };
}

test.each([{}, { elicitation: { url: {} } }, { sampling: {} }])(
  'a client with %j is told what to write instead',
  async (capabilities) => {
    const { rea, called } = await overHttp();
    const visitor = await visit(rea, capabilities);
    const questions: string[] = [];
    visitor.client.fallbackRequestHandler = async ({ method }) => {
      questions.push(method);
      return {};
    };
    await visitor.client.listTools();
    const { _meta: meta, content } = await visitor.ask('tools/call', {
      name: DELETE,
      arguments: {},
    });
    expect(meta['rea/error']).toMatchObject({ code: 'ERR_DENIED_TIER', outcome: 'not_sent' });
    const [{ text }] = content;
    expect(text).toContain('set autonomy_level: L3 there');
    expect(text).toContain('tier_overrides: {"delete-thing": write}');
    expect([called(), questions]).toEqual([[], []]);
    await visitor.leave();
  },
);

test('over HTTP the client whose call it is is asked, and its yes is its own', async () => {
  const { rea, called } = await overHttp();
  const decisions: string[] = [];
  const open = async (decision: string) => {
    const visitor = await visit(rea, { elicitation: {} });
    visitor.client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      decisions.push(`${decision}: ${params.message.slice(0, 40)}`);
      return decision === 'no'
        ? { action: 'decline' as const }
        : { action: 'accept' as const, content: { decision } };
    });
    await visitor.client.listTools();
    return visitor;
  };
  const [one, other] = [await open('session'), await open('no')];
  const call = (visitor: typeof one) => visitor.client.callTool({ name: DELETE, arguments: {} });
  expect((await call(one)).isError).not.toBe(true);
  expect((await call(other)).isError).toBe(true);
  expect((await call(one)).isError).not.toBe(true);
  expect(called()).toEqual(['delete-thing', 'delete-thing']);
  const asks = 'rea asks: may the tool "delete-thing" of';
  expect(decisions).toEqual([`session: ${asks}`, `no: ${asks}`]);
  await one.leave();
  await other.leave();
});
