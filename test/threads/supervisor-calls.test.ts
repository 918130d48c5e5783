import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SupervisorThread, serverConfig, textOf } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';

let thread: SupervisorThread;
beforeEach(() => {
  thread = new SupervisorThread();
});
afterEach(async () => {
  expect(await thread.close()).toEqual([]);
  expect(thread.printed).toBe('');
});

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
    const { tools } = await thread.message('catalog');
    expect(tools.map(({ name }) => name)).toEqual(
      Array.from({ length: 12 }, (_, at) => `tool-${at}`),
    );
    const { json, nameAt } = tools[5] ?? { json: new Uint8Array(), nameAt: [0, 0] as const };
    expect(textOf(json.slice(...nameAt))).toBe('"tool-5"');
    expect(JSON.parse(textOf(json))).toMatchObject({ name: 'tool-5' });
    await thread.fact(({ record: told }) => told.tools_count === 12);
    expect(thread.facts).toContainEqual(
      expect.objectContaining({ type: 'catalog', server: 'many-pages' }),
    );
    expect(thread.life).toEqual(['starting', 'spawned', 'ready', 'health_changed']);
  });

  test('whose cursors run in a circle is listed once', async () => {
    await thread.ready(serverConfig('many-pages', [3, 4, '--loop']));
    const { tools } = await thread.message('catalog');
    expect(tools).toHaveLength(12);
    const log = await thread.message('log');
    expect(log.message).toContain('cursor came twice');
  });

  test('that changes its tools is listed again', async () => {
    await thread.ready(serverConfig('list-changes'));
    await thread.message('catalog');
    await thread.text(thread.callTool('add-tool', { name: 'one' }));
    await thread.text(thread.callTool('add-tool', { name: 'two' }));
    await until(() => thread.all('catalog').at(-1)?.tools.length === 4, {
      limitMs: 5000,
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
    const { method, line: said } = await thread.message('notification');
    expect(method).toBe('notifications/message');
    expect(JSON.parse(textOf(said)).params.data).toBe('hello');
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
    const late = thread.callTool('late', { ms: 150 });
    thread.post({ type: 'cancel', slot: 0, call: late, reason: 'not wanted' });
    const after = thread.callTool('late', { ms: 300 });
    expect(await thread.text(after)).toBe('better late than never');
    expect(thread.outcomes(late)).toEqual([]);
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(journal, 'utf8')).toContain(
      `"method":"notifications/cancelled","params":{"requestId":${late},"reason":"not wanted"}`,
    );
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

describe('the thread', () => {
  test('beats, tells its OS id, and loads neither SDK nor zod', async () => {
    await thread.ready(serverConfig('echo'));
    const before = thread.vitals.beats();
    await until(() => thread.vitals.beats() > before, { limitMs: 5000, what: 'a beat' });
    expect(thread.vitals.threadId()).toBeGreaterThan(0);
    const { wrap } = await import('comlink');
    const control = wrap<{ inspect(): { modules: string[]; slots: string[] } }>(
      thread.controlPort as never,
    );
    const { modules, slots } = await control.inspect();
    expect(slots).toEqual(['echo']);
    expect(modules.join('\n')).toMatch(/supervisor\/child\.[jt]s/);
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
      limitMs: 5000,
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
