import { beforeEach, describe, expect, test } from 'vitest';
import { StderrReader } from '#src/workers/supervisor/process/stderr.ts';

let now = 0;
let lines: string[] = [];
let dropped: number[] = [];
let reader: StderrReader;
const push = (text: string) => reader.push(Buffer.from(text));

beforeEach(() => {
  now = 0;
  lines = [];
  dropped = [];
  reader = new StderrReader({
    redact: (text) => text.replaceAll('hunter22', '[REDACTED]'),
    onLine: (line) => lines.push(line),
    onDropped: (count) => dropped.push(count),
    now: () => now,
  });
});

describe('stderr', () => {
  test('is passed on line by line, in any chunking', () => {
    push('one\r\nt');
    push('wo\n\nthr');
    reader.push(Buffer.from([0xc3]));
    reader.push(Buffer.from([0xa9, 0x0a]));
    push('half');
    reader.end();
    expect(lines).toEqual(['one', 'two', 'thré', 'half']);
  });

  test('shows neither secrets nor control characters', () => {
    push('password \u001b[31mhunter22\u001b[0m\u009b\n');
    expect(lines[0]).toContain('[REDACTED]');
    for (const control of ['\u001b', '\u009b']) {
      expect(lines[0]).not.toContain(control);
      expect(reader.tail()).not.toContain(control);
    }
    expect(reader.tail()).not.toContain('hunter22');
  });

  test('cuts a long line once and skips the rest of it', () => {
    push('x'.repeat(3000));
    push('x'.repeat(3000));
    push('x'.repeat(3000));
    push('\nnext\n');
    expect(lines.map((line) => line.length)).toEqual([4097, 4]);
  });

  test.each([4090, 4095, 4096, 8185, 8190])(
    'shows no beginning of a secret at unit %i of a long line',
    (at) => {
      push(`${'x'.repeat(at)}hunter22${'y'.repeat(9000)}\n`);
      push(`${'hunter22 '.repeat(20)}${'x'.repeat(at - 180)}hunter22\n`);
      for (const line of lines) expect(line).not.toContain('h');
    },
  );

  test('shows no beginning of a cut secret that redaction moved to the front', () => {
    const long = 'k'.repeat(2000);
    const redact = (text: string) => text.replaceAll(long, '');
    reader = new StderrReader({
      redact,
      onLine: (line) => lines.push(line),
      onDropped: () => {},
      now: () => now,
    });
    push(`${long.repeat(6)}\n`);
    expect(lines).toEqual(['…']);
    expect(reader.tail()).not.toContain('k');
  });

  test('lets a burst through, then so many lines a second, and counts the rest once', () => {
    push('line\n'.repeat(250));
    expect(lines).toHaveLength(100);
    expect(dropped).toEqual([]);
    now = 1000;
    push('line\n'.repeat(50));
    expect(lines).toHaveLength(120);
    expect(dropped).toEqual([150]);
    reader.end();
    expect(dropped).toEqual([150, 30]);
  });

  test('keeps its end, at most 2048 units and no half character', () => {
    for (let at = 0; at < 2000; at += 1) push(`line ${at} \u{1f600}\n`);
    const tail = reader.tail();
    expect(tail.length).toBeLessThanOrEqual(2048);
    expect(tail.endsWith('line 1999 \u{1f600}')).toBe(true);
    expect(encodeURIComponent(tail)).toContain('line');
  });

  test('keeps a secret out of its end that was cut before the end', () => {
    push(`${'hunter22 '.repeat(1000)}\n`);
    expect(reader.tail()).not.toContain('hunter22');
  });

  test('finds the line that tells among more than the tail shows', () => {
    const frames = Array.from(
      { length: 60 },
      (_, at) => `    at call (/srv/x.js:${at}:1) ${'y'.repeat(40)}`,
    );
    push(`Error: no licence\n${frames.join('\n')}\n`);
    expect(reader.tail()).not.toContain('no licence');
    expect(reader.lastWords()?.text).toBe('Error: no licence');
  });

  test('takes colours out, and no line ends with them', () => {
    push('\u001b[1;31mError:\u001b[0m no licence\n[5m] of 10 min\n');
    expect(reader.tail()).toBe('Error: no licence\n[5m] of 10 min');
    expect(reader.lastWords()).toEqual({ text: 'Error: no licence', isError: true });
    push('Error: bad key hun\u001b[1mter22\u001b[0m\n');
    expect(reader.lastWords()?.text).toBe('Error: bad key [REDACTED]');
  });

  test('tells no half of a secret where the beginning is cut off', () => {
    const line = 'error: key hunter22 is bad';
    for (let shift = 0; shift < line.length; shift += 1) {
      push(`${line}\n${'z'.repeat(8192 - line.length - 2 + shift)}\n`);
      expect(reader.lastWords()?.text ?? '').not.toMatch(/r22|unter/);
    }
  });
});
