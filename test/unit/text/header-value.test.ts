/** Values of headers in revision 2026-07-28: any text comes back as it was, and what cannot be decoded is refused. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, validateHeaderValue } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeHeaderValue, encodeHeaderValue } from '#src/shared/text/header-value.ts';

test.each([
  ['eu-west-1', 'eu-west-1'],
  ['a b\tc', 'a b\tc'],
  ['', ''],
  [' a', '=?base64?IGE=?='],
  ['a\t', '=?base64?YQk=?='],
  [' ', '=?base64?IA==?='],
  ['Zürich', '=?base64?WsO8cmljaA==?='],
  ['a\r\nX-Evil: 1', '=?base64?YQ0KWC1FdmlsOiAx?='],
  ['=?base64??=', '=?base64?PT9iYXNlNjQ/Pz0=?='],
  ['=?base64?x', '=?base64?x'],
])('%j is sent as %j, and read as it was', (text, value) => {
  expect(encodeHeaderValue(text)).toBe(value);
  expect(decodeHeaderValue(value)).toBe(text);
});

test.each([
  ['us-west1', 'us-west1'],
  ['two words', 'two words'],
  ['=?base64?SGVsbG8=?=', 'Hello'],
  ['=?base64?5pel5pys?=', '日本'],
  ['=?base64?IHBhZGRlZCA=?=', ' padded '],
  ['=?base64??=', ''],
  ['=?base64?=', '=?base64?='],
  ['', ''],
  ['=?base64?SGVsbG8=', '=?base64?SGVsbG8='],
  ['SGVsbG8=?=', 'SGVsbG8=?='],
  ['=?BASE64?SGVsbG8=?=', '=?BASE64?SGVsbG8=?='],
  ['=?base64?SGVsbG8?=', null],
  ['=?base64?SGVs!!!bG8=?=', null],
  ['=?base64?=AAA?=', null],
  ['=?base64?/w==?=', null],
  ['é', null],
  ['a\u0000b', null],
])('%j is read as %j', (value, text) => {
  expect(decodeHeaderValue(value)).toBe(text);
});

test('any text comes back, and is a header', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.string().map((one) => `=?base64?${one}?=`),
    fc.string({ unit: fc.constantFrom(' ', '\t', 'a', '\n') }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      // A half of a surrogate pair has no UTF-8.
      fc.pre(Buffer.from(text).toString() === text);
      const value = encodeHeaderValue(text);
      expect(() => validateHeaderValue('x-value', value)).not.toThrow();
      expect(value.trim()).toBe(value);
      expect(decodeHeaderValue(value)).toBe(text);
    }),
  );
});

test('whatever a value is, it is decoded or refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const decoded = decodeHeaderValue(value);
      expect(decoded === null || decoded === Buffer.from(decoded).toString()).toBe(true);
    }),
  );
});

test('Node takes the blanks around a value away', async () => {
  const server = createServer((_request, response) => response.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  try {
    const asked = once(server, 'request');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nMcp-Name:\t  two words \t \r\n\r\n');
    const [request] = (await asked) as [IncomingMessage];
    expect(request.headersDistinct['mcp-name']).toEqual(['two words']);
  } finally {
    socket.destroy();
    server.close();
  }
});
