import { describe, expect, test } from 'vitest';
import { Cookies } from '#src/workers/supervisor/http/cookies.ts';

const here = new URL('https://api.example.com/tenant/mcp');
const plain = new URL('http://127.0.0.1:8080/mcp');

/** What is sent back after these lines. */
function after(lines: readonly string[], url = here, now = 0): string {
  const cookies = new Cookies();
  cookies.take(lines, url, 0);
  return cookies.header(url, '', now);
}

describe('a cookie', () => {
  test.each([
    ['a=1', 'a=1'],
    ['a=1; Path=/; HttpOnly; SameSite=None; Secure', 'a=1'],
    ['a=', 'a='],
    ['a="x=y"; path=/tenant', 'a="x=y"'],
    [' a = 1 ;Domain=example.com', 'a=1'],
    ['a=1; Domain=.API.example.com', 'a=1'],
    ['a=1; Domain=other.example.com', ''],
    ['a=1; Domain=ample.com', ''],
    ['a=1; Path=/tenant/mcp', 'a=1'],
    ['a=1; Path=/tenant/m', ''],
    ['a=1; Path=/other', ''],
    ['a=1; Path=relative', 'a=1'],
    ['a=1; Max-Age=0', ''],
    ['a=1; Max-Age=-5; Expires=Fri, 01 Jan 2100 00:00:00 GMT', ''],
    ['a=1; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'a=1'],
    ['a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT', ''],
    ['a=1; Expires=soon', 'a=1'],
    ['no name', ''],
    ['=1', ''],
    ['a b=1', ''],
    ['a=1\r\nx-evil: 1', ''],
    ['a=\u00e9', ''],
    [`a=${'x'.repeat(5000)}`, ''],
  ])('%s', (line, expected) => {
    expect(after([line])).toBe(expected);
  });

  test('that is for TLS alone does not leave in clear text', () => {
    expect(after(['a=1; Secure', 'b=2'], plain)).toBe('b=2');
  });

  test('ends when its time is over', () => {
    const line = 'a=1; Max-Age=5';
    expect([after([line], here, 4999), after([line], here, 5000)]).toEqual(['a=1', '']);
  });

  test('is replaced by one of its name, or taken away', () => {
    expect(after(['a=1', 'b=2', 'a=3'])).toBe('b=2; a=3');
    expect(after(['a=1', 'b=2', 'a=; Max-Age=0'])).toBe('b=2');
  });
});

test('a configured cookie comes first and counts', () => {
  const cookies = new Cookies();
  cookies.take(['a=theirs', 'b=2'], here, 0);
  expect(cookies.header(here, 'a=mine; c=3', 0)).toBe('a=mine; c=3; b=2');
});

test('there are at most 32, and the oldest go', () => {
  const lines = Array.from({ length: 1000 }, (_, at) => `n${at}=${at}`);
  const names = after(lines).split('; ');
  expect([names.length, names[0], names.at(-1)]).toEqual([32, 'n968=968', 'n999=999']);
});
