/** Which addresses a login may lead to, by where the server is that names them. */
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { askWithout } from '#src/main/logins/flow/asking.ts';
import { checkedAddress, type GuardOptions, guardFor } from '#src/main/logins/net/guarded-fetch.ts';
import { mayReach, Trust, zoneOf } from '#src/main/logins/net/reach.ts';

test.each([
  ['127.0.0.1', 'loopback'],
  ['127.255.0.9', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['10.0.0.8', 'private'],
  ['172.16.0.1', 'private'],
  ['172.32.0.1', 'public'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['fd12:3456::1', 'private'],
  ['64:ff9b::a00:1', 'private'],
  ['::ffff:0:10.0.0.1', 'private'],
  ['::ffff:0:7f00:1', 'loopback'],
  ['64:ff9b:1::a00:1', 'link_local'],
  ['2002:7f00:1::', 'link_local'],
  ['2001:0:a00:1::', 'link_local'],
  ['2001:4860:4860::8888', 'public'],
  ['169.254.169.254', 'link_local'],
  ['::ffff:169.254.169.254', 'link_local'],
  ['fe80::1', 'link_local'],
  ['fd00:ec2::254', 'link_local'],
  ['100.100.100.200', 'link_local'],
  ['0.0.0.0', 'link_local'],
  ['::', 'link_local'],
  ['224.0.0.1', 'link_local'],
  ['255.255.255.255', 'link_local'],
  ['8.8.8.8', 'public'],
  ['2606:4700::1', 'public'],
])('%s is %s', (address, zone) => {
  expect(zoneOf(address)).toBe(zone);
});

test('trust goes inwards only', () => {
  const zones = ['loopback', 'private', 'public', 'link_local'] as const;
  const reached = (home: (typeof zones)[number]) => zones.filter((other) => mayReach(home, other));
  expect(zones.map(reached)).toEqual([
    ['loopback', 'private', 'public'],
    ['private', 'public'],
    ['public'],
    ['public', 'link_local'],
  ]);
});

test.each([
  ['http://example.com/', 'is not https'],
  ['http://127.0.0.1.example.com/', 'is not https'],
  ['ftp://127.0.0.1/', 'is not https'],
  ['javascript:alert(1)', 'is not https'],
  ['https://user:pass@example.com/', 'has credentials'],
  ['/path', 'is no address'],
  [`https://example.com/${'x'.repeat(2048)}`, 'is no address'],
])('%s is no address for tokens', (text, why) => {
  expect(() => checkedAddress(text, 'its issuer')).toThrow(why);
});

test.each([
  'https://example.com/as',
  'http://localhost:80/',
  'http://[::1]:80/',
  'http://127.9.9.9/',
])('%s is one', (text) => {
  expect(checkedAddress(text, 'its issuer').href).toBe(text.replace(':80/', '/'));
});

const INSIDE = [
  'http://127.0.0.1:9/',
  'http://localhost:9/',
  'https://10.0.0.1/',
  'https://[::ffff:10.0.0.1]/',
];

test.each(INSIDE)(
  'a server on the internet does not lead to %s, nor a browser',
  async (address) => {
    const guard = guardFor(new URL('https://8.8.8.8/mcp'), SIGNAL);
    await expect(guard.fetch(address, {})).rejects.toThrow('is not connected to');
    await expect(guard.checkShown(address, 'its page')).rejects.toThrow('it is not opened');
    // A renewal knows no more than how far the login led.
    const later = guardFor(new URL(address), SIGNAL, { home: 'public' });
    await expect(later.fetch(address, {})).rejects.toThrow('is not connected to');
  },
);

test('a browser is sent to pages further outside, and to none that nobody can find', async () => {
  const near = guardFor(new URL('http://127.0.0.1:9/'), SIGNAL, { home: 'loopback' });
  expect((await near.checkShown('http://127.0.0.1:9/page', 'its page')).pathname).toBe('/page');
  await expect(near.checkShown('https://169.254.169.254/', 'its page')).rejects.toThrow(
    'not opened',
  );
  await expect(near.checkShown('javascript:alert(1)', 'its page')).rejects.toThrow('is not https');
  const lookUp = leadsTo('ENOTFOUND');
  const lost = guardFor(new URL('http://127.0.0.1:9/'), SIGNAL, { home: 'loopback', lookUp });
  await expect(lost.checkShown('https://as.example/', 'its page')).rejects.toThrow(
    'as.example cannot be found (ENOTFOUND)',
  );
});

test('where each one lies that was connected to decides about the next', () => {
  const trust = new Trust(null);
  expect([trust.zone, trust.allows('private'), trust.allows('private', true)]).toEqual([
    'public',
    false,
    true,
  ]);
  trust.reached('loopback');
  expect([trust.allows('loopback'), trust.allows('private')]).toEqual([true, true]);
  trust.reached('private');
  expect([trust.allows('loopback', true), trust.allows('private')]).toEqual([false, true]);
  trust.reached('public');
  expect([trust.zone, trust.allows('private', true)]).toEqual(['public', false]);
});

const SIGNAL = new AbortController().signal;
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A name server that gives these addresses one after the other, and then the last one. */
function leadsTo(...addresses: readonly string[]): NonNullable<GuardOptions['lookUp']> {
  const left = [...addresses];
  return (_name, _options, answer) => {
    const address = (left.length > 1 ? left.shift() : left[0]) ?? '';
    const family = isIP(address);
    if (family !== 0) return answer(null, [{ address, family }]);
    answer(Object.assign(new Error(), { code: address }), []);
  };
}

/** @returns its port on all addresses of this machine. */
async function listening(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  ends.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const OUTSIDE = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .map(({ address }) => address)
  .find((address) => ['private', 'public'].includes(zoneOf(address)));

test.skipIf(OUTSIDE === undefined)(
  'a name that leads to this machine the second time is not followed',
  async () => {
    const asked: string[] = [];
    const port = await listening((request, response) => {
      asked.push(request.url ?? '');
      response.end('{}');
    });
    const server = new URL(`http://localhost:${port}/mcp`);
    const guard = guardFor(server, SIGNAL, { lookUp: leadsTo(OUTSIDE ?? '', '127.0.0.1') });
    expect((await guard.fetch(server.href, {})).status).toBe(200);
    expect(guard.zone).toBe(zoneOf(OUTSIDE ?? ''));
    await expect(guard.fetch(server.href, {})).rejects.toThrow('is not connected to');
    await expect(guard.fetch(`http://127.0.0.1:${port}/`, {})).rejects.toThrow(
      'is not connected to',
    );
    // And one that leads outside the second time is trusted as what lies there.
    const other = guardFor(server, SIGNAL, { lookUp: leadsTo('127.0.0.1', OUTSIDE ?? '') });
    await other.fetch(server.href, {});
    expect(other.zone).toBe('loopback');
    await other.fetch(server.href, {});
    await expect(other.fetch(`http://127.0.0.1:${port}/`, {})).rejects.toThrow(
      'is not connected to',
    );
    expect(asked).toEqual(['/mcp', '/mcp', '/mcp']);
  },
);

test('of a server only status and headers are waited for: an answer may go on and on', async () => {
  const methods: string[] = [];
  const port = await listening((request, response) => {
    methods.push(request.method ?? '');
    response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': 'one' });
    response.write(': it goes on\n\n');
  });
  const server = new URL(`http://127.0.0.1:${port}/mcp`);
  expect(await askWithout(server, {}, guardFor(server, SIGNAL).fetch)).toMatchObject({
    status: 200,
  });
  expect(methods).toEqual(['POST', 'POST', 'DELETE']);
});
