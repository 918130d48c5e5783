/** Code that is kept for later processes: used whole, for the source that it was made of, from a private place alone. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compileCachePlace } from '#src/main/processes/compile-cache-place.ts';
import { CompileCache, cacheName } from '#src/shared/platform/compile-cache.ts';

let home: string;
let root: string;
let directory: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rea-compiled-'));
  root = join(home, 'build');
  directory = join(home, 'compiled', cacheName('build 1', root));
  mkdirSync(join(root, 'parts'), { recursive: true });
  put('main.cjs', "exports.said = () => require('./parts/other.cjs').word;");
  put('parts/other.cjs', "exports.word = 'one';");
});

afterEach(() => {
  rmSync(home, { recursive: true });
});

/** Always of the same length and time, so that only what was kept can tell an old source from a new one. */
function put(name: string, text: string): void {
  const path = join(root, name);
  writeFileSync(path, text);
  utimesSync(path, 1, 1);
}

function load(): string {
  const cache = new CompileCache(directory, root);
  const { said } = cache.load(join(root, 'main.cjs')) as { said: () => string };
  const word = said();
  cache.keep();
  return word;
}

const kept = (name = 'parts.other.cjs') => join(directory, name);

describe('what is kept', () => {
  test('has the same name however the directory of the build is written', () => {
    const cache = new CompileCache(directory, `${root}/`);
    cache.load(join(root, 'main.cjs'));
    cache.keep();
    expect(readdirSync(directory)).toEqual(['main.cjs']);
  });

  test('is used instead of the source', () => {
    expect(load()).toBe('one');
    expect(readdirSync(directory).toSorted()).toEqual(['main.cjs', 'parts.other.cjs']);
    put('parts/other.cjs', "exports.word = 'two';");
    expect(load()).toBe('one');
  });

  test('is used no longer once the source has another time or length, and is then replaced', () => {
    load();
    put('parts/other.cjs', "exports.word = 'two';");
    utimesSync(join(root, 'parts/other.cjs'), 2, 2);
    expect(load()).toBe('two');
    put('parts/other.cjs', "exports.word = 'six';");
    utimesSync(join(root, 'parts/other.cjs'), 2, 2);
    expect(load()).toBe('two');
    put('parts/other.cjs', "exports.word = 'three';");
    utimesSync(join(root, 'parts/other.cjs'), 2, 2);
    expect(load()).toBe('three');
  });

  test.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, -100)],
    ['empty', () => Buffer.alloc(0)],
    ['shorter than a digest', (bytes: Buffer) => bytes.subarray(0, 20)],
    ['changed in one bit', (bytes: Buffer) => flipped(bytes, bytes.length - 40)],
    ['changed in its digest', (bytes: Buffer) => flipped(bytes, 3)],
    ['made by a program that knows the form but not V8', () => Buffer.from('no code of V8')],
  ])('is passed over and replaced when it is %s', (_what, spoil) => {
    load();
    const whole = readFileSync(kept());
    writeFileSync(kept(), spoil(whole));
    put('parts/other.cjs', "exports.word = 'two';");
    expect(load()).toBe('two');
    put('parts/other.cjs', "exports.word = 'six';");
    expect(load()).toBe('two');
  });

  test.each([0o620, 0o602, 0o666])('is not used when others could write it: mode %o', (mode) => {
    load();
    chmodSync(kept(), mode);
    put('parts/other.cjs', "exports.word = 'two';");
    expect(load()).toBe('two');
  });

  test('is readable and writable for its owner alone', () => {
    load();
    for (const path of [directory, join(home, 'compiled'), kept()]) {
      expect([path, statSync(path).mode & 0o077]).toEqual([path, 0]);
    }
  });

  test('is of the last eight builds', () => {
    for (let at = 0; at < 12; at += 1) {
      directory = join(home, 'compiled', cacheName(`build ${at}`, root));
      load();
      utimesSync(directory, at, at);
    }
    writeFileSync(join(home, 'compiled', 'notes'), '');
    directory = join(home, 'compiled', cacheName('the last', root));
    load();
    const names = readdirSync(join(home, 'compiled'));
    expect(names).toHaveLength(9);
    expect(names).toContain('notes');
    const newest = Array.from({ length: 7 }, (_, at) => cacheName(`build ${11 - at}`, root));
    expect(names).toEqual(expect.arrayContaining(newest));
  });
});

test('a place that cannot be written, or whose parent is missing, keeps nothing and hinders nobody', () => {
  directory = join(home, 'missing', 'compiled', cacheName('build 1', root));
  expect([load(), existsSync(join(home, 'missing'))]).toEqual(['one', false]);
  writeFileSync(join(home, 'file'), '');
  directory = join(home, 'file', 'compiled');
  expect(load()).toBe('one');
});

test('a module is run once, also when two require each other', () => {
  put(
    'main.cjs',
    "exports.count = (exports.count ?? 0) + 1; exports.other = require('./parts/other.cjs'); exports.sep = require('node:path').sep;",
  );
  put('parts/other.cjs', "exports.early = require('../main.cjs').count;");
  const cache = new CompileCache(directory, root);
  const main = cache.load(join(root, 'main.cjs'));
  expect(main).toEqual({ count: 1, other: { early: 1 }, sep: '/' });
  expect(cache.load(join(root, 'main.cjs'))).toBe(main);
});

test('an error of a module comes through, and a module that is missing is named', () => {
  put('parts/other.cjs', "throw new Error('of the module');");
  expect(() => load()).toThrow('of the module');
  put('main.cjs', "require('./parts/none.cjs');");
  expect(() => load()).toThrow('none.cjs');
});

describe('the place', () => {
  const env = () => ({ XDG_STATE_HOME: home });

  test('lies in the state home, one for each build, place and V8', () => {
    const place = compileCachePlace(env(), 'build 1', root);
    expect(place).toBe(join(home, 'rea', 'compiled', cacheName('build 1', root)));
    expect(cacheName('build 2', root)).not.toBe(cacheName('build 1', root));
    expect(cacheName('build 1', `${root}2`)).not.toBe(cacheName('build 1', root));
  });

  test.each(['rea', 'rea/compiled', 'rea/compiled/own'])(
    'is not used when others can write to %s',
    (name) => {
      const own = cacheName('build 1', root);
      const path = join(home, name.replace('own', own));
      mkdirSync(join(home, 'rea', 'compiled', own), { recursive: true, mode: 0o700 });
      expect(compileCachePlace(env(), 'build 1', root)).not.toBeNull();
      chmodSync(path, 0o770);
      expect(compileCachePlace(env(), 'build 1', root)).toBeNull();
    },
  );

  test('is none for who looks for a mistake of ours, or has told Node to do without', () => {
    for (const more of [{ REA_LOG_LEVEL: 'debug' }, { NODE_DISABLE_COMPILE_CACHE: '1' }]) {
      expect(compileCachePlace({ ...env(), ...more }, 'build 1', root)).toBeNull();
    }
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}
