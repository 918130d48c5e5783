/** Who is let in to the page, as a table of attacks. */
import type { IncomingHttpHeaders } from 'node:http';
import { expect, test } from 'vitest';
import { judge } from '#src/main/ui/guard.ts';

const PORT = 7400;
const OWN = `http://127.0.0.1:${PORT}`;
const TOKEN = 'Bearer of-the-page';
const HOST = { host: `127.0.0.1:${PORT}` };
/** What the page itself sends. */
const PAGE: IncomingHttpHeaders = {
  ...HOST,
  origin: OWN,
  'sec-fetch-site': 'same-origin',
  'content-type': 'application/json',
  authorization: TOKEN,
};

function statusOf(method: string, url: string, headers: IncomingHttpHeaders): number {
  const judged = judge({ method, url, headers }, PORT, (given) => given === TOKEN);
  return judged.kind === 'refused' ? judged.status : 200;
}

test('the page and its own requests are served', () => {
  expect(judge({ method: 'GET', url: '/ui', headers: HOST }, PORT, () => false).kind).toBe(
    'document',
  );
  expect(statusOf('POST', '/api/v1/freeze', PAGE)).toBe(200);
  expect(
    statusOf('POST', '/api/v1/freeze', { ...PAGE, 'content-type': 'Application/JSON; x=1' }),
  ).toBe(200);
  // A program of the user's that looks says nothing of pages.
  expect(statusOf('GET', '/api/v1/look', { ...HOST, authorization: TOKEN })).toBe(200);
  const asked = {
    method: 'POST',
    url: '/api/v1/servers/a%2Fb/restart?seen=1&now=1',
    headers: PAGE,
  };
  expect(judge(asked, PORT, () => true)).toMatchObject({
    kind: 'api',
    path: ['servers', 'a/b', 'restart'],
    query: new URLSearchParams('seen=1&now=1'),
  });
});

const OTHER_HOSTS = [
  undefined,
  '',
  'evil.example',
  `evil.example:${PORT}`,
  `localhost:${PORT}`,
  '127.0.0.1',
  '127.0.0.1:7401',
  `127.0.0.1:${PORT}.evil.example`,
  `[::1]:${PORT}`,
  `0.0.0.0:${PORT}`,
  `127.0.0.2:${PORT}`,
];

test.each(OTHER_HOSTS)('another Host gets nothing, the token or not: %s', (host) => {
  for (const url of ['/ui', '/api/v1/look', '/api/v1/freeze']) {
    for (const method of ['GET', 'POST']) {
      expect(statusOf(method, url, { ...PAGE, host })).toBe(403);
    }
  }
});

const OTHER_PAGES: readonly IncomingHttpHeaders[] = [
  // A page of another port of this machine: the same site.
  { origin: 'http://127.0.0.1:7401', 'sec-fetch-site': 'same-site' },
  { origin: `http://localhost:${PORT}`, 'sec-fetch-site': 'same-site' },
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'null', 'sec-fetch-site': 'cross-site' },
  { origin: `https://127.0.0.1:${PORT}`, 'sec-fetch-site': 'same-site' },
  { origin: `${OWN}, ${OWN}`, 'sec-fetch-site': 'same-origin' },
  { origin: OWN, 'sec-fetch-site': 'same-site' },
  { origin: OWN, 'sec-fetch-site': 'none' },
];

test.each(OTHER_PAGES)('another page gets nothing, even with the token: %o', (headers) => {
  const all = { ...PAGE, ...headers };
  expect(statusOf('POST', '/api/v1/freeze', all)).toBe(403);
  expect(statusOf('GET', '/api/v1/look', all)).toBe(403);
});

test('nothing is changed without each of the signs of the page', () => {
  for (const name of ['origin', 'sec-fetch-site', 'content-type', 'authorization']) {
    const { [name]: _left, ...headers } = PAGE;
    expect([name, statusOf('POST', '/api/v1/freeze', headers)]).not.toEqual([name, 200]);
  }
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'multipart/form-data',
  ]) {
    expect(statusOf('POST', '/api/v1/freeze', { ...PAGE, 'content-type': type })).toBe(415);
  }
  for (const authorization of [
    undefined,
    '',
    'Bearer',
    'Bearer wrong',
    `${TOKEN}x`,
    'Basic of-the-page',
  ]) {
    expect(statusOf('POST', '/api/v1/freeze', { ...PAGE, authorization })).toBe(401);
    expect(statusOf('GET', '/api/v1/look', { ...PAGE, authorization })).toBe(401);
  }
  // A cookie is nothing here.
  expect(statusOf('GET', '/api/v1/look', { ...HOST, cookie: 'rea=of-the-page' })).toBe(401);
});

test('other methods and paths', () => {
  for (const method of ['OPTIONS', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'TRACE', undefined]) {
    expect(statusOf(method as string, '/api/v1/look', PAGE)).toBe(405);
  }
  expect(statusOf('POST', '/ui', PAGE)).toBe(405);
  for (const url of [
    '/',
    '/mcp',
    '/ui/',
    '/ui/../api',
    '/api/v1',
    '/api/v2/look',
    `${OWN}/ui`,
    '//ui',
    '/api/v1/%zz',
    undefined,
  ]) {
    expect([url, statusOf('GET', url as string, PAGE)]).toEqual([url, 404]);
  }
});
