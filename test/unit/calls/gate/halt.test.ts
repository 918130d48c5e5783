import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HaltSwitch } from '#src/main/calls/gate/halt.ts';

let base: string;
let dir: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'rea-halt-'));
  dir = join(base, '.rea');
  mkdirSync(dir);
});

afterEach(() => {
  chmodSync(base, 0o700);
  rmSync(base, { recursive: true, force: true });
});

const look = () => new HaltSwitch(dir, () => 0).active();
const entry = (name = 'HALT') => join(dir, name);

test('runs while there is no such entry', () => {
  for (const name of ['HALT.md', 'HALTED', 'xHALT', 'halt~', '.HALT'])
    writeFileSync(entry(name), '');
  expect(look()).toEqual({ active: false, reason: null });
});

describe('is halted by', () => {
  test.each(['HALT', 'halt', 'Halt', 'hAlT'])('a file called %s, and gives its text', (name) => {
    writeFileSync(entry(name), '  too many\n\tcharges\n');
    expect(look()).toEqual({ active: true, reason: 'too many charges' });
  });

  test('an empty file, without a reason', () => {
    writeFileSync(entry(), '');
    expect(look()).toEqual({ active: true, reason: null });
  });

  test('a directory', () => {
    mkdirSync(entry());
    expect(look()).toEqual({ active: true, reason: expect.stringContaining('directory') });
  });

  test('a symlink, dangling or not, and never reads what it points to', () => {
    symlinkSync(join(base, 'nowhere'), entry());
    expect(look()).toEqual({ active: true, reason: expect.stringContaining('symbolic link') });
    writeFileSync(join(base, 'nowhere'), 'secret');
    expect(look().reason).not.toContain('secret');
  });

  test('a symlink to itself', () => {
    symlinkSync('HALT', entry());
    expect(look().active).toBe(true);
  });

  test('a FIFO that nobody writes to, without waiting for one', () => {
    execFileSync('mkfifo', [entry()]);
    expect(look()).toEqual({ active: true, reason: expect.stringContaining('FIFO') });
  });

  test('a FIFO with a writer, which it leaves waiting', async () => {
    execFileSync('mkfifo', [entry()]);
    const writer = spawn('/bin/sh', ['-c', 'echo waiting; echo text > "$0"', entry()]);
    try {
      await once(writer.stdout, 'data');
      for (let round = 0; round < 100; round++) expect(look().reason).toContain('FIFO');
      expect(writer.exitCode).toBeNull();
    } finally {
      const gone = once(writer, 'exit');
      writer.kill('SIGKILL');
      await gone;
    }
  });

  test('a socket', async () => {
    const server = createServer().listen(entry());
    await once(server, 'listening');
    try {
      expect(look()).toEqual({ active: true, reason: expect.stringContaining('socket') });
    } finally {
      server.close();
      await once(server, 'close');
    }
  });

  test('a file that may not be read', () => {
    writeFileSync(entry(), 'text', { mode: 0 });
    expect(look().active).toBe(true);
    if (process.getuid?.() !== 0) expect(look().reason).toContain('EACCES');
  });

  test('a missing directory', () => {
    rmSync(dir, { recursive: true });
    expect(look()).toEqual({ active: true, reason: expect.stringContaining('ENOENT') });
  });

  test('a file where the directory should be', () => {
    rmSync(dir, { recursive: true });
    writeFileSync(dir, '');
    expect(look()).toEqual({ active: true, reason: expect.stringContaining('ENOTDIR') });
  });

  test('a loop of links where the directory should be', () => {
    rmSync(dir, { recursive: true });
    symlinkSync('.rea', dir);
    expect(look()).toEqual({ active: true, reason: expect.stringContaining('ELOOP') });
  });

  test('a path that cannot be one', () => {
    expect(new HaltSwitch('/tmp/\0', () => 0).active().active).toBe(true);
  });
});

describe('the reason', () => {
  test('is at most a kibibyte, whole characters, of a file of any size', () => {
    writeFileSync(entry(), `x${'ä'.repeat(1_000_000)}`);
    expect(look().reason).toBe(`x${'ä'.repeat(511)}`);
  });

  test('cannot steer a terminal', () => {
    writeFileSync(entry(), 'a\u001b[2Jb\u009bc\u202ed\u0000e');
    expect(look().reason).toBe('a\ufffd[2Jb\ufffdc\ufffdd\ufffde');
  });

  test('may be any bytes', () => {
    writeFileSync(entry(), Buffer.from([0xff, 0xfe, 0x41, 0xc3]));
    expect(look().reason).toContain('A');
  });

  test('comes from the exact name when there are several', () => {
    writeFileSync(entry('halt'), 'lower');
    writeFileSync(entry('HALT'), 'upper');
    expect(look()).toEqual({ active: true, reason: 'upper' });
  });
});

describe('age', () => {
  test('an entry counts after 50 ms at the latest, and its removal too', () => {
    let now = 1000;
    const halt = new HaltSwitch(dir, () => now);
    expect(halt.active().active).toBe(false);
    writeFileSync(entry(), '');
    now = 1050;
    expect(halt.active().active).toBe(true);
    renameSync(entry(), join(base, 'gone'));
    now = 1100;
    expect(halt.active().active).toBe(false);
  });

  test('looks once in 50 ms', () => {
    let now = 1000;
    const halt = new HaltSwitch(dir, () => now);
    halt.active();
    writeFileSync(entry(), '');
    now = 1049;
    expect(halt.active().active).toBe(false);
  });

  test('looks at once after a refresh', () => {
    const halt = new HaltSwitch(dir, () => 1000);
    halt.active();
    writeFileSync(entry(), '');
    halt.refresh();
    expect(halt.active().active).toBe(true);
  });
});
