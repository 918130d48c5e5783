/** The file of pins: what is read, what is refused, and that of several writers none loses anything. */
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyPath, pinsKey, updatePins } from '#src/main/pins/pins-file.ts';
import { parsePins, pinsPath, readPins } from '#src/main/pins/read-pins.ts';
import { MOST_FORMS, ownOf, type Pins, withForm, withOwn } from '#src/shared/model/pins.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-pins-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = '2026-01-01T00:00:00.000Z';
const pinned =
  (name: string, pin = 'p') =>
  (pins: Pins): Pins => ({
    ...pins,
    programs: withOwn(pins.programs, name, [{ pin, at }]),
  });
const write = (text: string): void => writeFileSync(pinsPath(dir), text, { mode: 0o600 });
const onDisk = (): unknown => JSON.parse(readFileSync(pinsPath(dir), 'utf8'));

describe('writing', () => {
  it('makes the file for the user alone, and leaves nothing beside it', async () => {
    expect(await updatePins(dir, pinned('files'))).toMatchObject({ ok: true, written: true });
    expect(statSync(pinsPath(dir)).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['pins.json']);
    expect(readPins(dir)).toEqual({
      kind: 'pins',
      pins: { schema: 1, programs: { files: [{ pin: 'p', at }] } },
    });
  });

  it('loses nothing when many write at the same time', async () => {
    const names = Array.from({ length: 24 }, (_, index) => `server-${index}`);
    const results = await Promise.all(names.map((name) => updatePins(dir, pinned(name))));
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    const read = readPins(dir);
    expect(read.kind === 'pins' && Object.keys(read.pins.programs ?? {}).sort()).toEqual(
      names.sort(),
    );
  });

  it('keeps what it does not know', async () => {
    write(
      JSON.stringify({
        schema: 1,
        later: { a: 1 },
        programs: { files: [{ pin: 'p', at, note: 'x' }] },
      }),
    );
    await updatePins(dir, pinned('search'));
    expect(onDisk()).toEqual({
      schema: 1,
      later: { a: 1 },
      programs: { files: [{ pin: 'p', at, note: 'x' }], search: [{ pin: 'p', at }] },
    });
  });

  it('does not touch the file without a change', async () => {
    await updatePins(dir, pinned('files'));
    const before = statSync(pinsPath(dir)).ino;
    expect(await updatePins(dir, (pins) => pins)).toMatchObject({ ok: true, written: false });
    expect(statSync(pinsPath(dir)).ino).toBe(before);
  });

  it('replaces the lock of a dead process, and removes what one has left', async () => {
    writeFileSync(join(dir, 'pins.lock'), '4000000 dead 1 pid:[1] an-earlier-boot\n');
    writeFileSync(join(dir, '.pins.json.dead.tmp'), 'half');
    expect(await updatePins(dir, pinned('files'))).toMatchObject({ ok: true });
    expect(readdirSync(dir)).toEqual(['pins.json']);
  });

  it('says what is wrong where it cannot write', async () => {
    const gone = join(dir, 'none');
    expect(await updatePins(gone, pinned('files'))).toEqual({
      ok: false,
      error: expect.stringMatching(/none\/pins\.json cannot be written: ENOENT.*is not pinned$/),
    });
  });

  it('does not write over a damaged file, unless it is told to; what was there is kept aside', async () => {
    write('{"schema":1,');
    expect(await updatePins(dir, pinned('files'))).toMatchObject({ ok: false });
    expect(readFileSync(pinsPath(dir), 'utf8')).toBe('{"schema":1,');
    expect(await updatePins(dir, pinned('files'), { replaceDamaged: true })).toMatchObject({
      ok: true,
    });
    expect(readFileSync(`${pinsPath(dir)}.damaged`, 'utf8')).toBe('{"schema":1,');
    expect(onDisk()).toEqual({ schema: 1, programs: { files: [{ pin: 'p', at }] } });
  });
});

describe('reading', () => {
  it.each([
    ['nothing', '', 'is not JSON'],
    ['half of it', '{"schema":1,"programs":{', 'is not JSON'],
    ['a list', '[]', 'is not an object'],
    ['no schema', '{}', 'schema is not 1'],
    ['a later schema', '{"schema":2}', 'is of a newer version of rea (schema 2)'],
    ['programs as a list', '{"schema":1,"programs":[]}', 'programs is not an object'],
    ['one form', '{"schema":1,"programs":{"a":{}}}', 'programs.a is not a list'],
    ['no pin', '{"schema":1,"programs":{"a":[{"at":"x"}]}}', 'programs.a[0].pin is no pin'],
    ['no time', '{"schema":1,"programs":{"a":[{"pin":"x"}]}}', 'programs.a[0].at is no time'],
    [
      'parts of another kind',
      '{"schema":1,"programs":{"a":[{"pin":"x","at":"y","parts":{"env":1}}]}}',
      'programs.a[0].parts.env is no pin',
    ],
    [
      'a definition without a hash',
      '{"schema":1,"definitions":{"a":{"tool/b":[{"at":"x"}]}}}',
      'a.tool/b[0].hash is no hash',
    ],
    [
      'a verdict of another kind',
      '{"schema":1,"definitions":{"a":{"tool/b":[{"hash":"h","at":"x","verdict":"v"}]}}}',
      'a.tool/b[0].verdict is no list of rules',
    ],
    [
      'too many forms',
      JSON.stringify({ schema: 1, programs: { a: Array(MOST_FORMS + 1).fill({ pin: 'p', at }) } }),
      `programs.a has more than ${MOST_FORMS} entries`,
    ],
  ])('refuses %s', (_name, text, why) => {
    const read = parsePins(text);
    expect(read).toEqual({ kind: 'damaged', why: expect.stringContaining(why) });
  });

  it('refuses what others can write, a link, and a directory', () => {
    write('{"schema":1}');
    chmodSync(pinsPath(dir), 0o666);
    expect(readPins(dir)).toEqual({ kind: 'damaged', why: expect.stringContaining('mode 666') });
    rmSync(pinsPath(dir));
    writeFileSync(join(dir, 'other'), '{"schema":1}');
    symlinkSync(join(dir, 'other'), pinsPath(dir));
    expect(readPins(dir)).toMatchObject({ kind: 'damaged' });
  });

  it('tells no file from an empty one', () => {
    expect(readPins(dir)).toEqual({ kind: 'absent' });
    write('');
    expect(readPins(dir)).toMatchObject({ kind: 'damaged' });
  });

  it('finds no inherited member, and keeps one of any name', () => {
    const pins = parsePins('{"schema":1,"programs":{"__proto__":[{"pin":"x","at":"y"}]}}');
    if (pins.kind !== 'pins') throw new Error('refused');
    expect(ownOf(pins.pins.programs, 'constructor')).toBeNull();
    expect(ownOf(pins.pins.programs, '__proto__')).toEqual([{ pin: 'x', at: 'y' }]);
    const more = withOwn(pins.pins.programs, 'constructor', []);
    expect(Object.keys(more)).toEqual(['__proto__', 'constructor']);
  });
});

it('keeps the newest forms, each once', () => {
  const same = (one: number) => (other: number) => one === other;
  expect(withForm([1, 2], 1, same(1))).toEqual([2, 1]);
  const all = Array.from({ length: 40 }, (_, index) => index);
  const kept = all.reduce<readonly number[]>((forms, one) => withForm(forms, one, same(one)), []);
  expect(kept).toEqual(all.slice(-MOST_FORMS));
});

describe('the key', () => {
  it('is made once, for the user alone', () => {
    const made = pinsKey(dir);
    expect(made).toMatchObject({ ok: true });
    expect(pinsKey(dir)).toEqual(made);
    expect(statSync(keyPath(dir)).mode & 0o777).toBe(0o600);
  });

  it('is not used when others can read it, or when it is none', () => {
    writeFileSync(keyPath(dir), `${'ab'.repeat(32)}\n`, { mode: 0o600 });
    expect(pinsKey(dir)).toMatchObject({ ok: true });
    chmodSync(keyPath(dir), 0o644);
    expect(pinsKey(dir)).toEqual({ ok: false, error: expect.stringContaining('mode 644') });
    chmodSync(keyPath(dir), 0o600);
    writeFileSync(keyPath(dir), 'short');
    expect(pinsKey(dir)).toEqual({ ok: false, error: expect.stringContaining('holds no key') });
  });
});
