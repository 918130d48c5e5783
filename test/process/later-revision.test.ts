/**
 * How a server is opened that may speak a revision with a handshake, the one without (2026-07-28), or none that the
 * gateway speaks, and what becomes of answers in a revision that its client does not speak.
 */

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { serve } from '../support/asking-server.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let stopWeb = () => Promise.resolve();

afterEach(async () => {
  await tidy();
  await stopWeb();
  stopWeb = () => Promise.resolve();
});

test('a server is spoken to in a revision that it speaks, or else said to speak none, and is no crash loop', async () => {
  const dir = makeDirectory();
  const journal = (name: string) => join(dir, name);
  const later = (name: string, ...args: string[]) =>
    fixture('speaks-later', ...args, '--journal', journal(name));
  // One failure would open it, if this were one.
  const breaker = { failures: 1, cooldown_ms: 600_000 };
  const old = (name: string) => fixture('wants-handshake', '--journal', journal(name));
  const rea = await startRea({
    config: registry(
      {
        lists: later('lists', '--code', '-32022'),
        unknown: later('unknown', '--code', '-32601'),
        envelope: later('envelope', '--code', '-32602'),
        answers: later('answers', '--version', '2026-07-28'),
        silent: {
          ...fixture('never-answer', '--journal', journal('silent')),
          start_timeout_ms: 5000,
        },
        modern: { ...later('modern'), protocol: 'modern' },
        old: old('old'),
        legacy: { ...old('legacy'), protocol: 'legacy' },
        none: { ...later('none', '--offers', '2999-01-01'), breaker },
        'only-later': {
          ...later('only-later', '--code', '-32601'),
          protocol: 'legacy',
          breaker,
        },
        'only-old': {
          ...fixture('echo', '--journal', journal('only-old')),
          protocol: 'modern',
          breaker,
        },
        refuses: fixture('refuses-handshake', '--error', 'licence expired'),
      },
      { restart: { intensity: 3 } },
    ),
  });
  const revisions = {
    lists: '2026-07-28',
    unknown: '2026-07-28',
    envelope: '2026-07-28',
    answers: '2026-07-28',
    modern: '2026-07-28',
    old: '2025-11-25',
    legacy: '2025-11-25',
  };
  for (const [name, protocol_version] of Object.entries(revisions)) {
    expect(await rea.waitForPhase(name, 'ready')).toMatchObject({ protocol_version, restarts: 0 });
    expect([name, started(journal(name))]).toEqual([name, 1]);
  }
  expect(readFileSync(journal('modern'), 'utf8')).not.toContain('initialize');
  const reasons = {
    none: /^speaks only MCP 2999-01-01; this gateway speaks 2026-07-28, 2025-11-25, .*: use a release/,
    'only-later':
      /^speaks only MCP 2026-07-28, and its protocol is legacy: write protocol: auto into its entry/,
    'only-old':
      /^does not speak 2026-07-28 \(server\/discover failed: Method not found.*\), and its protocol is modern: write protocol: auto/,
  };
  for (const [name, reason] of Object.entries(reasons)) {
    const one = await rea.waitForPhase(name, 'failed');
    expect(one.last_error).toMatch(reason);
    expect(one).toMatchObject({ restarts: 0, circuit_state: 'closed', pid: null });
    expect(one.next_restart_at).not.toBeNull();
  }
  // A server that refuses the handshake for another reason is a crash loop by now.
  const refused = await rea.waitForPhase('refuses', 'failed');
  expect(refused.last_error).toContain('licence expired');
  for (const name of Object.keys(reasons))
    expect([name, started(journal(name))]).toEqual([name, 1]);
  expect((await rea.call('old__hello')).text).toBe('hello');
  const { text } = await rea.status();
  for (const name of ['none', 'only-later']) expect(text).toContain(name);
  expect(text).toContain('speaks only MCP 2999-01-01');
  const { stdout } = await runRea(['status', '--verbose', '--cwd', rea.dir]);
  expect(stdout).toContain('protocol    MCP 2026-07-28');
});

test('over HTTP a server is asked first what it speaks, and a handshake comes after any other answer', async () => {
  const seen: string[] = [];
  const handshake = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: {} };
  const web = createServer((request, response) => {
    void read(request).then((body) => {
      const { id, method, params } = JSON.parse(body === '' ? '{}' : body);
      const place = request.url ?? '';
      seen.push(`${place} ${method ?? request.method}`);
      const reply = (status: number, message: object) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, ...message }));
      };
      const error = (status: number, code: number, data?: object) =>
        reply(status, { error: { code, message: 'no', data } });
      if (request.method !== 'POST') return void response.writeHead(405).end();
      if (method === 'initialize') {
        const refusal = { supported: ['2999-01-01'] };
        return place === '/none' ? error(400, -32022, refusal) : reply(200, { result: handshake });
      }
      if (method !== 'server/discover') return reply(200, { result: {} });
      const version = params._meta['io.modelcontextprotocol/protocolVersion'];
      const { 'mcp-protocol-version': named, 'mcp-method': called } = request.headers;
      if (named !== version || called !== method) seen.push(`${place} with other headers`);
      if (place === '/none') return error(400, -32022, { supported: ['2999-01-01'] });
      if (place === '/broken') return void response.writeHead(500).end('<html>');
      if (place === '/session') return error(400, -32000);
      if (place === '/lost') return error(404, -32001);
      // And /silent is never answered.
    });
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  stopWeb = () =>
    new Promise((resolve) => {
      web.close(() => resolve());
      web.closeAllConnections();
    });
  const { port } = web.address() as AddressInfo;
  const at = (place: string) => ({ url: `http://127.0.0.1:${port}/${place}` });
  const rea = await startRea({
    config: registry({
      broken: at('broken'),
      session: at('session'),
      lost: at('lost'),
      silent: at('silent'),
      legacy: { ...at('legacy'), protocol: 'legacy' },
      none: at('none'),
    }),
  });
  for (const name of ['broken', 'session', 'lost', 'silent', 'legacy']) {
    const { protocol_version, restarts } = await rea.waitForPhase(name, 'ready');
    expect([name, protocol_version, restarts]).toEqual([name, '2025-11-25', 0]);
    const first = seen.filter((line) => line.startsWith(`/${name} `)).slice(0, 2);
    const wanted = ['server/discover', 'initialize', 'notifications/initialized'];
    const begin = name === 'legacy' ? 1 : 0;
    expect(first).toEqual(wanted.slice(begin, begin + 2).map((method) => `/${name} ${method}`));
  }
  expect((await rea.waitForPhase('none', 'failed')).last_error).toMatch(
    /^speaks only MCP 2999-01-01/,
  );
  expect(seen.filter((line) => line === '/none server/discover')).toHaveLength(1);
  expect(seen.filter((line) => line.endsWith('headers'))).toEqual([]);
});

test('an answer that no client could understand costs one call, and nothing else', async () => {
  const rea = await startRea({
    initialize: false,
    config: registry({ later: fixture('speaks-later') }),
  });
  const capabilities = { elicitation: { form: {} } };
  const hello = { protocolVersion: '2025-11-25', capabilities, clientInfo: {} };
  await rea.request('initialize', hello);
  rea.wire.notify('notifications/initialized');
  await rea.waitForPhase('later', 'ready');
  await rea.request('tools/list');
  const wants = (entry: object) => ({ resultType: 'input_required', inputRequests: { a: entry } });
  const cases: [result: object, why: string, fill?: number][] = [
    [{ resultType: 'task', taskId: '1' }, 'is a task, and its client takes none'],
    [{ resultType: 'later' }, 'has a resultType that is "later"'],
    [{ resultType: 5 }, 'has a resultType that is of no known kind'],
    [
      { resultType: 'input_required' },
      'says input_required but has neither inputRequests nor requestState',
    ],
    [
      wants({ method: 'sampling/createMessage', params: {} }),
      'asks for sampling, which its client cannot give',
    ],
    [wants({ method: 'elicitation/create', params: { mode: 'url' } }), 'asks for elicitation.url'],
    [wants({ method: 'tools/call', params: {} }), 'asks for something that no client knows'],
    [wants({ method: 'elicitation/create', params: [] }), 'asks with params that are no object'],
    [{ resultType: 'input_required' }, '1048576 are allowed', 1_048_576],
    [{ resultType: 'input_required', requestState: 's' }, 'asks for input more than 8 times'],
  ];
  for (const [result, why, fill] of cases) {
    const { message } = await rea.call('later__answer', { result, fill });
    expect(message.result).toMatchObject({
      isError: true,
      _meta: { 'rea/error': { code: 'ERR_MALFORMED_MESSAGE', outcome: 'answered' } },
    });
    expect(message.result.content[0].text).toContain(why);
  }
  const ref = { type: 'ref/prompt', name: 'later__p' };
  const completion = { ref, argument: { name: 'a', value: '' } };
  const completed = await rea.request('completion/complete', completion);
  expect(completed.message.error).toBeDefined();
  // It doubts what the gateway says of itself: it is asked once more what it speaks, however often it says so.
  const discovered = async () => Number((await rea.call('later__discovered')).text);
  const before = await discovered();
  for (const code of [-32_020, -32_022, -32_021]) {
    const { message } = await rea.call('later__answer', { code });
    expect(message.error).toMatchObject({ code: -32_603, message: 'no, says the server' });
  }
  expect(await discovered()).toBe(before + 1);
  expect(await rea.waitForPhase('later', 'ready')).toMatchObject({ restarts: 0 });
});

test('a server cannot make a client speak another revision by an error', async () => {
  const { rea } = await serve();
  for (const code of [-32020, -32021, -32022]) {
    const text = `{"jsonrpc":"2.0","id":ID,"error":{"code":${code},"message":"m","data":{"supported":["2026-07-28"]}}}`;
    const { raw, message } = await rea.call('evil__answer', { text });
    expect(raw).toBe(text.replace('ID', `"${message.id}"`).replace(`${code}`, '-32603'));
  }
});

function started(journal: string): number {
  return readFileSync(journal, 'utf8').split('"started"').length - 1;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
