/** `rea serve --shared`: sessions of one directory share a gateway and its servers. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { servePage } from '../support/page.ts';
import { processesOf } from '../support/processes.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, type ReaOptions, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { CLAIM, VERSION } from '../support/sessionless.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const HOUSE = registry(
  { echo: { ...fixture('echo'), env_passthrough: ['FAVOURITE'] } },
  { idle_exit_ms: 1000 },
);

function session(cwd: string, options: ReaOptions = {}): Promise<Rea> {
  return startRea({ cwd, args: ['--shared'], ...options });
}

const textOf = async (rea: Rea, tool: string, args: object = {}) =>
  (await rea.call(`echo__${tool}`, args)).text;

/** The gateway's process, as its state file says it. */
const gatewayOf = (rea: Rea) =>
  until(() => rea.state()?.owner_pid ?? null, { what: 'the gateway of the session' });

test('sessions that begin at once share one gateway and one process of each server', async () => {
  const cwd = makeDirectory();
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, at) => session(cwd, at === 0 ? { config: HOUSE } : {})),
  );
  const pids = await Promise.all(all.map((rea) => textOf(rea, 'pid')));
  expect(new Set(pids).size).toBe(1);
  const isServer = (line: string) => line.includes('echo.mjs');
  const running = processesOf(cwd).map(({ command: line }) => line);
  expect(running.filter((line) => line.includes('--detached'))).toHaveLength(1);
  expect(running.filter(isServer)).toHaveLength(1);
});

test('the gateway ends without clients, whoever looks at its page', async () => {
  const rea = await session(makeDirectory(), { config: HOUSE });
  await textOf(rea, 'pid');
  const page = await servePage(rea);
  expect((await page.look()).state.gateways).toHaveLength(1);
  await rea.stop();
  const isGone = () =>
    page.look().then(
      () => false,
      (error: Error) => error.message.includes('ECONNREFUSED'),
    );
  await until(isGone, { what: 'the end of the gateway' });
});

test('a client without a session shares them, too, and starts neither gateway nor server by asking what is there', async () => {
  const cwd = makeDirectory();
  const config = registry(
    { echo: fixture('echo'), offers: fixture('offers') },
    { idle_exit_ms: 600_000 },
  );
  const now = await session(cwd, { config, initialize: false });
  const ask = (rea: Rea, method: string, params: object = {}) =>
    rea.request(method, { ...params, _meta: CLAIM });
  const asked = (method: string, params?: object) => ask(now, method, params);
  expect((await asked('server/discover')).message.result).toMatchObject({
    resultType: 'complete',
    supportedVersions: [VERSION],
  });
  const isStarted = () =>
    processesOf(cwd).some(({ command }) => /echo\.mjs|--detached/.test(command));
  expect(isStarted()).toBe(false);
  expect(existsSync(join(cwd, '.rea', 'serve.state.json'))).toBe(false);
  const pid = await asked('tools/call', { name: 'echo__pid', arguments: {} });
  expect(pid.message.result.resultType).toBe('complete');
  const then = await session(cwd);
  expect(await textOf(then, 'pid')).toBe(pid.text);
  const known = await until(
    async () => {
      const { result } = (await asked('server/discover')).message;
      return String(result.instructions).includes('How to use') && result;
    },
    { what: 'the instructions of the server' },
  );
  await then.stop();
  await now.stop();
  expect((await runRea(['stop', '--cwd', cwd])).code).toBe(0);
  await until(() => !isStarted(), { what: 'the end of the gateway' });
  // From the last run, the instructions too, which are pinned.
  const later = await session(cwd, { initialize: false });
  expect((await ask(later, 'server/discover')).message.result).toEqual(known);
  expect(isStarted()).toBe(false);
});

test('the gateway ends after its last client, whose calls are answered after the end of its input, and leaves nothing', async () => {
  const cwd = makeDirectory();
  const one = await session(cwd, { config: HOUSE });
  const other = await session(cwd);
  expect(await one.stop()).toEqual({ code: 0, signal: null });
  expect(await textOf(other, 'echo', { text: 'still here' })).toBe('still here');
  const gateway = await gatewayOf(other);
  const call = other.begin('echo__sleep', { ms: 300 });
  other.endInput();
  expect((await call.answer).text).toBe('slept 300 ms');
  expect(await other.exited).toEqual({ code: 0, signal: null });
  await until(() => processesOf(cwd).length === 0, { what: 'the end of gateway and server' });
  expect(gateway).not.toBe(other.pid);
  expect(readdirSync(join(cwd, '.rea', 'run'))).toEqual(['last.json']);
});

test('for a while after its last client the gateway waits for the next one, and after rea stop a session starts it again when it needs it, not before', async () => {
  const cwd = makeDirectory();
  const one = await session(cwd, {
    config: registry({ echo: fixture('echo') }, { idle_exit_ms: 600_000 }),
  });
  const before = await textOf(one, 'pid');
  const gateway = await gatewayOf(one);
  expect(await one.stop()).toEqual({ code: 0, signal: null });
  const next = await session(cwd);
  expect(await textOf(next, 'pid')).toBe(before);
  expect(await gatewayOf(next)).toBe(gateway);

  expect((await runRea(['stop', '--cwd', cwd])).code).toBe(0);
  await until(() => processesOf(cwd).every(({ pid }) => pid === next.pid), {
    what: 'a session alone',
  });
  // It lives, and asks for nothing: nothing has come in the place of the gateway.
  expect(processesOf(cwd).map(({ pid }) => pid)).toEqual([next.pid]);
  expect(await textOf(next, 'pid')).not.toBe(before);
  expect((await runRea(['stop', '--cwd', cwd])).code).toBe(0);
});

test('when the gateway is killed, what it worked on is unknown, and the session goes on', async () => {
  const cwd = makeDirectory();
  const [one, other] = [await session(cwd, { config: HOUSE }), await session(cwd)];
  const before = await textOf(other, 'pid');
  const files = ['effect', 'effect-of-other'];
  // Of both: a session that has not noticed yet would hand its next call to the gateway that is gone.
  const calls = [one, other].map((rea, at) =>
    rea.begin('echo__side-effect', { file: join(cwd, files[at] ?? ''), ms: 600_000 }),
  );
  await until(() => files.every((file) => existsSync(join(cwd, file))), { what: 'the effects' });
  killOne(await gatewayOf(one));
  for (const { answer } of calls) {
    expect((await answer).failure).toMatchObject({
      code: 'ERR_OUTCOME_UNKNOWN',
      outcome: 'unknown',
      retryable: false,
    });
  }
  const after = await Promise.all([textOf(one, 'pid'), textOf(other, 'pid')]);
  expect(new Set(after).size).toBe(1);
  expect(after[0]).not.toBe(before);
});

test('sessions with other values of a variable that a server gets share no process with it', async () => {
  const cwd = makeDirectory();
  const blue = await session(cwd, { config: HOUSE, env: { FAVOURITE: 'blue-blue-blue' } });
  const red = await session(cwd, { env: { FAVOURITE: 'red-red-red' } });
  const none = await session(cwd, { env: { ANOTHER: 'value' } });
  const again = await session(cwd, { env: { FAVOURITE: 'red-red-red' } });
  const pids = await Promise.all([blue, red, none, again].map((rea) => textOf(rea, 'pid')));
  expect(new Set(pids).size).toBe(3);
  expect(pids[3]).toBe(pids[1]);
  await red.waitForLog('has other values of FAVOURITE, so this session gets servers of its own');
  expect(blue.stderr).toBe('');
  expect(red.stderr + none.stderr + again.stderr).not.toMatch(/blue-blue|red-red/);
});

test('a server’s question reaches the session whose call it was, and nobody else', async () => {
  const cwd = makeDirectory();
  const config = registry({ asks: fixture('asks-client') }, { idle_exit_ms: 1000 });
  const capabilities = { elicitation: {} };
  const open = async (options: ReaOptions) => {
    const rea = await session(cwd, { ...options, initialize: false });
    const asked: number[] = [];
    rea.wire.onForeign = ({ id, method }) => {
      if (method !== 'elicitation/create') return;
      asked.push(Number(id));
      rea.wire.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: { answer: 1 } } });
    };
    await rea.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities,
      clientInfo: { name: 'test', version: '1' },
    });
    rea.wire.notify('notifications/initialized');
    return { rea, asked };
  };
  const [one, other] = [await open({ config }), await open({})];
  await other.rea.tools();
  const { failure } = await one.rea.call('asks__ask', { method: 'elicitation/create' });
  expect(failure).toBeNull();
  expect([one.asked.length, other.asked.length]).toEqual([1, 0]);
});

test('what keeps the gateway from starting is said in one line, and asked requests are answered', async () => {
  const cwd = makeDirectory();
  const rea = await session(cwd, { config: 'version: "1"\nservers: 7\n', initialize: false });
  const { message } = await rea.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  });
  expect(message.error?.message).toContain('registry.yaml:2');
  expect(await rea.exited).toEqual({ code: 1, signal: null });
  expect(rea.stderr.trim().split('\n')).toHaveLength(1);
  expect(rea.stderr).toContain('registry.yaml:2');
});

test('a server is told what its first client can do, and at a restart what all that are there can', async () => {
  const cwd = makeDirectory();
  const config = registry({ told: fixture('told-capabilities') }, { idle_exit_ms: 1000 });
  const open = async (capabilities: object, options: ReaOptions = {}) => {
    const rea = await session(cwd, { ...options, initialize: false });
    const clientInfo = { name: 'test', version: '1' };
    await rea.request('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo });
    rea.wire.notify('notifications/initialized');
    await rea.tools();
    return rea;
  };
  const told = async (rea: Rea) => JSON.parse((await rea.call('told__capabilities')).text);
  const one = await open({ sampling: {} }, { config });
  expect(await told(one)).toEqual({ sampling: {} });
  await open({ elicitation: { form: {} } });
  expect(await told(one)).toEqual({ sampling: {} });
  expect((await runRea(['restart', 'told', '--cwd', cwd])).code).toBe(0);
  expect(await told(one)).toEqual({ sampling: {}, elicitation: { form: {} } });
});

test('a gateway of one client says that another one serves the directory, and how to share', async () => {
  const cwd = makeDirectory();
  const first = await startRea({ cwd, config: HOUSE });
  // Who is asked first need not be who owns the file first.
  await first.waitForState(() => true, { what: 'its ownership' });
  expect(first.stderr).not.toContain('--shared');
  const second = await startRea({ cwd });
  await second.waitForLog(`served by process ${first.pid}, too`);
  expect(second.stderr).toContain('rea serve --shared');
});
