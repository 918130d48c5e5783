import { readFileSync } from 'node:fs';
import { type Endpoint, wrap } from 'comlink';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SupervisorControl } from '#src/shared/protocol/threads.ts';
import { sourcesOf } from '../support/loaded-sources.ts';
import { SupervisorThread, serverConfig, textOf } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let thread: SupervisorThread;
beforeEach(() => {
  thread = new SupervisorThread();
});
afterEach(() => thread.close());

describe('a healthy server', () => {
  test('is ready after its handshake and lists its tools over all pages', async () => {
    const { record } = await thread.ready(serverConfig('many-pages', [3, 4]));
    expect(record).toMatchObject({
      phase: 'ready',
      connection_state: 'ok',
      incarnation: 1,
      restarts: 0,
      last_error: null,
    });
    const tools = await thread.tools();
    expect(tools.map(({ key }) => key)).toEqual(
      Array.from({ length: 12 }, (_, at) => `tool-${at}`),
    );
    const { json, keyAt } = tools[5] ?? { json: new Uint8Array(), keyAt: [0, 0] as const };
    expect(textOf(json.slice(...keyAt))).toBe('"tool-5"');
    expect(JSON.parse(textOf(json))).toMatchObject({ name: 'tool-5' });
    await thread.fact(({ record: told }) => told.tools_count === 12);
    expect(thread.facts).toContainEqual(
      expect.objectContaining({ type: 'catalog', server: 'many-pages' }),
    );
    expect(thread.life).toEqual(['starting', 'spawned', 'ready', 'health_changed']);
  });

  test('whose cursors run in a circle is listed once', async () => {
    await thread.ready(serverConfig('many-pages', [3, 4, '--loop']));
    const tools = await thread.tools();
    expect(tools).toHaveLength(12);
    expect(thread.all('log').at(-1)?.message).toContain('a cursor came twice');
  });

  test('that changes its tools is listed again', async () => {
    await thread.ready(serverConfig('list-changes'));
    await thread.tools();
    await thread.text(thread.callTool('add-tool', { name: 'one' }));
    await thread.text(thread.callTool('add-tool', { name: 'two' }));
    await until(() => thread.all('catalog').at(-1)?.entries.length === 4, {
      what: 'a list with both new tools',
    });
    expect(thread.all('notification')).toEqual([]);
  });

  test('has its answers passed on byte for byte', async () => {
    await thread.ready(serverConfig('echo'));
    const call = thread.callTool('big-integers');
    const answer = await thread.outcome(call);
    if (answer.type !== 'answer') throw new Error(answer.message);
    expect(textOf(answer.line)).toBe(
      `{"result":{"content":[{"type":"text","text":"9007199254740993"}],"structuredContent":{"a":9007199254740993,"b":-18446744073709551616,"c":1.10,"d":1E400,"e":"\\u00e9\\/"}},"jsonrpc":"2.0","id":${call}}`,
    );
    expect(textOf(answer.line.slice(...answer.id))).toBe(String(call));
    expect(answer).toMatchObject({ incarnation: 1, isError: false });

    const failed = await thread.outcome(thread.callTool('error'));
    expect(failed).toMatchObject({ type: 'answer', isError: true });
    expect(await thread.text(thread.callTool('pid'))).toBe(String(thread.pid));
    expect(thread.life).not.toContain('child_died_unexpectedly');
  });

  test('tells progress before the answer, and its log messages', async () => {
    await thread.ready(serverConfig('echo'));
    const call = thread.callTool('progress', { steps: 3 });
    expect(await thread.text(call)).toBe('3 steps');
    const seen = thread.messages
      .filter((message) => 'call' in message && message.call === call)
      .map(({ type }) => type);
    expect(seen).toEqual(['progress', 'progress', 'progress', 'answer']);
    const { line, token } = await thread.message('progress');
    expect(textOf(line.slice(...token))).toBe(String(call));

    await thread.text(thread.callTool('log', { text: 'hello' }));
    const { level, line: said } = await thread.message('notification');
    expect(level).toBe('info');
    expect(JSON.parse(textOf(said))).toMatchObject({
      method: 'notifications/message',
      params: { data: 'hello' },
    });
  });

  test('keeps its log level over a restart', async () => {
    await thread.ready(serverConfig('echo'));
    thread.post({ type: 'log_level', slot: 0, level: 'debug' });
    expect(await thread.text(thread.callTool('log-level'))).toBe('debug');
    process.kill(thread.pid, 'SIGKILL');
    await thread.event('ready', 2);
    expect(await thread.text(thread.callTool('log-level'))).toBe('debug');
  });

  test('is told of a cancelled call, whose late answer goes nowhere', async () => {
    const journal = `${thread.dir}/journal`;
    await thread.ready(serverConfig('late-answer', ['--journal', journal]));
    const late = thread.callTool('late', { ms: 2000 });
    const written = () => readFileSync(journal, 'utf8').includes(`"id":${late},`);
    await until(written, { what: 'the call to have reached the server' });
    thread.post({ type: 'cancel', slot: 0, call: late, reason: 'not wanted' });
    const after = thread.callTool('late', { ms: 2500 });
    expect(await thread.text(after)).toBe('better late than never');
    expect(thread.outcomes(late)).toEqual([]);
    expect(readFileSync(journal, 'utf8')).toContain(
      `"method":"notifications/cancelled","params":{"requestId":${late},"reason":"not wanted"}`,
    );
  });

  test('is forgotten where more than 1024 are that nobody waits for any more', async () => {
    await thread.ready(serverConfig('late-answer'));
    const calls = Array.from({ length: 1027 }, () => thread.callTool('hold'));
    // Answered after all of them were read.
    expect(await thread.text(thread.callTool('echo', { text: 'read' }))).toBe('read');
    for (const call of calls) thread.post({ type: 'cancel', slot: 0, call, reason: 'not wanted' });
    expect(await thread.text(thread.callTool('release'))).toBe('released');
    await thread.stop();
    const dropped = () => thread.all('log').filter(({ fields }) => 'stray' in fields);
    await until(() => dropped().length > 0, { what: 'the count of answers' });
    expect(dropped().map(({ fields }) => fields['stray'])).toEqual([3]);
  });

  test('that never had a ready process refuses calls as not sent', async () => {
    thread.open(serverConfig('hang-at-initialize'));
    await thread.event('spawned');
    expect(await thread.outcome(thread.callTool('any'))).toMatchObject({
      type: 'call_failed',
      code: null,
      outcome: 'not_sent',
    });
  });
});

describe('a server', () => {
  test('without tools is asked for them once, and has an empty list', async () => {
    const journal = `${thread.dir}/journal`;
    await thread.ready(serverConfig('no-tools', ['--journal', journal]));
    expect(await thread.tools()).toEqual([]);
    await thread.stop();
    expect(readFileSync(journal, 'utf8').split('"tools/list"')).toHaveLength(2);
    const warnings = thread.all('log').filter(({ level }) => level === 'warn');
    expect(warnings).toEqual([]);
  });

  test('gets an answer to its pings, and what else it asks is for main to decide', async () => {
    await thread.ready(serverConfig('asks-client'));
    const ping = thread.callTool('ask', { method: 'ping' });
    expect(await thread.text(ping)).toBe(`{"jsonrpc":"2.0","id":${ping},"result":{}}`);
    thread.callTool('ask', { method: 'odd/method' });
    const asked = await until(() => thread.all('reverse_request')[0], {
      what: 'the request',
    });
    expect(asked).toMatchObject({ method: 'odd/method', needs: [] });
  });

  test('has what it asks of a client passed on, and the reply brought back', async () => {
    await thread.ready(serverConfig('asks-client'));
    const call = thread.callTool('ask', { method: 'sampling/createMessage' });
    const asked = await until(() => thread.all('reverse_request')[0], {
      what: 'the request',
    });
    expect(asked.method).toBe('sampling/createMessage');
    const id = textOf(asked.line.slice(...asked.id));
    const line = Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"model":"m"}}\n`);
    thread.post({ type: 'line', slot: 0, incarnation: 1, line });
    expect(JSON.parse(await thread.text(call))).toMatchObject({ id: call, result: { model: 'm' } });
  });

  test.each([
    [['--version', '1999-01-01'], 'initialize was answered with protocol version "1999-01-01"'],
    [['--error', 'licence expired'], 'initialize failed: licence expired'],
  ])('that refuses the handshake is not kept (%j)', async (args, detail) => {
    thread.open(serverConfig('refuses-handshake', args));
    const { event, record } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({ reason: 'handshake', signal: 'SIGTERM' });
    expect(record.last_error).toContain(detail);
    expect(thread.life).not.toContain('ready');
  });
});

describe('the thread', () => {
  test('beats, tells its OS id, and loads neither SDK nor zod', async () => {
    await thread.ready(serverConfig('echo'));
    const before = thread.vitals.beats();
    await until(() => thread.vitals.beats() > before, { what: 'a beat' });
    expect(thread.vitals.threadId()).toBeGreaterThan(0);
    const control = wrap<SupervisorControl>(thread.controlPort as unknown as Endpoint);
    const { slots, heapUsedBytes } = await control.inspect();
    expect(slots).toEqual(['echo']);
    expect(heapUsedBytes).toBeGreaterThan(0);
    const modules = sourcesOf(await control.modules());
    expect(modules.join('\n')).toMatch(/supervisor\/process\/child\.[jt]s/);
    expect(modules.join('\n')).toMatch(/comlink/);
    expect(modules.join('\n')).not.toMatch(/modelcontextprotocol|zod|pino|commander|yaml/);
  });

  test('tells every record again on a new facts port', async () => {
    await thread.ready(serverConfig('echo'));
    await thread.fact(({ record }) => record.tools_count !== null);
    thread.facts.length = 0;
    thread.replaceFactsPort();
    const { record } = await thread.fact(() => true);
    expect(record).toMatchObject({ phase: 'ready', pid: thread.pid, pgid: thread.pid });
    await until(() => thread.facts.some(({ type }) => type === 'catalog'), {
      what: 'the catalogue again',
    });
  });

  test('asks for a ticket before each start and hands it back when the server is ready', async () => {
    thread.granting = false;
    thread.open(serverConfig('echo'));
    await thread.message('ticket_wanted');
    expect(thread.life).toEqual(['starting']);
    thread.grant();
    await thread.event('ready');
    const tickets = thread.messages.filter(({ type }) => type.startsWith('ticket'));
    expect(tickets.map(({ type }) => type)).toEqual(['ticket_wanted', 'ticket_returned']);
  });
});
