/** The token of a remote: who asks for it, who gets it, and which requests go with it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { causeOf } from '#src/main/causes/causes.ts';
import { HttpClient } from '#src/workers/supervisor/http/http-client.ts';
import { Login } from '#src/workers/supervisor/http/login.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function world() {
  const told: string[] = [];
  const login = new Login({
    server: 'web',
    ask: (refused) => told.push(`ask ${refused}`),
    tokenRead: (token) => told.push(`read ${token}`),
    wanted: (detail) => told.push(`wanted ${detail}`),
    failed: (problem) => told.push(`failed ${problem}`),
  });
  return { told, login };
}

const token = (value: string | null, problem: string | null = null) => ({
  token: value,
  problem,
  over: false,
});
const OVER = { token: null, problem: null, over: true };

test('all that are refused with one token wait for one answer', () => {
  const { told, login } = world();
  login.begin(() => told.push('begins'));
  login.take(token('one'));
  for (const name of ['a', 'b']) login.renew('one', (renewal) => told.push(`${name} ${renewal}`));
  login.take(token('two'));
  // Another one was sent with the token before.
  login.renew('one', (renewal) => told.push(`late ${renewal}`));
  expect(told).toEqual([
    'ask null',
    'read one',
    'begins',
    'ask one',
    'read two',
    'a new',
    'b new',
    'late new',
  ]);
  expect(login.token).toBe('two');
});

test('a token that comes unasked answers only those whom it helps', () => {
  const { told, login } = world();
  login.begin(() => told.push('begins'));
  login.take(token('one'));
  login.renew('one', (renewal) => told.push(`a ${renewal}`));
  login.take(token('one'));
  expect(told).toEqual(['ask null', 'read one', 'begins', 'ask one']);
  login.take(token('two'));
  login.renew('two', (renewal) => told.push(`b ${renewal}`));
  // The answer to what was asked first.
  login.take(token('two'));
  login.take(token('three'));
  expect(told.slice(4)).toEqual(['read two', 'a new', 'ask two', 'read three', 'b new']);
});

test('who has logged out ends what uses the token, although nothing was refused', () => {
  const { told, login } = world();
  login.take(OVER);
  login.begin(() => told.push('begins'));
  login.take(token('one'));
  login.take(OVER);
  expect(told.at(-1)).toBe('wanted somebody has logged out; to log in: rea login web');
  expect(told).toHaveLength(4);
});

test('without another token nothing is sent again, and without any it begins all the same', () => {
  const { told, login } = world();
  login.begin(() => told.push('begins'));
  login.take(token(null));
  expect(login.token).toBeNull();
  const second = world();
  second.login.begin(() => second.told.push('begins'));
  second.login.take(token(null, 'not now'));
  const third = world();
  third.login.take(token('one'));
  third.login.renew('one', (renewal) => third.told.push(`a ${renewal}`));
  third.login.take(token(null));
  expect([told, second.told, third.told]).toEqual([
    ['ask null', 'begins'],
    ['ask null', 'failed not now'],
    ['read one', 'ask one', 'a same'],
  ]);
});

test.each<[header: string | undefined, used: string | null, opens: boolean, why: string | null]>([
  ['Bearer resource_metadata="x"', null, false, 'it wants a login (HTTP 401)'],
  ['Bearer', null, true, 'HTTP 401: it wants a login, or credentials'],
  [undefined, null, true, 'HTTP 401: it wants a login, or credentials'],
  ['Basic realm="x"', null, true, null],
  ['Bearer', null, false, null],
  [undefined, null, false, null],
  [undefined, 'one', false, 'its login is over (HTTP 401)'],
])('a 401 with %s, sent with %s (opens: %s), is: %s', (header, used, opens, why) => {
  const { told, login } = world();
  expect(login.isWanted(header, used, opens)).toBe(why !== null);
  expect(told).toHaveLength(why === null ? 0 : 1);
  if (why === null) return;
  expect(told[0]).toContain(`wanted ${why}`);
  const last_error = told[0]?.replace('wanted ', '') ?? '';
  const last_exit = { reason: 'login', detail: last_error } as const;
  const cause = causeOf({ phase: 'failed', incarnation: 1, last_error, last_exit });
  expect(cause?.action).toBe('rea login web');
  expect(cause?.why).not.toContain('rea login');
});

test('a 403 says which scopes are missing, if they can be typed', () => {
  const { login } = world();
  const advice = (header: string) => login.scopeAdvice(header);
  expect(advice('Bearer error="insufficient_scope", scope="a b"')).toBe(
    'it wants the scope "a b"; to log in: rea login web --scope "a b"',
  );
  expect(advice('Bearer error="insufficient_scope", scope="`id`"')).toBe(
    'it wants more scopes; to log in: rea login web',
  );
  expect(advice('Bearer error="invalid_token", scope="a"')).toBeNull();
});

/** A server that answers as `answer` says, and what it has seen. */
async function edge(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const seen: [path: string, authorization: string | undefined][] = [];
  const server = createServer((request, response) => {
    seen.push([request.url ?? '', request.headers.authorization]);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  closing.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  return { seen, url: `http://127.0.0.1:${port}/mcp` };
}

/** One request with the token `one`, to its end: a status, or what is told. */
function send(
  url: string,
  login: Login,
  kind: { opens?: boolean; isOfLogin?: boolean } = {},
): Promise<number | string> {
  login.take(token('one'));
  const client = new HttpClient(url, { 'x-own': '1' }, login);
  closing.push(() => client.close());
  return new Promise((resolve) => {
    client.send({
      method: 'POST',
      body: Buffer.from('{}'),
      headers: {},
      ...kind,
      onResponse: (response) => {
        response.destroy();
        resolve(response.statusCode ?? 0);
      },
      onFailed: ({ sent, detail }) => resolve(`${sent} ${detail}`),
    });
  });
}

test('a token goes along with a slash at the end of the path, and with no other redirect', async () => {
  const { seen, url } = await edge(({ url: path }, response) => {
    const next: Record<string, string> = { '/mcp': '/mcp/', '/mcp/': '/other/mcp' };
    const location = next[path ?? ''];
    response.writeHead(
      location === undefined ? 200 : 307,
      location === undefined ? {} : { location },
    );
    response.end();
  });
  expect(await send(url, world().login)).toBe(200);
  expect(seen).toEqual([
    ['/mcp', 'Bearer one'],
    ['/mcp/', 'Bearer one'],
    ['/other/mcp', undefined],
  ]);
});

/** A server that refuses all, and main that has `replies` for the tokens `one`, `two` in this order. */
async function refused(
  kind: 'call' | 'opening' | 'tools',
  challenge: string | null,
  ...replies: (typeof OVER | ReturnType<typeof token>)[]
) {
  const { seen, url } = await edge((_request, response) => {
    response.writeHead(401, challenge === null ? {} : { 'www-authenticate': challenge });
    response.end('no');
  });
  const told: string[] = [];
  const login: Login = new Login({
    server: 'web',
    ask: () => setImmediate(() => login.take(replies.shift() ?? OVER)),
    tokenRead: () => undefined,
    wanted: (detail) => told.push(detail),
    failed: () => undefined,
  });
  const result = await send(url, login, { opens: kind === 'opening', isOfLogin: kind === 'tools' });
  return { result, told, sent: seen.map(([, one]) => one) };
}

const IS_OVER = ['its login is over (HTTP 401); to log in: rea login web'];

test('what is refused is sent once more with a new token; a login that is over was not carried out', async () => {
  expect(await refused('call', null, token('two'), OVER)).toEqual({
    result: 'false HTTP 401',
    told: IS_OVER,
    sent: ['Bearer one', 'Bearer two'],
  });
});

test('a call that is refused with a token that main holds good fails alone; no number of tokens ends a login', async () => {
  const one = await refused('call', null, token('two'), token(null));
  expect(one).toEqual({ result: 401, told: [], sent: ['Bearer one', 'Bearer two'] });
  const tokens = ['two', 'three', 'four', 'five', 'six'];
  const many = await refused('call', null, ...tokens.map((name) => token(name)));
  expect([many.result, many.told, many.sent.length]).toEqual([401, [], 5]);
});

test('a handshake is sent again while its token is new, and then a login is wanted', async () => {
  expect(await refused('opening', null, token(null))).toEqual({
    result: 'false HTTP 401',
    told: IS_OVER,
    sent: ['Bearer one'],
  });
  const again = await refused('opening', null, token('two'), token(null));
  expect(again).toMatchObject({ result: 'false HTTP 401', told: IS_OVER });
  expect(new Set(again.sent.slice(1))).toEqual(new Set(['Bearer two']));
  expect(again.sent.length).toBeGreaterThan(2);
});

test('a new token that is refused has perhaps ended already: main is asked before the same one is sent again', async () => {
  const { seen, url } = await edge(({ headers: { authorization } }, response) => {
    response.writeHead(authorization === 'Bearer three' ? 200 : 401).end();
  });
  const told: string[] = [];
  const replies = [token('two'), token('three')];
  const login: Login = new Login({
    server: 'web',
    ask: (refused) => {
      told.push(`ask ${refused}`);
      setImmediate(() => login.take(replies.shift() ?? OVER));
    },
    tokenRead: () => undefined,
    wanted: (detail) => told.push(detail),
    failed: () => undefined,
  });
  expect(await send(url, login, { opens: true })).toBe(200);
  expect(told).toEqual(['ask one', 'ask two']);
  expect(seen.map(([, one]) => one)).toEqual(['Bearer one', 'Bearer two', 'Bearer three']);
});

test('what anybody may ask for ends a login where the refusal asks for another token; a call never does', async () => {
  const challenge = 'Bearer error="invalid_token"';
  const result = 401;
  expect(await refused('tools', challenge, token(null))).toMatchObject({
    result: 'false HTTP 401',
    told: IS_OVER,
  });
  expect(await refused('tools', null, token(null))).toMatchObject({ result, told: [] });
  expect(await refused('tools', 'Basic', token(null))).toMatchObject({ result, told: [] });
  expect(await refused('call', challenge, token(null))).toMatchObject({ result, told: [] });
});
