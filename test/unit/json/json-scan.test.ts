import { describe, expect, test } from 'vitest';
import { SCAN, Scanner, SLOT, type Slot } from '#src/shared/json/json-scan.ts';
import { fuzzScanner } from '../../stress/scanner.ts';
import { SCAN_CASES } from './scan-cases.ts';

function scanInChunks(scanner: Scanner, line: Buffer, size: number): number {
  scanner.reset();
  for (let at = 0; at < line.length; at += size) scanner.push(line.subarray(at, at + size));
  return scanner.end();
}

function valueAt(scanner: Scanner, line: Buffer, slot: Slot): string | null {
  const start = scanner.ranges[2 * slot] ?? -1;
  return start < 0 ? null : line.toString('utf8', start, scanner.ranges[2 * slot + 1]);
}

function parsesAsObject(line: Buffer): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return false;
    throw error;
  }
}

describe('edges of JSON', () => {
  const codes = new Map(Object.entries(SCAN).map(([name, code]) => [code as number, name]));
  const scanner = new Scanner();

  test.each(SCAN_CASES)('$expected: $name', ({ line, expected }) => {
    const sizes = line.length > 100_000 ? [7, 1000] : [1, 2, 3, 7];
    for (const size of [line.length || 1, ...sizes]) {
      const code = scanInChunks(scanner, line, size);
      if (expected === 'malformed') expect(code, `chunks of ${size}`).not.toBe(SCAN.ok);
      else expect(codes.get(code), `chunks of ${size}`).toBe(expected);
    }
  });

  test('what is accepted or refused by a rule is JSON, what is malformed is not', () => {
    const strict = new Set(['malformed', 'utf8', 'syntax']);
    const wrong = SCAN_CASES.filter(({ line, expected, name }) => {
      if (name.startsWith('a CR in') || line.includes('\n')) return false;
      return parsesAsObject(line) === strict.has(expected);
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });
});

describe('ranges', () => {
  const everything = Buffer.from(
    ' { "jsonrpc" : "2.0", "id": -1.5e3 ,"method":"tools/call","params":{"name":"é","uri":"u:x",' +
      '"_meta":{"progressToken":"t"},"progressToken":7,"requestId":null,"task":{},"taskId":"i","inputResponses":{"a":{}},"requestState":"r"},"error":{"code":-1,"data":[true]},' +
      '"result":{"_meta":{},"resultType":"t","ttlMs":1,"cacheScope":"s"},"x":{"id":1}} ',
  );

  test.each([1e9, 1, 2, 3, 7])('are found in chunks of %d', (size) => {
    const scanner = new Scanner();
    expect(scanInChunks(scanner, everything, size)).toBe(SCAN.ok);
    const found = Object.fromEntries(
      Object.entries(SLOT).map(([name, slot]) => [name, valueAt(scanner, everything, slot)]),
    );
    expect(found).toEqual({
      id: '-1.5e3',
      method: '"tools/call"',
      params:
        '{"name":"é","uri":"u:x","_meta":{"progressToken":"t"},"progressToken":7,"requestId":null,"task":{},"taskId":"i","inputResponses":{"a":{}},"requestState":"r"}',
      result: '{"_meta":{},"resultType":"t","ttlMs":1,"cacheScope":"s"}',
      error: '{"code":-1,"data":[true]}',
      jsonrpc: '"2.0"',
      paramsName: '"é"',
      paramsUri: '"u:x"',
      paramsMeta: '{"progressToken":"t"}',
      paramsProgressToken: '7',
      paramsRequestId: 'null',
      paramsMetaProgressToken: '"t"',
      resultMeta: '{}',
      paramsTask: '{}',
      paramsTaskId: '"i"',
      errorCode: '-1',
      errorData: '[true]',
      resultType: '"t"',
      resultTtlMs: '1',
      resultCacheScope: '"s"',
      paramsInputResponses: '{"a":{}}',
      paramsRequestState: '"r"',
    });
  });

  test('are absent for names inside other members', () => {
    const scanner = new Scanner();
    const line = Buffer.from('{"x":{"id":1,"params":{"name":"n"}},"params":[{"name":"n"}]}');
    expect(scanner.line(line)).toBe(SCAN.ok);
    expect(valueAt(scanner, line, SLOT.params)).toBe('[{"name":"n"}]');
    expect(valueAt(scanner, line, SLOT.id)).toBeNull();
    expect(valueAt(scanner, line, SLOT.paramsName)).toBeNull();
  });

  test('of one line are gone with the next', () => {
    const scanner = new Scanner();
    scanner.line(Buffer.from('{"id":1,"method":"m"}'));
    expect(scanner.line(Buffer.from('{}'))).toBe(SCAN.ok);
    expect([...scanner.ranges].every((offset) => offset === -1)).toBe(true);
    expect(scanner.hasMethod).toBe(false);
    expect(scanner.idText()).toBeNull();
  });

  test('take a plain Uint8Array as well as a Buffer', () => {
    const scanner = new Scanner();
    const line = new TextEncoder().encode('{"\\u0069d":"\\u00e9","unknown":1}');
    expect(scanner.line(line)).toBe(SCAN.ok);
    expect(scanner.idText()).toBe('"\\u00e9"');
  });
});

describe('the id of a refused line', () => {
  test.each([
    ['too deep before it', `{"result":${'['.repeat(600)}"]}\\""${']'.repeat(600)},"id":5}`],
    ['too deep after it', `{"id":5,"result":${'['.repeat(600)}`],
    ['bad UTF-8 before it', Buffer.from('7b2278223a22ff222c226964223a357d', 'hex')],
    ['a doubled name before it', '{"x":1,"x":2,"id":5}'],
    ['another id after it', '{"id":5,"id":6}'],
    [
      'many names before it',
      `{${Array.from({ length: 40 }, (_, i) => `"k${i}":1`).join()},"id":5}`,
    ],
    ['a CR before it', '{"x":\r"\r","id":5}'],
    ['malformed after it', '{"id":5,"result":nonsense}'],
    ['cut after it', '{"id":5,"result":'],
  ])('is known: %s', (_name, line) => {
    const bytes = Buffer.from(line as string);
    const scanner = new Scanner();
    for (const size of [bytes.length, 1, 2, 3, 7]) {
      expect(scanInChunks(scanner, bytes, size)).not.toBe(SCAN.ok);
      expect(scanner.idText()).toBe('5');
    }
  });

  test.each([
    ['absent', '{"result":1}', null],
    ['behind a syntax error', '{"result":nonsense,"id":5}', null],
    ['cut', '{"id":5', null],
    ['64 bytes long', `{"id":"${'i'.repeat(62)}"}`, `"${'i'.repeat(62)}"`],
    ['65 bytes long', `{"id":"${'i'.repeat(63)}"}`, null],
    ['a string', '{"id":"rea:1"}', '"rea:1"'],
    ['null', '{"id":null}', 'null'],
    ['a string with a CR', '{"id":"a\r"}', null],
    ['not UTF-8', Buffer.from('7b226964223a2261ff227d', 'hex'), null],
  ])('is told or not when it is %s', (_name, line, expected) => {
    const bytes = Buffer.from(line as string);
    const scanner = new Scanner();
    for (const size of [bytes.length, 1, 2, 3, 7]) {
      scanInChunks(scanner, bytes, size);
      expect(scanner.idText()).toBe(expected);
    }
  });
});

test('a name that trickles in costs no more than it has bytes', () => {
  const scanner = new Scanner();
  const line = Buffer.from(`{"params":{"${'k'.repeat(300_000)}":1},"id":1}`);
  expect(scanInChunks(scanner, line, 1)).toBe(SCAN.ok);
  expect(scanner.idText()).toBe('1');
});

test('agrees with JSON.parse and jsonc-parser about 20,000 random lines', () => {
  const summary = fuzzScanner(20_000, 20_250_801);
  expect(summary.examples).toEqual([]);
  expect(summary.disagreements).toBe(0);
  expect(summary.accepted).toBeGreaterThan(2_000);
  expect(summary.refusedByRule).toBeGreaterThan(200);
  expect(summary.rangesChecked).toBeGreaterThan(2_000);
}, 120_000);
