/**
 * Clients of revision 2026-07-28, very many of whose requests look alike: answers, progress, log messages, questions and
 * streams of changes each find their own, and gateways that are only asked what they are disturb no other.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { urlOf } from '../support/http-door.ts';
import { ABLE, asked, back, CAPABILITIES, form, said, yes } from '../support/parked-house.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, type Registry, registry } from '../support/servers.ts';
import {
  ask,
  begin,
  CLAIM,
  LEVEL,
  messagesOf,
  type Sent,
  SUBSCRIPTION,
} from '../support/sessionless.ts';
import { SOAKS, soak } from '../support/soak.ts';
import { killOne, tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: SOAKS ? 3_600_000 : 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const CLIENTS = 8;
const PRINCIPALS = 4;

/** A gateway that knows this many clients, and what each of them sends with every request. */
async function house(config: Registry, count: number) {
  const cwd = makeDirectory();
  const tokens = Array.from({ length: count }, (_, at) => `token-of-client-number-${at}`);
  writeFileSync(join(cwd, 'tokens'), `${tokens.join('\n')}\n`, { mode: 0o600 });
  const rea = await startRea({
    cwd,
    args: ['--http', '127.0.0.1:0', '--token-file', join(cwd, 'tokens')],
    initialize: false,
    config,
  });
  for (const { name } of config.servers) await rea.waitForPhase(name, 'ready');
  const url = await urlOf(rea);
  const headers = tokens.map((token) => ({ authorization: `Bearer ${token}` }));
  return { rea, url, headers };
}

const call = (name: string, args: object, more: Partial<Sent>): Sent => ({
  method: 'tools/call',
  params: { name, arguments: args },
  ...more,
});

test('of calls by the ten thousand that all have the same ids, nothing comes to another one', async () => {
  const { url, headers } = await house(registry({ echo: fixture('echo') }), CLIENTS);
  // Three calls each.
  const rounds = Math.ceil(soak(10_000) / CLIENTS / 3);
  const visits = headers.map(async (own, client) => {
    for (let id = 1; id <= rounds; id += 1) {
      const text = `${client}/${id}`;
      const meta = { progressToken: id, [LEVEL]: 'info' };
      const [echo, steps, log] = await Promise.all([
        ask(url, call('echo__echo', { text }, { id, headers: own })),
        ask(url, call('echo__progress', { steps: 2 }, { id, headers: own, meta })),
        ask(url, call('echo__log', { text }, { id, headers: own, meta: { [LEVEL]: 'info' } })),
      ]);
      expect(echo.messages).toMatchObject([{ id, result: { content: [{ text }] } }]);
      expect(steps.answer).toMatchObject({ id, result: { content: [{ text: '2 steps' }] } });
      for (const { method, params } of steps.messages.slice(0, -1)) {
        expect([method, params.progressToken]).toEqual(['notifications/progress', id]);
      }
      expect(log.answer.id).toBe(id);
      for (const { params } of log.messages.slice(0, -1)) expect(params.data).toBe(text);
    }
  });
  await Promise.all(visits);
});

test('questions by the thousand that are parked and answered come to the client whose they are, and no replay delivers', async () => {
  const servers = Array.from({ length: PRINCIPALS }, (_, at) => `s${at}`);
  const journal = (name: string) => join(dir, name);
  const dir = makeDirectory();
  const { url, headers } = await house(
    registry(
      Object.fromEntries(
        servers.map((name) => [name, fixture('asks-in-rounds', '--journal', journal(name))]),
      ),
    ),
    PRINCIPALS,
  );
  const meta = { [CAPABILITIES]: ABLE };
  const questions = Math.ceil(soak(1000) / PRINCIPALS);
  const replays = { sent: 0, refused: 0 };
  const visits = headers.map(async (own, client) => {
    const other = headers[(client + 1) % PRINCIPALS] ?? own;
    for (let turn = 0; turn < questions; turn += 1) {
      const mark = `${client}/${turn}`;
      const params = { name: `s${client}__ask`, arguments: { rounds: [[form('who', mark)]] } };
      const send = (more: object, by: Record<string, string>) =>
        ask(url, { method: 'tools/call', params: { ...params, ...more }, meta, headers: by });
      const { answer: first } = await send({}, own);
      expect(first.result.inputRequests.who.params.message).toBe(`[s${client}] ${mark}`);
      const retry = back(first, { who: yes({ mark }) });
      const isReplayed = turn % 10 === 0;
      if (isReplayed) expect((await send(retry, other)).answer.error?.code).toBe(-32602);
      const { answer: last } = await send(retry, own);
      expect(said(last)).toEqual({ who: yes({ mark }) });
      if (!isReplayed) continue;
      replays.sent += 1;
      if ((await send(retry, own)).answer.error?.code === -32602) replays.refused += 1;
    }
  });
  await Promise.all(visits);
  expect(replays.refused).toBe(replays.sent);
  for (const name of servers) {
    const lines = readFileSync(journal(name), 'utf8').split('\n');
    expect(lines.filter((line) => line.includes('"action":"accept"'))).toHaveLength(questions);
    expect(lines.filter((line) => line.includes('"method":"tools/call"'))).toHaveLength(questions);
  }
});

test('of streams of changes by the hundred each is acknowledged first, hears of a change, and goes on after its server has died', async () => {
  // 64 may be open for one client.
  const batches = soak(160) / 16;
  const config = registry({ changes: fixture('list-changes', '--prompts') });
  const { rea, url, headers } = await house(config, CLIENTS);
  const open = async (own: Record<string, string>, id: number) => {
    const leaves = new AbortController();
    const response = await begin(url, {
      id,
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true } },
      headers: own,
      signal: leaves.signal,
    });
    const messages = messagesOf(response);
    const { value: first } = await messages.next();
    expect(first).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { _meta: { [SUBSCRIPTION]: id } },
    });
    const hears = async () => {
      const { value } = await messages.next();
      expect(value).toMatchObject({
        method: 'notifications/tools/list_changed',
        params: { _meta: { [SUBSCRIPTION]: id } },
      });
    };
    return { hears, messages, leave: () => leaves.abort() };
  };
  for (let batch = 0; batch < batches; batch += 1) {
    const isLast = batch === batches - 1;
    const streams = await Promise.all(
      headers.flatMap((own) => Array.from({ length: 2 }, (_, id) => open(own, id))),
    );
    const change = { name: 'changes__add-tool', arguments: { name: `new${batch}` } };
    await ask(url, { method: 'tools/call', params: change, headers: headers[0]! });
    await Promise.all(streams.map(({ hears }) => hears()));
    if (!isLast) {
      for (const { leave } of streams) leave();
      continue;
    }
    // It forgets its new tools.
    const { pid } = await rea.waitForPhase('changes', 'ready');
    expect(killOne(pid ?? 0)).toBe(true);
    await Promise.all(streams.map(({ hears }) => hears()));
    rea.kill('SIGTERM');
    const ends = await Promise.all(streams.map(({ messages }) => lastOf(messages)));
    for (const end of ends) expect(end).toMatchObject({ result: { resultType: 'complete' } });
    expect(await rea.exited).toEqual({ code: 0, signal: null });
  }
});

async function lastOf<T>(all: AsyncIterable<T>): Promise<T | null> {
  let last: T | null = null;
  for await (const one of all) last = one;
  return last;
}

test('gateways that are only asked what they are start no server and leave the first one as it is', async () => {
  const journal = join(makeDirectory(), 'journal');
  const config = registry({ echo: fixture('echo', '--journal', journal) });
  const first = await startRea({ config, initialize: false });
  const asks = (rea: Rea, method: string) => rea.request(method, { _meta: CLAIM });
  await asks(first, 'tools/list');
  await first.waitForPhase('echo', 'ready');
  const starts = () => readFileSync(journal, 'utf8').split('"started"').length - 1;
  expect(starts()).toBe(1);
  const probes = soak(20);
  for (let probe = 0; probe < probes; probe += 1) {
    const second = await startRea({ cwd: first.dir, config, initialize: false });
    const { message } = await asks(second, 'server/discover');
    expect(message.result.supportedVersions).toEqual(['2026-07-28']);
    second.endInput();
    expect(await second.exited).toEqual({ code: 0, signal: null });
    expect(first.state()?.downstreams[0]).toMatchObject({ phase: 'ready', restarts: 0 });
  }
  expect(starts()).toBe(1);
  expect(existsSync(join(first.dir, '.rea', 'serve.state.json'))).toBe(true);
  const { message } = await asks(first, 'tools/list');
  expect(message.result.tools.length).toBeGreaterThan(1);
});

/** The time that a client has to come back, but for what the way takes. */
const ALMOST_MS = 295_000;

test.runIf(SOAKS)(
  'a client that comes back after five minutes finds its call, though the server would have been stopped long before',
  async () => {
    const config = registry(
      Object.fromEntries(
        ['s0', 's1', 's2'].map((name) => [
          name,
          { ...fixture('asks-in-rounds'), idle_stop_ms: 1000 },
        ]),
      ),
    );
    const { rea, url, headers } = await house(config, 2);
    const send = async (name: string, more: object) => {
      const params = { name: `${name}__ask`, arguments: { rounds: [[form('who')]] }, ...more };
      const meta = { [CAPABILITIES]: ABLE };
      return (await ask(url, { method: 'tools/call', params, meta, headers: headers[0]! })).answer;
    };
    const visits = config.servers.map(async ({ name }) => {
      const first = await send(name, {});
      expect(asked(first)).toEqual(['who']);
      const { pid } = await rea.waitForPhase(name, 'ready');
      await new Promise((resolve) => {
        setTimeout(resolve, ALMOST_MS);
      });
      expect(rea.state()?.downstreams.find((one) => one.name === name)?.pid).toBe(pid);
      expect(said(await send(name, back(first, { who: yes() })))).toEqual({ who: yes() });
    });
    await Promise.all(visits);
  },
);
