import { expect, test } from 'vitest';
import { hostAndPort } from '#src/main/clients/http/address.ts';
import { Waiting } from '#src/main/clients/http/sessionful/waiting.ts';
import {
  type HostRule,
  hostNameProblem,
  hostPort,
  isLoopback,
  judgeCaller,
  loopbackAddress,
} from '#src/main/http/guard.ts';

const LOOPBACK = '127.0.0.1';

/** Why a request is refused, or null. */
function foreignRequest(
  headers: { host?: string; origin?: string },
  listening: string,
  more: Omit<HostRule, 'listening'> = {},
): string | null {
  const caller = judgeCaller(headers, { listening, ...more });
  return caller.kind === 'refused' ? caller.why : null;
}

test('only local hosts and origins pass', () => {
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:7332', '[::1]', '[::1]:80']) {
    expect(foreignRequest({ host }, LOOPBACK), host).toBeNull();
    for (const scheme of ['http', 'https']) {
      expect(foreignRequest({ host, origin: `${scheme}://${host}` }, LOOPBACK), host).toBeNull();
    }
  }
  const foreign = [
    'example.com',
    'localhost.example.com',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '10.0.0.1',
    '::1',
    '',
  ];
  for (const host of [...foreign, 'localhost:', 'a@localhost', '0.0.0.0:1', 'localhost:1:2']) {
    expect(foreignRequest({ host }, LOOPBACK), host).toMatch(/Host/);
  }
  expect(foreignRequest({}, LOOPBACK)).toMatch(/Host/);
  for (const origin of [
    'null',
    '',
    'http://evil.example',
    'file://localhost',
    'http://localhost/x',
    'http://localhost@evil.example',
  ]) {
    expect(foreignRequest({ host: 'localhost', origin }, LOOPBACK), origin).toMatch(/Origin/);
  }
});

test('a listener that is not on loopback also passes its own host, and pages from there', () => {
  for (const [listening, host] of [
    ['gateway.example', 'Gateway.Example:7332'],
    ['10.0.0.7', '10.0.0.7'],
    ['fd00::7', '[fd00::7]:80'],
  ] as const) {
    expect(foreignRequest({ host, origin: `http://${host}` }, listening), host).toBeNull();
    expect(foreignRequest({ host: 'localhost:1' }, listening)).toBeNull();
    expect(foreignRequest({ host: 'evil.example' }, listening)).toMatch(/Host/);
    expect(foreignRequest({ host: '10.0.0.8' }, listening)).toMatch(/Host/);
    expect(foreignRequest({ host, origin: 'http://evil.example' }, listening)).toMatch(/Origin/);
  }
});

test('a listener on every address passes any IP address as Host, and no other name', () => {
  for (const listening of ['0.0.0.0', '::']) {
    for (const host of ['10.0.0.7:7332', '[fd00::7]:80', 'localhost', '0.0.0.0:1']) {
      expect(foreignRequest({ host, origin: `http://${host}` }, listening), host).toBeNull();
    }
    expect(foreignRequest({ host: 'rebound.example' }, listening)).toMatch(/Host/);
    const origin = 'http://10.0.0.8';
    expect(foreignRequest({ host: '10.0.0.7', origin }, listening)).toMatch(/Origin/);
  }
});

test('names that are allowed pass as Host, and as the host of a page', () => {
  const more = { allowed: ['MCP.example.com', '10.1.2.3', 'fd00::9'] };
  for (const host of ['mcp.example.com', 'mcp.EXAMPLE.com:8443', '10.1.2.3:80', '[fd00::9]:1']) {
    expect(foreignRequest({ host }, LOOPBACK, more), host).toBeNull();
    const page = { host: 'localhost', origin: `https://${host}` };
    expect(foreignRequest(page, LOOPBACK, more), host).toBeNull();
  }
  for (const host of ['example.com', 'a.mcp.example.com', 'mcp.example.com.evil.example']) {
    expect(foreignRequest({ host }, LOOPBACK, more), host).toMatch(/Host/);
    const page = { host: 'localhost', origin: `https://${host}` };
    expect(foreignRequest(page, LOOPBACK, more), host).toMatch(/Origin/);
  }
});

test('with tokens any well-formed Host passes, but is not taken for a name of the gateway', () => {
  const named = (host: string) => judgeCaller({ host }, { listening: LOOPBACK, tokens: true });
  expect(named('mcp.example.com')).toEqual({ kind: 'accepted', named: false, origin: null });
  expect(named('localhost:1')).toEqual({ kind: 'accepted', named: true, origin: null });
  for (const host of ['', 'a@b', 'a/b', 'a b']) expect(named(host).kind, host).toBe('refused');
  const origin = 'https://evil.example';
  expect(foreignRequest({ host: 'mcp.example.com', origin }, LOOPBACK, { tokens: true })).toMatch(
    /Origin/,
  );
});

test('what is no name of a host cannot be allowed', () => {
  for (const name of [
    'mcp.example.com',
    'box',
    'my_service',
    'a-b.c',
    '10.0.0.1',
    '::1',
    '[::1]',
  ]) {
    expect(hostNameProblem(name), name).toBeNull();
  }
  const bad = ['', '*', '*.example.com', 'http://a', 'a:80', 'a/b', '-a', 'a..b', 'a.', 'a b'];
  for (const name of [...bad, `${'a'.repeat(254)}`]) {
    expect(hostNameProblem(name), name).toMatch(/without scheme and port/);
  }
});

test('a peer is on this machine when its address is a loopback one', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    expect(isLoopback(address), address).toBe(true);
  }
  for (const address of ['', '10.0.0.7', '::ffff:10.0.0.7', '::', 'fd00::7', '127.0.0.1.example']) {
    expect(isLoopback(address), address).toBe(false);
  }
});

test('only loopback addresses are bound without more', () => {
  expect(loopbackAddress('localhost')).toBe('127.0.0.1');
  expect(loopbackAddress('127.1.2.3')).toBe('127.1.2.3');
  expect(loopbackAddress('[::1]')).toBe('::1');
  for (const host of ['0.0.0.0', '::', '', '192.168.0.1', 'example.com', '127.0.0.1.example.com']) {
    expect(loopbackAddress(host), host).toBeNull();
  }
  expect(hostPort('::1', 80)).toBe('[::1]:80');
});

test('the address of --http is a port, or a host and a port', () => {
  for (const [text, host, port] of [
    ['7332', '127.0.0.1', 7332],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['gateway.example:80', 'gateway.example', 80],
    ['[::1]:65535', '::1', 65535],
  ] as const) {
    expect(hostAndPort(text)).toEqual({ host, port });
  }
  const wrong = [
    '',
    'x',
    ':80',
    '::1:80',
    '[1.2.3.4]:80',
    '[::g]:1',
    'a b:80',
    'u@h:80',
    '1:65536',
  ];
  for (const text of wrong) expect(hostAndPort(text), text).toMatch(/--http .* not an address/);
});

test('messages without a stream are kept in order, the newest within bounds', () => {
  const waiting = new Waiting();
  for (let i = 0; i < 1000; i++) waiting.add([Buffer.from(String(i))]);
  const kept = waiting.takeAll().map((parts) => Buffer.concat(parts).toString());
  expect(kept).toHaveLength(256);
  expect(kept[0]).toBe('744');
  expect(kept.at(-1)).toBe('999');
  waiting.add([Buffer.alloc(900_000, 'a')]);
  waiting.add([Buffer.alloc(900_000, 'b')]);
  expect(waiting.takeAll().map((parts) => parts[0]?.[0])).toEqual([0x62]);
  expect(waiting.takeAll()).toEqual([]);
});
