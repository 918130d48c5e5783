/** A log file on a real disk: its parts, what is dropped, and what is written again. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogFile } from '#src/main/log/log-file.ts';
import { createLogger } from '#src/main/logger.ts';
import { until } from '../../support/wait-for.ts';

const MIB = 1024 * 1024;
const LONG_MS = 60_000;

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-log-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

interface House {
  readonly file: LogFile;
  readonly path: string;
  readonly open: () => void;
  /** What was told of it. */
  readonly told: () => string[];
}

function house(retryMs = 10): House {
  const stderr = new PassThrough();
  let text = '';
  stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const file = new LogFile(retryMs);
  const path = join(dir, 'log', 's.log');
  const log = createLogger({}, stderr as unknown as NodeJS.WriteStream, undefined, file);
  const told = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).msg);
  return { file, path, open: () => file.open(path, log), told };
}

const linesOf = (path: string) => readFileSync(path, 'utf8').split('\n').slice(0, -1);
const numbered = (at: number, length = 1000) => `{"at":${at},"x":"${'x'.repeat(length)}"}`;
const written = (path: string, text: string) =>
  until(() => existsSync(path) && readFileSync(path, 'utf8').includes(text), { what: text });

test('five parts of 2 MiB are kept, whole lines, none lost between them', async () => {
  const { file, path, open, told } = house();
  open();
  const count = 14_000;
  for (let at = 0; at < count; at++) {
    file.write(numbered(at));
    // No more than it may hold.
    if (at % 500 === 499) await written(path, `{"at":${at},`);
  }
  await file.close(LONG_MS);
  const parts = [4, 3, 2, 1].map((part) => `${path}.${part}`);
  expect(readdirSync(join(dir, 'log')).sort()).toEqual([
    's.log',
    's.log.1',
    's.log.2',
    's.log.3',
    's.log.4',
  ]);
  for (const part of parts) {
    expect(statSync(part).size).toBeLessThanOrEqual(2 * MIB);
    expect(statSync(part).size).toBeGreaterThan(1.9 * MIB);
    expect((statSync(part).mode & 0o777).toString(8)).toBe('600');
  }
  const all = [...parts, path].flatMap(linesOf).map((line) => JSON.parse(line).at);
  expect(all).toEqual(Array.from(all, (_, at) => count - all.length + at));
  expect(told()).toEqual([]);
});

test('beyond 1 MiB that cannot be written lines are dropped, and their number stands at their place', async () => {
  const { file, path, open, told } = house();
  writeFileSync(join(dir, 'log'), '');
  file.write(numbered(0));
  open();
  await until(() => told().length > 0, { what: 'the trouble to be told' });
  for (let at = 1; at < 3000; at++) file.write(numbered(at));
  rmSync(join(dir, 'log'));
  await until(() => told().length > 1, { what: 'the end of it to be told' });
  file.write(numbered(3000));
  await file.close(LONG_MS);
  const records = linesOf(path).map((line) => JSON.parse(line));
  const kept = records.filter(({ at }) => at !== undefined && at < 3000).length;
  expect(kept).toBeGreaterThan(900);
  expect(kept * 1000).toBeLessThan(MIB);
  const gap = records.findIndex(({ msg }) => msg === 'log lines dropped');
  expect(records[gap - 1].at).toBe(kept - 1);
  expect(records[gap].dropped).toBe(3000 - kept);
  expect(records.at(-1).at).toBe(3000);
  expect(told()).toEqual([
    expect.stringMatching(/^the log file .*s\.log cannot be written: .*not a directory/),
    expect.stringContaining(`is written again; ${3000 - kept} lines are missing`),
  ]);
});

test('what is taken before it is opened is written, and what is taken after its end is not', async () => {
  const { file, path, open } = house();
  file.write('{"at":"first"}');
  open();
  await file.close(LONG_MS);
  file.write('{"at":"late"}');
  expect(linesOf(path)).toEqual(['{"at":"first"}']);
});

test('the last line of a process that ends at once is written with those before it', async () => {
  const { file, path, open } = house();
  open();
  file.write('{"at":0}');
  await written(path, '{"at":0}');
  file.write('{"at":1}');
  file.write('{"at":2}');
  file.writeLast('{"at":3}');
  expect(readFileSync(path, 'utf8')).toContain('{"at":2}\n{"at":3}\n');
  await file.close(LONG_MS);
  expect(linesOf(path).sort()).toEqual([0, 1, 2, 3].map((at) => `{"at":${at}}`));
});

test('neither a link nor a FIFO in its place is followed', async () => {
  const { file, path, open, told } = house(LONG_MS);
  mkdirSync(join(dir, 'log'), { mode: 0o700 });
  writeFileSync(join(dir, 'other'), 'mine');
  symlinkSync(join(dir, 'other'), path);
  file.write('{"at":0}');
  open();
  await until(() => told().length > 0, { what: 'the trouble to be told' });
  await file.close(LONG_MS);
  expect(readFileSync(join(dir, 'other'), 'utf8')).toBe('mine');
  expect(told()).toEqual([
    expect.stringContaining('cannot be written: ELOOP'),
    expect.stringContaining('ends; 2 lines are missing'),
  ]);
});

test('one that somebody has cut is gone on with, and its size is looked up', async () => {
  const { file, path, open, told } = house();
  open();
  for (let at = 0; at < 900; at++) file.write(numbered(at));
  await written(path, '{"at":899,');
  truncateSync(path, 0);
  for (let at = 900; at < 1800; at++) file.write(numbered(at));
  await written(path, '{"at":1799,');
  for (let at = 1800; at < 2300; at++) file.write(numbered(at));
  await file.close(LONG_MS);
  // 1400 lines are less than 2 MiB.
  expect(readdirSync(join(dir, 'log'))).toEqual(['s.log']);
  expect(linesOf(path)).toHaveLength(1400);
  expect(told()).toEqual([]);
});
