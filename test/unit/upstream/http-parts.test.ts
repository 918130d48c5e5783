import { expect, test } from 'vitest';
import { isAnswer } from '#src/main/upstream/http-answer.ts';
import { toLine } from '#src/main/upstream/http-body.ts';
import { foreignRequest, hostPort, loopbackAddress } from '#src/main/upstream/http-guard.ts';
import { Waiting } from '#src/main/upstream/http-waiting.ts';

const ANSWERS = [
  '{"jsonrpc":"2.0","id":1,"result":{"method":"x"}}',
  '{"result":{},"jsonrpc":"2.0","id":1}',
  '{"error":{"code":1,"message":"method"},"id":"method"}',
  '{"x":{"method":[{"method":"y"}]},"id":"\\"method\\":","result":[]}',
  '{"r\\u0065sult":1}',
  '{"x\\\\":"method","result":1}',
];
const OTHERS = [
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"result":1}}',
  '{"params":{"result":{},"error":[{"result":1}]},"method":"m"}',
  '{"id":7,"m\\u0065thod":"sampling/createMessage","params":{}}',
  '{"x":"\\"result\\":","y":["result"],"method":"result"}',
];

test('an answer is told from other messages however it is cut into parts', () => {
  for (const [texts, expected] of [
    [ANSWERS, true],
    [OTHERS, false],
  ] as const) {
    for (const text of texts) {
      const bytes = Buffer.from(text);
      for (let cut = 0; cut <= bytes.length; cut++) {
        expect(isAnswer([bytes.subarray(0, cut), bytes.subarray(cut)]), text).toBe(expected);
      }
    }
  }
});

test('line breaks between tokens become spaces, those inside strings stay', () => {
  const line = (text: string) => Buffer.from(toLine(Buffer.from(text))).toString();
  expect(line('{\r\n "a": "b\\n\\"",\n"c": 1\n}')).toBe('{   "a": "b\\n\\"", "c": 1 }');
  expect(line('{"a":"b\nc"}')).toBe('{"a":"b\nc"}');
  expect(line('{"a\\\\":\n1}')).toBe('{"a\\\\": 1}');
});

test('only local hosts and origins pass', () => {
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:7332', '[::1]', '[::1]:80']) {
    expect(foreignRequest({ host }), host).toBeNull();
    for (const scheme of ['http', 'https']) {
      expect(foreignRequest({ host, origin: `${scheme}://${host}` }), host).toBeNull();
    }
  }
  const foreign = [
    'example.com',
    'localhost.example.com',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '::1',
    '',
  ];
  for (const host of [...foreign, 'localhost:', 'a@localhost', '0.0.0.0:1', 'localhost:1:2']) {
    expect(foreignRequest({ host }), host).toMatch(/Host/);
  }
  expect(foreignRequest({})).toMatch(/Host/);
  for (const origin of [
    'null',
    '',
    'http://evil.example',
    'file://localhost',
    'http://localhost/x',
  ]) {
    expect(foreignRequest({ host: 'localhost', origin }), origin).toMatch(/Origin/);
  }
});

test('only loopback addresses are bound', () => {
  expect(loopbackAddress('localhost')).toBe('127.0.0.1');
  expect(loopbackAddress('[::1]')).toBe('::1');
  for (const host of ['0.0.0.0', '::', '', '192.168.0.1', 'example.com', '127.0.0.1.example.com']) {
    expect(loopbackAddress(host), host).toBeNull();
  }
  expect(hostPort('::1', 80)).toBe('[::1]:80');
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
