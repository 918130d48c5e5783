/** Definitions in the file of pins: several gateways and a person write it, and nothing is lost. */
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { definitionKey, type News } from '#src/main/pins/definition-forms.ts';
import { DefinitionStore } from '#src/main/pins/definition-store.ts';
import { DefinitionTexts, MAX_TEXT_BYTES, readText } from '#src/main/pins/definition-texts.ts';
import { pinsPath, readPins } from '#src/main/pins/read-pins.ts';
import { acceptWaiting, lookable, waitingIn } from '#src/main/pins/waiting-definitions.ts';
import type { Form } from '#src/shared/machines/drift.ts';
import type { DefinitionKind } from '#src/shared/model/findings.ts';
import type { Pins } from '#src/shared/model/pins.ts';

const AT = '2026-01-01T00:00:00.000Z';
let stateDir = '';
let warnings: string[] = [];

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'rea-definitions-'));
  warnings = [];
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const newStore = () => new DefinitionStore({ stateDir, warn: (line) => warnings.push(line) });

function news(name: string, form: Partial<Form> = {}, kind: DefinitionKind = 'tool'): News {
  const hash = form.hash ?? 'a'.repeat(64);
  return { server: 's', kind, key: definitionKey(kind, name), form: { hash, at: AT, ...form } };
}

function pins(): Pins {
  const read = readPins(stateDir);
  if (read.kind !== 'pins') throw new Error(`no pins: ${JSON.stringify(read)}`);
  return read.pins;
}

describe('the store', () => {
  test('keeps what it is told, at once for itself and in the file for the next', async () => {
    const store = newStore();
    store.add('s', [news('one'), news('__proto__'), news('two', { held: 'names' })]);
    expect(store.formsOf('s').get('tool/one')).toHaveLength(1);
    await store.close();
    const next = newStore();
    expect(next.formsOf('s')).toEqual(store.formsOf('s'));
    expect([...next.formsOf('s').keys()].sort()).toEqual([
      'tool',
      'tool/__proto__',
      'tool/one',
      'tool/two',
    ]);
    expect(warnings).toEqual([]);
  });

  test('loses nothing when several write at the same time', async () => {
    const stores = Array.from({ length: 4 }, newStore);
    for (let round = 0; round < 5; round++) {
      for (const [at, store] of stores.entries()) store.add('s', [news(`tool-${at}-${round}`)]);
      await Promise.all(stores.map((store) => store.close()));
    }
    expect([...newStore().formsOf('s').keys()]).toHaveLength(21);
  });

  test('never takes back what a person has accepted meanwhile', async () => {
    const one = newStore();
    one.add('s', [news('x', { held: 'names' })]);
    await one.close();
    const other = newStore();
    const waiting = waitingIn(pins(), 's', []).filter((found) => typeof found !== 'string');
    expect((await acceptWaiting(stateDir, waiting, AT)).ok).toBe(true);
    // It has not looked since.
    other.add('s', [news('x', { held: 'names' }), news('y')]);
    await other.close();
    expect(other.formsOf('s').get('tool/x')?.[0]).not.toHaveProperty('held');
    // The write in between is news to both, though one of them has written over it.
    expect(other.look()).toBe(true);
    expect(one.look()).toBe(true);
    expect(one.formsOf('s').get('tool/x')?.[0]).not.toHaveProperty('held');
    expect(one.look()).toBe(false);
  });

  test('what it has written itself is no news', async () => {
    const [store, other] = [newStore(), newStore()];
    for (const name of ['x', 'y']) {
      store.add('s', [news(name)]);
      await store.close();
      expect(store.look()).toBe(false);
    }
    expect(other.look()).toBe(true);
    expect(other.formsOf('s').has('tool/y')).toBe(true);
  });

  test('goes on with what it knows when the file is damaged, and says so once', async () => {
    const store = newStore();
    store.add('s', [news('x')]);
    await store.close();
    writeFileSync(pinsPath(stateDir), '{"schema": 1, "definitions": []}');
    expect(store.look()).toBe(false);
    expect(store.formsOf('s').has('tool/x')).toBe(true);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('definitions is not an object');
  });

  test.each([
    ['an unknown reason is one all the same', { held: 'whatever' }, { held: 'changed' }],
    ['a reason that is no text', { held: 1 }, { held: 'changed' }],
    ['null', { held: null }, { held: 'changed' }],
    ['an unknown tier', { tier: 'nothing' }, {}],
    ['members of a later version', { later: [1] }, { later: [1] }],
  ])('reads %s', (_, written, read) => {
    const form = { hash: 'b', at: AT };
    const definitions = { s: { 'tool/x': [{ ...form, ...written }] } };
    const file = pinsPath(stateDir);
    writeFileSync(file, JSON.stringify({ schema: 1, definitions }), { mode: 0o600 });
    expect(newStore().formsOf('s').get('tool/x')).toEqual([{ ...form, ...read }]);
  });

  test('keeps a name too long for the file under a hash of it', async () => {
    const store = newStore();
    const long = `x://${'a'.repeat(8000)}`;
    store.add('s', [news(long, { held: 'changed' }, 'template')]);
    await store.close();
    const [found] = waitingIn(pins(), 's', [`template/${long}`]);
    expect(found).toMatchObject({ kind: 'template', form: { held: 'changed' } });
  });
});

describe('what waits', () => {
  const [old, now] = ['a'.repeat(64), 'b'.repeat(64)];

  test('is found by what a person types, and only that is accepted', async () => {
    const store = newStore();
    store.add('s', [news('x', { hash: old })]);
    store.add('s', [
      news('x', { hash: now, held: 'tier', after: old }),
      news('x', { hash: `c${now.slice(1)}`, held: 'tier', after: old }),
      news('prompt/x', { hash: now, held: 'names', after: 'new' }),
    ]);
    store.add('s', [news('x', { hash: now, held: 'changed' }, 'prompt')]);
    store.add('s', [news('', { hash: now, held: 'changed' }, 'instructions')]);
    await store.close();
    const found = (...typed: string[]) =>
      waitingIn(pins(), 's', typed).map((one) =>
        typeof one === 'string' ? one : `${one.kind}/${one.name} ${one.form.hash[0]}`,
      );
    expect(found()).toHaveLength(5);
    expect(found('x')).toEqual(['tool/x b', 'tool/x c']);
    expect(found(`x@${now.slice(0, 12)}`)).toEqual(['tool/x b']);
    expect(found('prompt/x')).toEqual(['tool/prompt/x b', 'prompt/x b']);
    expect(found('tool/prompt/x')).toEqual(['tool/prompt/x b']);
    expect(found('instructions')).toEqual(['instructions/ b']);
    expect(found('y', 'x@dddddddddddd')).toEqual(['y', 'x@dddddddddddd']);
    const [first] = waitingIn(pins(), 's', ['x']);
    if (first === undefined || typeof first === 'string') throw new Error('nothing waits');
    expect(first.before).toBe(old);
    await acceptWaiting(stateDir, [first], AT);
    expect(found('x')).toEqual(['tool/x c']);
    expect(lookable(pins(), 's', ['x'], AT)).toHaveLength(1);
  });
});

describe('texts', () => {
  const texts = () =>
    new DefinitionTexts({
      stateDir,
      hide: (text) => text.replaceAll('s3cret', '[REDACTED]'),
      warn: (line) => warnings.push(line),
    });

  test('are kept by their hash, without secrets, and none that is large', async () => {
    const kept = texts();
    const [small, large] = ['1'.repeat(64), '2'.repeat(64)];
    kept.keep(small, Buffer.from('{"a":"s3cret"}'));
    kept.keep(large, Buffer.alloc(MAX_TEXT_BYTES + 1, 0x20));
    expect(await kept.read(small)).toBe('{"a":"[REDACTED]"}');
    expect(readText(stateDir, small)).toBe('{"a":"[REDACTED]"}');
    expect(readText(stateDir, large)).toBeNull();
    expect(readText(stateDir, '../pins')).toBeNull();
    expect(readdirSync(join(stateDir, 'definitions'))).toEqual([`${small}.json`]);
  });

  test('go when no pin names them any more, but not those that were just written', async () => {
    const kept = texts();
    const [named, gone, fresh] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [
      string,
      string,
      string,
    ];
    for (const hash of [named, gone, fresh]) kept.keep(hash, Buffer.from('{}'));
    await kept.done();
    const path = (hash: string) => join(stateDir, 'definitions', `${hash}.json`);
    const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (const hash of [named, gone]) utimesSync(path(hash), old, old);
    kept.prune((hash) => hash === named);
    await kept.done();
    expect([named, gone, fresh].map((hash) => existsSync(path(hash)))).toEqual([true, false, true]);
  });

  test('that cannot be kept are said to be missing, once', async () => {
    writeFileSync(join(stateDir, 'definitions'), 'no directory');
    const kept = texts();
    kept.keep('1'.repeat(64), Buffer.from('{}'));
    kept.keep('2'.repeat(64), Buffer.from('{}'));
    await kept.done();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('rea pins diff will not show');
  });
});
