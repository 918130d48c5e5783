/** What a request says of itself in its body, and in the headers that repeat it. */
import { describe, expect, test } from 'vitest';
import { readClaim, versionRefusal } from '#src/main/clients/claims/claim.ts';
import { Claims } from '#src/main/clients/claims/claims.ts';
import { headerRefusal } from '#src/main/clients/claims/headers.ts';
import { paramRefusal } from '#src/main/clients/claims/param-headers.ts';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { isLaterRevision } from '#src/shared/model/revisions.ts';
import { encodeHeaderValue as encode } from '#src/shared/text/header-value.ts';

const KEY = 'io.modelcontextprotocol/';
const VERSION = '2026-07-28';

function frameOf(params: unknown, method = 'tools/call'): Frame {
  const json = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const frame = scanFrame(Buffer.from(json));
  if ('error' in frame) throw new Error('the test wrote a bad message');
  return frame;
}

const claim = (meta: object) =>
  readClaim(
    frameOf({
      _meta: { [`${KEY}protocolVersion`]: VERSION, [`${KEY}clientCapabilities`]: {}, ...meta },
    }),
  );

describe('a claim', () => {
  test('is the same as if each were read, whatever the one before it was', () => {
    const good = {
      [`${KEY}protocolVersion`]: VERSION,
      [`${KEY}clientCapabilities`]: { roots: {} },
    };
    const metas = [
      good,
      { ...good, [`${KEY}clientInfo`]: { name: 'a' }, [`${KEY}logLevel`]: 'info' },
      { ...good, [`${KEY}clientInfo`]: { name: 'b' }, [`${KEY}logLevel`]: 'info' },
      { progressToken: 1 },
      { [`${KEY}protocolVersion`]: VERSION },
      { [`${KEY}clientInfo`]: { name: 'a' } },
      { ...good, filler: 'x'.repeat(20_000) },
      [],
      null,
    ];
    const frames = metas.flatMap((_meta) =>
      ['t', 'longer'].map((name) => frameOf({ name, _meta })),
    );
    const claims = new Claims();
    let same = 0;
    for (const before of frames) {
      for (const frame of frames) {
        for (const hasSession of [false, true]) {
          claims.of(before, hasSession);
          expect(claims.of(frame, hasSession)).toEqual(readClaim(frame, hasSession));
          expect(claims.of(frame, !hasSession)).toEqual(readClaim(frame, !hasSession));
          if (claims.of(frame, !hasSession) === claims.of(frame, !hasSession)) same += 1;
        }
      }
    }
    // All but the long one, which is read each time.
    expect(same).toBe(2 * frames.length * (frames.length - 2));
    expect(claims.of(frameOf({ name: 't' }))).toEqual({ kind: 'none' });
  });

  test('is there with the version and what the client can do', () => {
    expect(claim({ [`${KEY}logLevel`]: 'info' })).toMatchObject({
      kind: 'claim',
      claim: {
        version: VERSION,
        clientInfo: null,
        logLevel: [expect.any(Number), expect.any(Number)],
      },
    });
  });

  test.each([
    [undefined],
    [{}],
    [{ _meta: null }],
    [{ _meta: [`${KEY}protocolVersion`] }],
    [{ _meta: { progressToken: 1, [`${KEY}related-task`]: { taskId: 't' } } }],
    [{ arguments: { _meta: { [`${KEY}protocolVersion`]: VERSION } } }],
  ])('is not there in %j', (params) => {
    expect(readClaim(frameOf(params)).kind).toBe('none');
  });

  test.each([
    ['protocolVersion', undefined],
    ['protocolVersion', null],
    ['protocolVersion', 20_260_728],
    ['protocolVersion', [VERSION]],
    ['protocolVersion', 'x'.repeat(100)],
    ['clientCapabilities', undefined],
    ['clientCapabilities', null],
    ['clientCapabilities', []],
    ['clientCapabilities', 'none'],
  ])('with the %s %j is refused, and the key named', (name, value) => {
    const read = claim({ [`${KEY}${name}`]: value });
    expect(read).toMatchObject({
      kind: 'bad',
      refusal: { code: -32602, message: expect.stringContaining(`params._meta["${KEY}${name}"]`) },
    });
  });

  test.each(['protocolVersion', 'clientCapabilities', 'clientInfo', 'logLevel'])(
    'with %s twice is refused',
    (name) => {
      const value = JSON.stringify(name === 'protocolVersion' ? VERSION : {});
      const twice = `"${KEY}${name}":${value},"${KEY}${name}":${value}`;
      const rest = `"${KEY}protocolVersion":"${VERSION}","${KEY}clientCapabilities":{}`;
      const meta = name.startsWith('client') || name === 'logLevel' ? `${twice},${rest}` : twice;
      const whole = `{"id":1,"method":"tools/call","params":{"_meta":{${meta}}}}`;
      const frame = scanFrame(Buffer.from(whole));
      if ('error' in frame) throw new Error('the test wrote a bad message');
      const message = `params._meta["${KEY}${name}"] is there twice`;
      expect(readClaim(frame)).toMatchObject({ kind: 'bad', refusal: { code: -32602, message } });
    },
  );

  test.each([
    ['clientInfo', 'none'],
    ['clientCapabilities', 'none'],
    ['logLevel', 'none'],
    ['protocolVersion', 'bad'],
  ])('of %s alone, in a session, is %s', (name, kind) => {
    const frame = frameOf({ _meta: { [`${KEY}${name}`]: {} } });
    expect([readClaim(frame, true).kind, readClaim(frame).kind]).toEqual([kind, 'bad']);
  });

  test.each(['1900-01-01', '2025-11-25', '2027-01-01', 'v999.0.0', ''])(
    'of the revision %j is refused with what is spoken',
    (version) => {
      expect(
        versionRefusal({ version, capabilities: [0, 0], clientInfo: null, logLevel: null }),
      ).toMatchObject({
        code: -32022,
        data: { supported: [VERSION], requested: version },
      });
    },
  );

  test('is expected where a header names a revision without sessions', () => {
    const named = [VERSION, '2027-01-01', '2025-11-25', '1900-01-01', 'v9', '', undefined];
    expect(named.map(isLaterRevision)).toEqual([true, true, false, false, false, false, false]);
  });
});

type Header = readonly [name: string, ...values: readonly string[]];

const headers = (...all: readonly Header[]) => ({
  headers: Object.fromEntries(all.map(([name, ...values]) => [name, values.join(', ')])),
  headersDistinct: Object.fromEntries(all.map(([name, ...values]) => [name, [...values]])),
});
const OWN = [
  ['mcp-protocol-version', VERSION],
  ['mcp-method', 'tools/call'],
] as const;

describe('headers', () => {
  const call = frameOf({ name: 'grüße' });
  const judge = (...all: readonly Header[]) =>
    headerRefusal(headers(...all), call, 'tools/call', VERSION);

  test('may say what the body says', () => {
    expect(judge(...OWN, ['mcp-name', encode('grüße')])).toBeNull();
  });

  test('are one value with a comma in it, or two', () => {
    const pair = frameOf({ name: 'a, b' });
    const judged = (...values: readonly string[]) =>
      headerRefusal(headers(...OWN, ['mcp-name', ...values]), pair, 'tools/call', VERSION);
    expect(judged('a, b')).toBeNull();
    expect(judged('a', 'b')?.message).toContain('Mcp-Name is there 2 times');
  });

  test.each([
    ['none', [], 'MCP-Protocol-Version is missing'],
    ['another version', [['mcp-protocol-version', '2025-11-25']], 'MCP-Protocol-Version'],
    ['no method', [OWN[0]], 'Mcp-Method is missing'],
    ['an encoded method', [OWN[0], ['mcp-method', '=?base64?dG9vbHMvY2FsbA==?=']], 'Mcp-Method'],
    [
      'an encoded version',
      [['mcp-protocol-version', '=?base64?MjAyNi0wNy0yOA==?='], OWN[1]],
      'MCP-Protocol-Version',
    ],
    ['a method in capitals', [OWN[0], ['mcp-method', 'TOOLS/CALL']], 'Mcp-Method'],
    ['no name', [...OWN], 'Mcp-Name is missing'],
    ['another name', [...OWN, ['mcp-name', 'x']], 'Mcp-Name'],
    ['a name twice', [...OWN, ['mcp-name', encode('grüße'), encode('grüße')]], '2 times'],
    ['a name that is no base64', [...OWN, ['mcp-name', '=?base64?x?=']], 'cannot be decoded'],
  ] as const)('with %s are refused', (_what, all, text) => {
    const refusal = judge(...(all as readonly Header[]));
    expect(refusal).toMatchObject({ code: -32020, message: expect.stringContaining(text) });
  });

  test('name a resource by its URI, and nothing for what has no name', () => {
    const of = (method: string, params: object, name: string) =>
      headerRefusal(
        headers(OWN[0], ['mcp-method', method], ['mcp-name', name]),
        frameOf(params, method),
        method,
        VERSION,
      );
    expect(of('resources/read', { uri: 'a:b' }, 'a:b')).toBeNull();
    expect(of('resources/read', { uri: 'a:b' }, 'a:c')?.code).toBe(-32020);
    expect(of('tools/list', {}, 'whatever')).toBeNull();
    // It is refused for what the body lacks.
    expect(of('tools/call', { name: 5 }, 'x')).toBeNull();
  });
});

describe('arguments in headers', () => {
  const schema = (properties: object, more: object = {}) =>
    Buffer.from(
      JSON.stringify({ name: 't', inputSchema: { type: 'object', properties, ...more } }),
    );
  const tool = schema({
    region: { type: 'string', 'x-mcp-header': 'Region' },
    in: { type: 'object', properties: { n: { type: 'integer', 'x-mcp-header': 'N' } } },
    b: { type: 'boolean', 'x-mcp-header': 'B' },
    plain: { type: 'string' },
  });
  const judge = (args: unknown, ...all: readonly Header[]) =>
    paramRefusal(headers(...all), frameOf({ name: 't', arguments: args }), tool)?.code ?? null;

  test.each([
    [
      { region: 'eu', in: { n: 42 }, b: true, plain: 'x' },
      [
        ['region', 'eu'],
        ['n', '42'],
        ['b', 'true'],
      ],
      null,
    ],
    [{ in: { n: 42 } }, [['n', '42.0']], null],
    [{ in: { n: 42.0 } }, [['n', '43']], -32020],
    [{ in: { n: 1 } }, [['n', 'one']], -32020],
    [{ region: '日本' }, [['region', '=?base64?5pel5pys?=']], null],
    [{ region: '' }, [['region', '=?base64??=']], null],
    [{ region: 'eu' }, [], -32020],
    [{ region: 'eu' }, [['region', 'EU']], -32020],
    [{ region: null }, [['region', 'eu']], -32020],
    [{ region: null }, [], null],
    [{}, [['region', 'eu']], -32020],
    [undefined, [], null],
    [{ b: false }, [['b', 'False']], -32020],
    [{ in: { n: 100 } }, [['n', '1e2']], null],
    [{ in: { n: '100' } }, [['n', '1e2']], -32020],
    [{ in: { n: Number.MAX_SAFE_INTEGER } }, [['n', '9007199254740992']], -32020],
    [{ in: { n: 2 ** 53 } }, [], null],
    [{ in: { n: 2 ** 53 } }, [['n', '9007199254740992']], -32020],
    [{ region: 'x'.repeat(8190) }, [], -32020],
    [{ region: 'x'.repeat(8191) }, [], null],
    [{ region: { a: 1 } }, [], null],
  ] as const)('%j with %j: %j', (args, all, code) => {
    const sent = all.map(([name, value]) => [`mcp-param-${name}`, value] as const);
    expect(judge(args, ...sent)).toBe(code);
  });

  test.each([
    [{ a: { type: 'string', 'x-mcp-header': '' } }],
    [{ a: { type: 'string', 'x-mcp-header': 'a b' } }],
    [{ a: { type: 'string', 'x-mcp-header': 5 } }],
    [{ a: { type: 'number', 'x-mcp-header': 'A' } }],
    [{ a: { type: 'object', 'x-mcp-header': 'A' } }],
    [{ a: { 'x-mcp-header': 'A' } }],
    [{ a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } }],
    [{ a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } }],
    [{ a: { type: 'string', 'x-mcp-header': 'A' }, c: { anyOf: [{ 'x-mcp-header': 'C' }] } }],
  ])('are not looked for where the annotation is not valid: %j', (properties) => {
    const frame = frameOf({ name: 't', arguments: { a: 'x', b: 'y' } });
    expect(paramRefusal(headers(), frame, schema(properties))).toBeNull();
  });

  const many = (count: number) =>
    schema(
      Object.fromEntries(
        Array.from({ length: count }, (_, n) => [
          `a${n}`,
          { type: 'string', 'x-mcp-header': `A${n}` },
        ]),
      ),
    );

  test('are looked for up to 32, and in a tool with more not at all', () => {
    const frame = frameOf({ name: 't', arguments: { a31: 'x' } });
    expect(paramRefusal(headers(), frame, many(32))?.code).toBe(-32020);
    expect(paramRefusal(headers(), frame, many(33))).toBeNull();
  });

  test('are found by looking at each byte of them a few times, however many are wanted', () => {
    const frame = frameOf({ name: 't', arguments: { big: 'x'.repeat(20_000), a0: 'x' } });
    let looks = 0;
    const line = new Proxy(frame.line, {
      get: (target, key) => {
        looks += 1;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    expect(paramRefusal(headers(), { ...frame, line }, many(32))?.code).toBe(-32020);
    expect(looks).toBeLessThan(5 * frame.line.length);
  });

  test('are compared as the numbers that they are, however either is written', () => {
    const whole =
      '{"id":1,"method":"tools/call","params":{"name":"t","arguments":{"in":{"n":1e2}}}}';
    const frame = scanFrame(Buffer.from(whole));
    if ('error' in frame) throw new Error('the test wrote a bad message');
    for (const value of ['100', '1e2', '100.0']) {
      expect(paramRefusal(headers(['mcp-param-n', value]), frame, tool)).toBeNull();
    }
    expect(paramRefusal(headers(['mcp-param-n', '101']), frame, tool)?.code).toBe(-32020);
    expect(paramRefusal(headers(), frame, tool)?.code).toBe(-32020);
  });

  test('are the last of their name, and not those of a member before', () => {
    const json = '{"in":{"n":1},"region":"eu","in":{},"region":"us"}';
    const whole = `{"id":1,"method":"tools/call","params":{"name":"t","arguments":${json}}}`;
    const frame = scanFrame(Buffer.from(whole));
    if ('error' in frame) throw new Error('the test wrote a bad message');
    expect(paramRefusal(headers(['mcp-param-region', 'us']), frame, tool)).toBeNull();
    expect(paramRefusal(headers(['mcp-param-region', 'eu']), frame, tool)?.code).toBe(-32020);
  });
});
