/** Questions of servers beside several clients of revision 2026-07-28: each is asked what is its own, and otherwise nobody is. */
import { writeFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { urlOf } from '../support/http-door.ts';
import {
  ABLE,
  asked,
  back,
  CAPABILITIES,
  call,
  form,
  houseOf,
  said,
  TOKENS,
  yes,
} from '../support/parked-house.ts';
import { writePolicy } from '../support/policy-house.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { ask as post } from '../support/sessionless.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

afterEach(tidy);

test('a call of one of several clients is asked about only while it is the only one there', async () => {
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    initialize: false,
    config: registry({ asks: fixture('asks-in-rounds') }),
  });
  const url = await urlOf(rea);
  const send = async (params: object) =>
    (
      await post(url, {
        method: 'tools/call',
        params: { ...params },
        meta: { [CAPABILITIES]: ABLE },
      })
    ).answer;
  await rea.waitForPhase('asks', 'ready');
  const params = call('ask', { rounds: [[form('name')]] });
  const first = await send(params);
  expect(asked(first)).toEqual(['name']);
  const other = await send(call('ask', { rounds: [[form('other')]] }));
  expect(said(other).other.error.message).toContain('not clear');
  expect(said(await send({ ...params, ...back(first, { name: yes() }) }))).toEqual({ name: yes() });
});

test('without tokens, clients that leave questions of the gateway open are not in the way of others before 128 are', async () => {
  const dir = makeDirectory();
  writePolicy(dir, 'autonomy_level: L2\n');
  const rea = await startRea({
    cwd: dir,
    args: ['--http', '127.0.0.1:0', '--no-token'],
    initialize: false,
    config: registry({ asks: fixture('asks-in-rounds') }),
  });
  const url = await urlOf(rea);
  await rea.waitForPhase('asks', 'ready');
  const erase = { method: 'tools/call', params: call('erase', {}), meta: { [CAPABILITIES]: ABLE } };
  for (let left = 128; left > 0; left -= 32) {
    const answers = await Promise.all(Array.from({ length: 32 }, () => post(url, erase)));
    for (const { answer } of answers) expect(asked(answer)).toEqual(['rea/ask']);
  }
  const { result } = (await post(url, erase)).answer;
  expect(result._meta['rea/error']).toMatchObject({ code: 'ERR_QUEUE_FULL', retryable: true });
  expect(result.content[0].text).toContain(
    '128 questions to the clients of this endpoint are open',
  );
});

test('what a server asks for a call that its client has left is not asked of another client', async () => {
  const { url, send, file, received } = await houseOf('http');
  const after = file('after');
  const response = new AbortController();
  const left = post(url, {
    method: 'tools/call',
    params: call('deaf', { rounds: [[form('secret')]], after }),
    meta: { [CAPABILITIES]: ABLE },
    headers: { authorization: `Bearer ${TOKENS[0]}` },
    signal: response.signal,
  });
  await until(() => received('"name":"deaf"').length === 1, { what: 'the call' });
  const quit = file('quit');
  const held = send('tools/call', call('hold', { quit }), { token: TOKENS[1] });
  await until(() => received('"name":"hold"').length === 1, { what: 'the other one’s call' });
  response.abort();
  await expect(left).rejects.toThrow(/abort/);
  await until(() => received('notifications/cancelled').length === 1, { what: 'its end' });
  writeFileSync(after, '');
  const refusals = () => received('"id":"secret","error"');
  await until(() => refusals().length === 1, { what: 'the refusal' });
  writeFileSync(quit, '');
  expect((await held).result.content[0].text).toBe('held');
  expect(refusals()[0]).toContain('not clear');
});

test('a call that its client has left is in the way of another client’s questions until its server answers it', async () => {
  const { url, send, file, received } = await houseOf('http');
  const quit = file('quit');
  const response = new AbortController();
  const left = post(url, {
    method: 'tools/call',
    params: call('hold', { quit }),
    meta: { [CAPABILITIES]: ABLE },
    headers: { authorization: `Bearer ${TOKENS[0]}` },
    signal: response.signal,
  });
  await until(() => received('"name":"hold"').length === 1, { what: 'the call' });
  response.abort();
  await expect(left).rejects.toThrow(/abort/);
  await until(() => received('notifications/cancelled').length === 1, { what: 'its end' });
  const asks = () =>
    send('tools/call', call('ask', { rounds: [[form('name')]] }), { token: TOKENS[1] });
  expect(said(await asks()).name.error.message).toContain('not clear');
  writeFileSync(quit, '');
  const first = await until(
    async () => {
      const answer = await asks();
      return answer.result.resultType === 'input_required' && answer;
    },
    { what: 'a question after the late answer' },
  );
  expect(asked(first)).toEqual(['name']);
});

test.each([
  ['session', ['name']],
  ['shared', ['done']],
] as const)(
  'with instances: %s, a parked call of one token and a question for another',
  async (instances, outcome) => {
    const { send } = await houseOf('http', { options: { instances } });
    const params = call('ask', { rounds: [[form('name')]] });
    expect(asked(await send('tools/call', params))).toEqual(['name']);
    const other = await send('tools/call', params, { token: TOKENS[1] });
    const isAsked = other.result.resultType === 'input_required';
    expect(isAsked ? asked(other) : ['done']).toEqual(outcome);
    if (!isAsked) expect(said(other).name.error.message).toContain('not clear');
  },
);
