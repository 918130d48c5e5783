/** Lines on a pipe: which become frames, and which are skipped or refused. */
import { describe, expect, test } from 'vitest';
import { type LineFramerOptions, type Refused } from '#src/shared/json/framing.ts';
import { collect, messageOf, read } from './framed.ts';

function refusalOf(stream: string | Buffer, options: Partial<LineFramerOptions> = {}): Refused {
  const [first, ...rest] = read(stream, options);
  expect(rest).toEqual([]);
  if (first === undefined || !('refused' in first)) throw new Error('nothing was refused');
  return first.refused;
}

describe('what is passed over', () => {
  const skips = (line: Uint8Array) => Buffer.from(line).toString().startsWith('{"skip"');
  const stream = '{"skip":1}\n{"id":1}\n{"skip":\n{"id":2}\n';

  test('is what the owner says, whatever it is, and nothing after it', () => {
    expect(read(stream, { skips })).toEqual([
      { frame: '{"id":1}', id: '1' },
      { frame: '{"id":2}', id: '2' },
    ]);
  });

  test('is never a line that comes in two pieces', () => {
    const asked: string[] = [];
    const { framer, seen } = collect({
      skips: (line) => asked.push(Buffer.from(line).toString()) > 0,
    });
    framer.push(Buffer.from('{"id"'));
    framer.push(Buffer.from(':1}\n{"id":2}\n{"id":3'));
    expect(seen).toEqual([{ frame: '{"id":1}', id: '1' }]);
    expect(asked).toEqual(['{"id":2}']);
  });
});

describe('a large answer that nobody waits for', () => {
  const MIB = 1024 * 1024;
  const nobody = { isAwaited: () => false, maxBytes: 4 * MIB };

  test('is not kept, and told as such at its end, with its id', () => {
    const { framer, seen } = collect(nobody);
    const message = Buffer.from(messageOf(2 * MIB));
    for (let at = 0; at < message.length; at += 65_536) {
      framer.push(message.subarray(at, at + 65_536));
      expect(framer.heldBytes).toBeLessThanOrEqual(65_536);
    }
    expect(framer.openBytes).toBe(0);
    framer.push(Buffer.from('\n{"id":1}\n'));
    expect(seen).toMatchObject([
      { refused: { reason: 'unawaited', idText: '41', hasOutcome: true, bytes: 2 * MIB } },
      { frame: '{"id":1}' },
    ]);
  });

  test('is whole when somebody waits, and nobody is asked about what is small', () => {
    const large = messageOf(MIB);
    expect(read(`${large}\n`, { ...nobody, isAwaited: () => true })).toMatchObject([
      { frame: large, id: '41' },
    ]);
    const small = messageOf(1000);
    expect(read(`${small}\n`, nobody)).toMatchObject([{ frame: small, id: '41' }]);
  });

  test('is an answer and nothing else: what has a method is whole', () => {
    const notification = `{"method":"m","params":"${'x'.repeat(MIB)}"}`;
    expect(read(`${notification}\n`, nobody)).toMatchObject([{ frame: notification }]);
    const both = `{"id":7,"method":"m","result":"${'x'.repeat(MIB)}"}`;
    expect(read(`${both}\n`, nobody)).toMatchObject([{ frame: both }]);
  });

  test('is refused for what else is wrong with it', () => {
    const whole = messageOf(MIB);
    expect(refusalOf(`${whole.slice(0, -1)},}\n`, nobody).reason).toBe('syntax');
    expect(refusalOf(whole, nobody).reason).toBe('truncated');
    expect(refusalOf(`${whole}\n`, { ...nobody, maxBytes: MIB - 1 }).reason).toBe('too_large');
  });
});

describe('what is let through', () => {
  test('each line becomes a frame, with either line end and white space around', () => {
    expect(read('{"id":1}\n  {"id":"é"} \r\n\n \t\r\n{"method":"m"}\n')).toEqual([
      { frame: '{"id":1}', id: '1' },
      { frame: '{"id":"é"} ', id: '"é"' },
      { frame: '{"method":"m"}', id: null },
    ]);
  });

  test('byte order marks before a message are left out', () => {
    expect(read('\ufeff{"id":1}\n \ufeff\ufeff\t{"id":2}\n\ufeff\n{"x":"\ufeff"}\n')).toEqual([
      { frame: '{"id":1}', id: '1' },
      { frame: '{"id":2}', id: '2' },
      { frame: '{"x":"\ufeff"}', id: null },
    ]);
  });

  test('carriage returns between tokens become tabs', () => {
    expect(read('\r{"id":1}\n{"result":\r1,"id":7}\n{"id":2}\r\r\n{\r}\n')).toEqual([
      { frame: '{"id":1}', id: '1' },
      { frame: '{"result":\t1,"id":7}', id: '7' },
      { frame: '{"id":2}\t', id: '2' },
      { frame: '{\t}', id: null },
    ]);
  });

  test('a frame owns its whole ArrayBuffer and is not changed by what follows', () => {
    const lines: Uint8Array[] = [];
    const { framer } = collect({ onFrame: (frame) => lines.push(frame.line) });
    framer.push(Buffer.from('{"id":1}\n{"i'));
    framer.push(Buffer.from('d":2}\n'));
    expect(lines.map((line) => Buffer.from(line).toString())).toEqual(['{"id":1}', '{"id":2}']);
    for (const line of lines) expect(line.buffer.byteLength).toBe(line.length);
    const buffer = lines[0]!.buffer as ArrayBuffer;
    expect(structuredClone(lines[0], { transfer: [buffer] })).toHaveLength(8);
    expect(lines[0]).toHaveLength(0);
  });

  test('a line of exactly the cap passes, with CR or without, and one byte more does not', () => {
    const cap = 2_000;
    expect(read(`${messageOf(cap)}\n`, { maxBytes: cap })).toHaveLength(1);
    expect(read(`${messageOf(cap)}\n`, { maxBytes: cap })[0]).toHaveProperty('frame');
    expect(read(`${messageOf(cap)}\r\n`, { maxBytes: cap })[0]).toHaveProperty('frame');
    for (const end of ['\n', '\r\n']) {
      expect(refusalOf(messageOf(cap + 1) + end, { maxBytes: cap })).toMatchObject({
        reason: 'too_large',
        idText: '41',
        hasMethod: false,
        bytes: cap + 1,
      });
    }
  });
});

describe('what is refused', () => {
  test.each<[string, string | Buffer, Refused['reason'], string | null]>([
    ['a log line', 'INFO listening on 3000\n', 'not_json', null],
    ['a batch', '[{"id":1}]\n', 'batch', null],
    ['half a byte order mark', Buffer.from('ef7b226964223a317d0a', 'hex'), 'not_json', null],
    ['other bytes before a message', 'INFO {"id":1}\n', 'not_json', null],
    ['malformed JSON', '{"id":1,"result":nope}\n', 'syntax', '1'],
    ['a cut message', '{"id":1,"result":\n', 'truncated', '1'],
    ['the end of the stream within a message', '{"id":1,"result":[', 'truncated', '1'],
    ['the end of the stream before the newline', '{"id":1}', 'truncated', '1'],
    ['doubled ids', '{"id":7,"id":8,"result":{}}\n', 'duplicate_key', '7'],
    ['a doubled name before the id', '{"result":1,"result":2,"id":7}\n', 'duplicate_key', '7'],
    ['many names', `{${numbered(17)},"id":7}\n`, 'too_many_keys', '7'],
    ['a CR within a string', '{"result":"\r","id":7}\n', 'bare_cr', '7'],
    ['a CR within a name', '{"a\r":1,"id":7}\n', 'bare_cr', '7'],
    ['a CR and broken JSON', '{"id":7,\r"result":nope}\n', 'bare_cr', '7'],
    ['bad UTF-8', Buffer.from('7b2278223a22ff222c226964223a377d0a', 'hex'), 'utf8', '7'],
    [
      'a message 200,000 deep with its id at the end',
      `{"result":${'['.repeat(2e5)}${']'.repeat(2e5)},"id":7}\n`,
      'depth',
      '7',
    ],
  ])('%s', (_name, stream, reason, idText) => {
    expect(refusalOf(stream)).toMatchObject({ reason, idText });
  });

  test('says whether it had a method or an outcome, how long it was and how it began', () => {
    const junk = `${'é'.repeat(150)}${'😀'.repeat(4000)}`;
    const refused = refusalOf(`  ${junk}\r\n`);
    expect(refused.bytes).toBe(2 + Buffer.byteLength(junk));
    expect(refused.sample).toBe('é'.repeat(150) + '😀'.repeat(949));
    expect(refused.hasMethod).toBe(false);
    const request = refusalOf('{"method":"m","id":1,"id":2}\n');
    expect(request).toMatchObject({ hasMethod: true, sample: '{"method":"m","id":1,"id":2}' });
    expect(request.hasOutcome).toBe(false);
    expect(refusalOf('{"id":1,"error":{},"x":1,"x":2}\n').hasOutcome).toBe(true);
    expect(refusalOf(Buffer.from('a\xff\r\n', 'latin1')).sample).toBe('a\ufffd');
  });

  test('does not touch the lines around it', () => {
    const big = messageOf(5_000).replace('41', '2');
    const stream = `{"id":1}\nnoise\n${big}\n{"id":3,\n[]\n{"id":4}\n`;
    expect(read(stream, { maxBytes: 100 }).map((item) => Object.values(item)[0])).toEqual([
      '{"id":1}',
      expect.objectContaining({ reason: 'not_json' }),
      expect.objectContaining({ reason: 'too_large', idText: '2' }),
      expect.objectContaining({ reason: 'truncated', idText: '3' }),
      expect.objectContaining({ reason: 'batch' }),
      '{"id":4}',
    ]);
  });

  test('is not kept: an endless line is only counted', () => {
    const { framer, seen } = collect({ maxBytes: 10_000 });
    const chunk = Buffer.alloc(64 * 1024, 'x');
    framer.push(Buffer.from('{"result":"'));
    for (let pushed = 0; pushed < 2_000; pushed++) {
      framer.push(chunk);
      expect(framer.heldBytes).toBe(0);
    }
    expect(framer.pendingBytes).toBe(11 + 2_000 * chunk.length);
    expect(seen).toEqual([]);
    framer.push(Buffer.from('","id":9}\n'));
    expect(framer.pendingBytes).toBe(0);
    expect(seen).toEqual([
      { refused: expect.objectContaining({ reason: 'too_large', idText: '9' }) },
    ]);
  });
});

function numbered(count: number): string {
  return Array.from({ length: count }, (_, index) => `"k${index}":1`).join();
}
