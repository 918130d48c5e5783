/**
 * Revision 2026-07-28, which has no handshake, and which this gateway does not speak: servers that speak
 * nothing else are told from broken ones, and neither side hears the other's words of it.
 */

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { serve } from '../support/asking-server.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const CLAIM = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
  'io.modelcontextprotocol/logLevel': 'info',
};
const SAYS = /^speaks only 2026-07-28, and this gateway no later .* than 2025-11-25/;

let stopWeb = () => Promise.resolve();

afterEach(async () => {
  await tidy();
  await stopWeb();
  stopWeb = () => Promise.resolve();
});

test.each([
  ['and says so', '--code', -32022],
  ['and knows no initialize', '--code', -32601],
  ['and takes it for a request without an envelope', '--code', -32602],
  ['and answers in it', '--version', '2026-07-28'],
])(
  'a server that speaks nothing else, %s, is said to, and is no crash loop',
  async (_how, ...args) => {
    const journal = join(makeDirectory(), 'journal');
    const rea = await startRea({
      config: registry(
        {
          later: {
            ...fixture('speaks-later', ...args, '--journal', journal),
            breaker: { failures: 1, cooldown_ms: 600_000 },
          },
          refuses: fixture('refuses-handshake', '--error', 'licence expired'),
          good: fixture('echo'),
        },
        { restart: { intensity: 3 } },
      ),
    });
    const { last_error, next_restart_at } = await rea.waitForPhase('later', 'failed');
    expect(last_error).toMatch(SAYS);
    // A server that refuses the handshake for another reason is a crash loop by now.
    const refused = await rea.waitForPhase('refuses', 'failed');
    expect(refused.last_error).toContain('licence expired');
    expect(started(journal)).toBe(1);
    const later = rea.state()?.downstreams.find(({ name }) => name === 'later');
    expect(later).toMatchObject({
      restarts: 0,
      circuit_state: 'closed',
      phase: 'failed',
      pid: null,
    });
    expect(next_restart_at).not.toBeNull();
    expect((await rea.call('good__echo', { text: 'here' })).text).toBe('here');
    expect((await rea.status()).text).toContain('speaks only 2026-07-28');
  },
);

test.each([
  ['lists what it speaks, for no request in particular', { id: null, code: -32022 }, 400],
  ['lists what it speaks', { code: -32022 }, 400],
  ['knows no initialize', { code: -32601 }, 404],
  ['wants an envelope', { code: -32602 }, 400],
])('the same over HTTP, where it %s', async (_how, refusal, status) => {
  const methods: string[] = [];
  const web = createServer((request, response) => {
    void read(request).then((body) => {
      const { id, method, params } = JSON.parse(body);
      methods.push(method);
      const reply = (code: number, message: object) => {
        response.writeHead(code, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, ...message }));
      };
      if (method === 'server/discover') {
        const { headers } = request;
        const version = params._meta['io.modelcontextprotocol/protocolVersion'];
        const same =
          headers['mcp-protocol-version'] === version && headers['mcp-method'] === method;
        if (!same) return reply(400, { error: { code: -32020, message: 'headers' } });
        return reply(200, { result: { resultType: 'complete', supportedVersions: [version] } });
      }
      const { code, ...more } = refusal;
      const data = code === -32022 ? { supported: ['2026-07-28'] } : undefined;
      return reply(status, { ...more, error: { code, message: 'Unsupported', data } });
    });
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  stopWeb = () => new Promise((resolve) => void web.close(() => resolve()));
  const { port } = web.address() as AddressInfo;
  const rea = await startRea({
    config: registry(
      {
        web: { url: `http://127.0.0.1:${port}/mcp` },
        refuses: fixture('refuses-handshake', '--error', 'licence expired'),
      },
      { restart: { intensity: 3 } },
    ),
  });
  expect((await rea.waitForPhase('web', 'failed')).last_error).toMatch(SAYS);
  await rea.waitForPhase('refuses', 'failed');
  expect(methods.filter((method) => method === 'initialize')).toHaveLength(1);
});

test('a client that makes the claim before a handshake is refused, and served after one', async () => {
  const journal = join(makeDirectory(), 'journal');
  const rea = await startRea({
    initialize: false,
    config: registry({ echo: fixture('echo', '--journal', journal) }),
  });
  await rea.waitForPhase('echo', 'ready');
  const params = { name: 'echo__echo', arguments: { text: 'x' } };
  for (const [method, more] of [
    ['server/discover', {}],
    ['tools/list', {}],
    ['ping', {}],
    ['tools/call', params],
  ] as const) {
    const { message } = await rea.request(method, { ...more, _meta: CLAIM });
    expect(message.error?.code).toBe(-32601);
  }
  expect(readFileSync(journal, 'utf8')).not.toContain('tools/call');
  // As clients do that have asked first, and one that repeats its claim.
  const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {}, _meta: CLAIM };
  expect((await rea.request('initialize', hello)).message.result.protocolVersion).toBe(
    '2025-11-25',
  );
  rea.wire.notify('notifications/initialized');
  await rea.request('tools/list', { _meta: CLAIM });
  const call = rea.begin('echo__echo', { text: 'x' }, { ...CLAIM, progressToken: 'mine', a: 1.5 });
  expect((await call.answer).text).toBe('x');
  rea.wire.notify('notifications/demo/said', { text: 'y', _meta: { ...CLAIM, b: 2 } });
  await rea.call('echo__echo', { text: 'after' });
  const lines = readFileSync(journal, 'utf8').split('\n');
  const got = (text: string) =>
    JSON.parse(lines.find((line) => line.includes(text)) ?? '{}').params;
  expect(Object.keys(got('"text":"x"')._meta)).toEqual(['progressToken', 'a']);
  expect(got('demo/said')._meta).toEqual({ b: 2 });
  expect(lines.join('\n')).not.toMatch(/io\.modelcontextprotocol/);
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
