import { expect, test } from 'vitest';
import { NamedClients } from '#src/main/clients/sessionless/named.ts';
import type { ByteRange } from '#src/shared/model/byte-range.ts';

/** What is made of a request that says this. */
function read(named: NamedClients, info: unknown) {
  const line = Buffer.from(JSON.stringify(info));
  const at: ByteRange = [0, line.length];
  return named.of({ line, ranges: new Int32Array(0) }, at);
}

test('each request says itself which client it is from', () => {
  const named = new NamedClients();
  const first = read(named, { name: 'one', version: '1' });
  expect(first).toEqual({ record: { name: 'one', version: '1' }, name: 'one 1' });
  expect(read(named, { name: 'one', version: '1' })).toBe(first);
  expect(read(named, { name: 'one', version: '2' }).name).toBe('one 2');
  expect(named.of({ line: Buffer.of(), ranges: new Int32Array(0) }, null).name).toBeNull();
  expect(read(named, 5)).toEqual({ record: null, name: null });
  expect(read(named, { name: 'one', version: '1' })).toEqual(first);
});

test('a long one is read, and not kept', () => {
  const named = new NamedClients();
  const long = { name: 'one', more: 'x'.repeat(20_000) };
  const first = read(named, long);
  expect(first.name).toBe('one');
  expect(read(named, long)).not.toBe(first);
});
