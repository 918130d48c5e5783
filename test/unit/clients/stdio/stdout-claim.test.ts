/** What is written to a client that takes it slowly: the order, and when all of it has been taken. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { own } from '#src/main/calls/owned-lines.ts';
import { claimStdout } from '#src/main/clients/stdio/stdout-claim.ts';
import { until } from '../../../support/wait-for.ts';

const LARGE = 200_000;

test('a small message passes large answers that are not begun, and none is torn', async () => {
  const stdout = new PassThrough({ highWaterMark: 16 });
  const claimed = claimStdout(
    stdout as unknown as NodeJS.WriteStream,
    new PassThrough() as unknown as NodeJS.WriteStream,
  );
  const large = (letter: string) => [Buffer.from(letter.repeat(LARGE)), Buffer.from('\n')];
  for (const letter of ['a', 'b', 'c']) claimed.writeLarge(large(letter));
  claimed.write([Buffer.from('small'), Buffer.from('\n')], 6);
  expect(claimed.waiting()).toBeGreaterThanOrEqual(3 * LARGE);
  let flushed = false;
  claimed.flushed(() => {
    flushed = true;
  });
  expect(flushed).toBe(false);

  let read = '';
  stdout.on('data', (chunk: Buffer) => {
    read += chunk.toString();
  });
  await until(() => flushed, { limitMs: 10_000, what: 'all to be taken' });
  const lines = read.split('\n').slice(0, -1);
  expect(lines.map((line) => `${line.slice(0, 5)} ${line.length}`)).toEqual([
    `aaaaa ${LARGE}`,
    'small 5',
    `bbbbb ${LARGE}`,
    `ccccc ${LARGE}`,
  ]);
  expect(claimed.waiting()).toBe(0);
});

test('a large answer of which nobody else has need is freed when the client has taken it, not before', async () => {
  const stdout = new PassThrough({ highWaterMark: 16 });
  const claimed = claimStdout(
    stdout as unknown as NodeJS.WriteStream,
    new PassThrough() as unknown as NodeJS.WriteStream,
  );
  const line = Buffer.allocUnsafeSlow(LARGE).fill('a');
  const shared = Buffer.allocUnsafeSlow(LARGE).fill('b');
  own(line);
  claimed.writeLarge([line.subarray(0, 100), line.subarray(100), shared, Buffer.from('\n')]);
  expect(line.length).toBe(LARGE);
  let read = '';
  stdout.on('data', (chunk: Buffer) => {
    read += chunk.toString();
  });
  await until(() => read.endsWith('\n'), { limitMs: 10_000, what: 'the answer' });
  expect(read).toBe(`${'a'.repeat(LARGE)}${'b'.repeat(LARGE)}\n`);
  await until(() => line.length === 0, { limitMs: 10_000, what: 'its memory to be freed' });
  expect(shared.length).toBe(LARGE);
});

test('many small messages of one turn are written in parts, in their order', async () => {
  const stdout = new PassThrough();
  const written: number[] = [];
  const write = stdout.write.bind(stdout);
  stdout.write = ((chunk: Uint8Array) => {
    written.push(chunk.toString().split('\n').length - 1);
    return write(chunk);
  }) as typeof stdout.write;
  const claimed = claimStdout(
    stdout as unknown as NodeJS.WriteStream,
    new PassThrough() as unknown as NodeJS.WriteStream,
  );
  for (let at = 0; at < 70; at += 1) {
    const line = Buffer.from(`${at}\n`);
    claimed.write([line], line.length);
  }
  expect(written).toEqual([32, 32]);
  await until(() => written.length === 3, { limitMs: 10_000, what: 'the rest' });
  expect(written).toEqual([32, 32, 6]);
  const numbers = String(stdout.read()).split('\n').slice(0, -1).map(Number);
  expect(numbers).toEqual(Array.from({ length: 70 }, (_, at) => at));
});
