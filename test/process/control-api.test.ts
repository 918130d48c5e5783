/** The API of the control socket, as a page or a script of the user uses it. */
import { existsSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { isAlive } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { hold } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

/** A gateway, and how it is asked. */
async function reached(servers: Parameters<typeof registry>[0]) {
  const stateDir = join(makeDirectory(), 'state');
  const rea = await startRea({ config: registry(servers), args: ['--state-dir', stateDir] });
  await Promise.all(Object.keys(servers).map((name) => rea.waitForPhase(name, 'ready')));
  const session = rea.state()?.session_id ?? '';
  const socketPath = join(stateDir, 'run', `${session}.sock`);
  await until(() => existsSync(socketPath), { what: 'the control socket' });
  const authorization = `Bearer ${readFileSync(join(stateDir, 'token'), 'utf8').trim()}`;
  const open = (method: string, path: string, body?: object) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const options = { socketPath, method, path: `/api/v1/${path}`, agent: false };
      const asked = request({ ...options, headers: { authorization } }, resolve);
      asked.once('error', reject).end(text);
    });
  const ask = async (method: string, path: string, body?: object) => {
    const response = await open(method, path, body);
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    const lines = text.trim().split('\n');
    return { status: response.statusCode, last: JSON.parse(lines.at(-1) ?? ''), lines };
  };
  /** A request of MCP. */
  const mcp = (method: string, message: object | null, session: string | null) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        authorization,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...(session === null ? {} : { 'mcp-session-id': session }),
      };
      const asked = request({ socketPath, method, path: '/mcp', agent: false, headers }, resolve);
      asked.once('error', reject);
      asked.end(message === null ? undefined : JSON.stringify({ jsonrpc: '2.0', ...message }));
    });
  return { rea, open, ask, mcp };
}

/** What a stream of events has said so far. */
function heard(response: IncomingMessage): { text: string } {
  const said = { text: '' };
  response.setEncoding('utf8').on('data', (part: string) => {
    said.text += part;
  });
  return said;
}

test.concurrent('servers, calls and tools are told as they are', async () => {
  const { rea, ask } = await reached({ one: fixture('echo'), two: fixture('echo') });
  await rea.tools();
  const inFlight = await hold(rea, 'one');
  const { last: calls } = await ask('GET', 'calls');
  expect(calls.calls).toMatchObject([
    { server: 'one', method: 'tools/call', name: 'hold', client: 'rea-test 1.0.0', waits: false },
  ]);
  const { last: one } = await ask('GET', 'servers/one');
  expect(one).toMatchObject({
    name: 'one',
    state: 'on',
    leaving: 0,
    lanes: [{ name: 'one', phase: 'ready', in_flight: 1, circuit: 'closed', why: null }],
  });
  expect((await ask('GET', 'servers')).last.servers).toHaveLength(2);
  const { last: status } = await ask('GET', 'status');
  expect(status).toMatchObject({ pid: rea.pid, sessions: 1, halt: { active: false } });
  const { last: tools } = await ask('GET', 'tools');
  expect(tools.tools).toHaveLength(tools.places.length + 1);
  expect(tools.places).toContainEqual(['two__pid', 'two', '"pid"']);
  expect(await ask('GET', 'servers/on')).toMatchObject({
    status: 404,
    last: { error: 'there is no server "on"; did you mean "one"?', names: ['one', 'two'] },
  });
  expect((await ask('POST', 'servers/three/disable')).status).toBe(404);
  await inFlight.end();
  await rea.stop();
});

test.concurrent('whoever watches hears of every change, and gets the lines of the log', async () => {
  const { rea, open, ask } = await reached({ one: fixture('echo'), two: fixture('echo') });
  const streams = await Promise.all([open('GET', 'events'), open('GET', 'logs/two')]);
  const [events, log] = streams.map(heard);
  await until(() => events?.text.includes('"server":"two"'), { what: 'how it is' });
  const old = Number((await rea.call('one__pid')).text);
  const restarted = await ask('POST', 'servers/one/restart');
  expect(restarted.last).toEqual({ done: { ok: true, text: 'ready' } });
  const pid = Number((await rea.call('one__pid')).text);
  expect([isAlive(old), pid === old]).toEqual([false, false]);
  await until(() => events?.text.includes(`"phase":"ready","pid":${pid}`), { what: 'the event' });
  await rea.call('one__stderr', { text: 'of one' });
  await rea.call('two__stderr', { text: 'of two' });
  await until(() => log?.text.includes('of two'), { what: 'the line' });
  expect(log?.text).not.toContain('of one');
  // A stream holds up no stop.
  const ended = streams.map((stream) => new Promise((resolve) => stream.once('close', resolve)));
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  await Promise.all(ended);
});

test.concurrent('what takes long is said again and again, so that whoever waits sees that the gateway lives', async () => {
  const { rea, open } = await reached({ one: fixture('echo') });
  const inFlight = await hold(rea, 'one');
  const said = heard(await open('POST', 'servers/one/restart'));
  const going = '{"going":"1 call in flight ends first"}\n';
  await until(() => said.text.split(going).length > 4, { what: 'four signs of life' });
  await inFlight.end();
  await until(() => said.text.includes('"done"'), { what: 'the end' });
  expect(said.text).toContain('{"done":{"ok":true,"text":"ready"}}\n');
  await rea.stop();
});

test.concurrent('freeze and unfreeze hold when they are answered; enable and disable edit the file', async () => {
  const { rea, ask } = await reached({ one: fixture('echo') });
  await rea.tools();
  expect(await ask('POST', 'freeze', {})).toMatchObject({ status: 400 });
  expect((await ask('POST', 'freeze', { reason: 'a test' })).last.done).toEqual({
    ok: true,
    text: 'frozen',
  });
  expect((await rea.call('one__pid')).failure).toMatchObject({ code: 'ERR_HALTED' });
  expect((await ask('POST', 'unfreeze')).last.done).toEqual({ ok: true, text: 'unfrozen' });
  expect((await rea.call('one__pid')).failure).toBeNull();
  expect((await ask('POST', 'servers/one/disable')).last.done).toEqual({ ok: true, text: 'off' });
  expect((await ask('GET', 'servers/one')).last).toMatchObject({ state: 'off', lanes: [] });
  expect((await ask('POST', 'servers/one/enable')).last.done).toEqual({ ok: true, text: 'ready' });
  const reloaded = { ok: true, text: 'the configuration is in force' };
  expect((await ask('POST', 'reload')).last.done).toEqual(reloaded);
  expect((await ask('POST', 'stop')).status).toBe(202);
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});

test.concurrent('a stop waits for calls in flight, and answers commands meanwhile', async () => {
  const { rea, ask } = await reached({ one: fixture('echo') });
  const inFlight = await hold(rea, 'one');
  await ask('POST', 'stop');
  expect(await ask('POST', 'servers/one/restart')).toMatchObject({ status: 503 });
  expect((await ask('GET', 'status')).last).toMatchObject({ stopping: true });
  await inFlight.end();
  expect(await (rea as Rea).exited).toEqual({ code: 0, signal: null });
});

test.concurrent('a client that speaks MCP over it hears of changes, and holds up no stop', async () => {
  const { rea, mcp } = await reached({ one: fixture('echo') });
  await rea.tools();
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'over the socket', version: '1' },
  };
  const opened = await mcp('POST', { id: 1, method: 'initialize', params }, null);
  const session = String(opened.headers['mcp-session-id']);
  opened.resume();
  (await mcp('POST', { method: 'notifications/initialized' }, session)).resume();
  const stream = heard(await mcp('GET', null, session));
  await rea.waitForState(({ clients }) => clients.some(({ name }) => name === 'over the socket'), {
    what: 'the client',
  });
  await rea.call('one__log', { text: 'to everybody' });
  await until(() => stream.text.includes('to everybody'), { what: 'a message of the server' });
  // A stream that nobody reads any more, and a call that waits for its answer.
  const held = join(rea.dir, 'never');
  const call = {
    id: 2,
    method: 'tools/call',
    params: { name: 'one__hold', arguments: { file: held } },
  };
  const waiting = heard(await mcp('POST', call, session));
  await until(() => existsSync(`${held}.begun`), { what: 'the call at its server' });
  rea.kill('SIGTERM');
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
  expect(waiting.text).toContain('ERR_OUTCOME_UNKNOWN');
});
