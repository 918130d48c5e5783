/** Pages of a browser: those that the guard lets in can use the endpoint, others are told nothing. */
import { afterEach, expect, test } from 'vitest';
import { EchoRouter } from '../../../support/echo-router.ts';
import {
  HEADERS,
  initializeWith,
  rawPost,
  rawRequest,
  startEdge,
  tidyEdges,
} from '../../../support/http-edge.ts';

afterEach(tidyEdges);

const PAGE = 'http://localhost:6274';
const TOKEN = 'a-token-of-16-characters-or-more';
const ASKING = {
  'access-control-request-method': 'POST',
  'access-control-request-headers':
    'authorization,content-type,mcp-session-id,Mcp-Param-Region,x-other,mcp-param-a b',
};
const said = (value: string | string[] | undefined) => String(value ?? '').split(', ');

test('a local page is answered before it sends anything, without a token', async () => {
  const edge = await startEdge(new EchoRouter(), { tokens: [TOKEN] });
  const { status, headers, text } = await rawRequest(edge.url, 'OPTIONS', {
    ...ASKING,
    origin: PAGE,
    'access-control-request-private-network': 'true',
  });
  expect([status, text]).toEqual([204, '']);
  expect(headers['access-control-allow-origin']).toBe(PAGE);
  expect(headers['access-control-allow-private-network']).toBe('true');
  expect(headers['vary']).toBe('Origin');
  expect(said(headers['access-control-allow-methods'])).toEqual(['GET', 'POST', 'DELETE']);
  for (const name of ['authorization', 'content-type', 'mcp-session-id', 'mcp-protocol-version']) {
    expect(said(headers['access-control-allow-headers'])).toContain(name);
  }
  // Without a session; those of arguments are named by the tools.
  const asked = said(headers['access-control-allow-headers']).filter((name) =>
    /^(?:mcp-[mnp]a|mcp-me|x-)/.test(name),
  );
  expect(asked).toEqual(['mcp-method', 'mcp-name', 'mcp-param-region']);
});

test('it may read the session id, and what it is refused with', async () => {
  const edge = await startEdge(new EchoRouter(), { tokens: [TOKEN] });
  const refused = await rawPost(
    edge.url,
    { ...HEADERS, origin: PAGE },
    initializeWith('2025-11-25'),
  );
  const letIn = { ...HEADERS, origin: PAGE, authorization: `Bearer ${TOKEN}` };
  const served = await rawPost(edge.url, letIn, initializeWith('2025-11-25'));
  expect([refused.status, served.status]).toEqual([401, 200]);
  for (const { headers } of [refused, served]) {
    expect(headers['access-control-allow-origin']).toBe(PAGE);
    expect(said(headers['access-control-expose-headers'])).toEqual(
      expect.arrayContaining(['mcp-session-id', 'www-authenticate']),
    );
  }
});

test('other pages are refused, and told nothing that a browser would pass on', async () => {
  const edge = await startEdge(new EchoRouter());
  for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
    for (const method of ['OPTIONS', 'GET']) {
      const { status, headers } = await rawRequest(edge.url, method, { ...ASKING, origin });
      expect([status, headers['access-control-allow-origin']], origin).toEqual([403, undefined]);
    }
  }
  const named = await startEdge(new EchoRouter(), { allowedHosts: ['inspector.example'] });
  const origin = 'https://inspector.example';
  const asked = await rawRequest(named.url, 'OPTIONS', { ...ASKING, origin });
  expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, origin]);
});

test('programs that are no browser get no such headers, and OPTIONS is no method of the endpoint', async () => {
  const edge = await startEdge(new EchoRouter());
  const plain = await rawPost(edge.url, HEADERS, initializeWith('2025-11-25'));
  expect(plain.headers['access-control-allow-origin']).toBeUndefined();
  expect((await rawRequest(edge.url, 'OPTIONS', {})).status).toBe(405);
  expect((await rawRequest(edge.url, 'OPTIONS', { origin: PAGE })).status).toBe(405);
});

test('who names this machine by a foreign name is not told where the token lies', async () => {
  const tokenFile = '/home/somebody/token';
  const edge = await startEdge(new EchoRouter(), { tokens: [TOKEN], tokenFile });
  const own = await rawPost(edge.url, HEADERS, initializeWith('2025-11-25'));
  expect([own.status, own.text]).toEqual([401, expect.stringContaining(tokenFile)]);
  const rebound = { ...HEADERS, host: 'rebound.example' };
  const other = await rawPost(edge.url, rebound, initializeWith('2025-11-25'));
  expect([other.status, other.text]).toEqual([401, expect.not.stringContaining(tokenFile)]);
  const through = { ...rebound, authorization: `Bearer ${TOKEN}` };
  expect((await rawPost(edge.url, through, initializeWith('2025-11-25'))).status).toBe(200);
});
