/** Which addresses a login may lead to, by where the server is that names them. */
import { expect, test } from 'vitest';
import { checkedAddress, guardedFor } from '#src/main/logins/net/guarded-fetch.ts';
import { mayReach, zoneOf } from '#src/main/logins/net/reach.ts';

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

test.each([
  'http://127.0.0.1:9/',
  'http://localhost:9/',
  'https://10.0.0.1/',
  'https://[::ffff:10.0.0.1]/',
])('a server on the internet does not lead to %s', async (address) => {
  const guarded = await guardedFor(new URL('https://8.8.8.8/mcp'), new AbortController().signal);
  await expect(guarded(address, {})).rejects.toThrow('is not connected to');
});
