import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseReader } from '#src/workers/supervisor/http/sse-reader.ts';

interface Read {
  readonly data: string;
  readonly type: string;
  readonly id: string | null;
}

/** Everything that carries data, one character for each byte; breaks between lines of data are \n. */
function read(bytes: Buffer, cuts: readonly number[] = []): { events: Read[]; retries: number[] } {
  const events: Read[] = [];
  const retries: number[] = [];
  let data = '';
  const reader = new SseReader({
    onData: (piece) => {
      data += Buffer.from(piece).toString('latin1');
    },
    onDataBreak: () => {
      data += '\n';
    },
    onEvent: ({ type, id, hasData }) => {
      if (hasData) events.push({ data, type, id });
      data = '';
    },
    onRetry: (ms) => retries.push(ms),
  });
  let from = 0;
  for (const cut of [...cuts, bytes.length]
    .map((at) => at % (bytes.length + 1))
    .sort((a, b) => a - b)) {
    // A copy, spoilt afterwards: nothing of a chunk may be looked at later.
    const chunk = Buffer.from(bytes.subarray(from, cut));
    reader.push(chunk);
    chunk.fill(0x21);
    from = cut;
  }
  return { events, retries };
}

function reference(bytes: Buffer): Read[] {
  const events: Read[] = [];
  const parser = createParser({
    onEvent: ({ data, event, id }) =>
      events.push({ data, type: event ?? 'message', id: id ?? null }),
  });
  parser.feed(bytes.toString('latin1'));
  return events;
}

const texts = (...lines: string[]) => Buffer.from(lines.join('\n'));

describe('a reader of server-sent events', () => {
  it.each<[string, Buffer, Read[]]>([
    ['one event', texts('data: a', '', ''), [{ data: 'a', type: 'message', id: null }]],
    ['no space', texts('data:a', '', ''), [{ data: 'a', type: 'message', id: null }]],
    ['two spaces', texts('data:  a', '', ''), [{ data: ' a', type: 'message', id: null }]],
    [
      'lines',
      texts('data: a', 'data', 'data:', 'data: b', '', ''),
      [{ data: 'a\n\n\nb', type: 'message', id: null }],
    ],
    [
      'a type and an id',
      texts('event: x', 'id: 7', 'data: a', '', 'data: b', '', ''),
      [
        { data: 'a', type: 'x', id: '7' },
        { data: 'b', type: 'message', id: null },
      ],
    ],
    ['an unfinished event', texts('data: a', ''), []],
    ['a comment', texts(': data: a', '', ''), []],
    ['another field', texts('database: a', 'dat: b', '', ''), []],
    [
      'a mark at the beginning',
      Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), texts('data: a', '', '')]),
      [{ data: 'a', type: 'message', id: null }],
    ],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from('data: '), Buffer.from([0xff, 0x80]), Buffer.from('\n\n')]),
      [{ data: '\u00ff\u0080', type: 'message', id: null }],
    ],
    [
      'an id with a NUL',
      texts('id: a\0', 'data: b', '', ''),
      [{ data: 'b', type: 'message', id: null }],
    ],
    [
      'a long id',
      texts(`id: ${'x'.repeat(2000)}`, 'data: b', '', ''),
      [{ data: 'b', type: 'message', id: null }],
    ],
  ])('reads %s', (_what, bytes, expected) => {
    expect(read(bytes).events).toEqual(expected);
    expect(read(bytes, [...bytes.keys()]).events).toEqual(expected);
  });

  it('tells how long to stay away, when it is a number', () => {
    const bytes = texts('retry: 250', 'retry: soon', 'retry: 99999999999', 'retry:10', '', '');
    expect(read(bytes).retries).toEqual([250, 10]);
  });

  it('reads what the reference reads, wherever the stream is cut', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'data',
        'data:',
        'data: ',
        'id: ',
        'event: ',
        ':',
        'x',
        '\n',
        '\r',
        '\r\n',
        '\n\n',
        '{"a":1}',
        'é',
        ' ',
        'dat',
      ),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.array(fc.nat(400), { maxLength: 20 }),
        (pieces, cuts) => {
          // What may be in an id is our own rule; the reference waits for what follows a CR.
          const text = `${pieces.join('')}\n`.replaceAll(/[^\P{Cc}\r\n]|\ufeff/gu, '_');
          const bytes = Buffer.from(text);
          expect(read(bytes, cuts).events).toEqual(reference(bytes));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('takes line ends by the thousand in linear time', () => {
    for (const end of ['\r', '\n', '\r\n']) {
      const bytes = Buffer.from(end.repeat(2_000_000));
      expect(read(bytes).events).toEqual([]);
    }
  });
});
