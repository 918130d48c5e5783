/** What the lines of open calls may hold together. */
import { expect, test } from 'vitest';
import type { Call, CallOwner } from '#src/main/calls/call.ts';
import { CallTable } from '#src/main/calls/call-table.ts';

const MIB = 1024 * 1024;
const owner = () => ({}) as CallOwner;

function table() {
  const calls = new CallTable();
  const add = (owner: CallOwner, bytes: number): Call => {
    const call = { id: calls.mint(), owner, line: { length: bytes } } as unknown as Call;
    calls.add(call);
    return call;
  };
  return { calls, add };
}

test('of one client they hold 64 MiB, and as much again when the first are answered', () => {
  const { calls, add } = table();
  const one = owner();
  const open = [32, 32].map((mib) => add(one, mib * MIB));
  expect(calls.hasRoom(one, MIB)).toBe(false);
  // Small ones are bounded by their number, and another client has its own.
  expect(calls.hasRoom(one, 65_535)).toBe(true);
  expect(calls.hasRoom(owner(), 32 * MIB)).toBe(true);
  expect(calls.settle(open[0] as Call)).toBe(true);
  expect(calls.hasRoom(one, 32 * MIB)).toBe(true);
  expect(calls.hasRoom(one, 33 * MIB)).toBe(false);
  // The one answer was given: a second look gives nothing back.
  expect(calls.settle(open[0] as Call)).toBe(false);
  expect(calls.hasRoom(one, 33 * MIB)).toBe(false);
});

test('of all clients they hold 192 MiB', () => {
  const { calls, add } = table();
  const open = [64, 64, 63].map((mib) => add(owner(), mib * MIB));
  expect(calls.hasRoom(owner(), MIB)).toBe(true);
  expect(calls.hasRoom(owner(), MIB + 1)).toBe(false);
  for (const call of open) calls.settle(call);
  expect(calls.hasRoom(owner(), 64 * MIB)).toBe(true);
});

test('ids are even and not 0: the odd ones are those of supervisors', () => {
  const calls = new CallTable();
  expect([calls.mint(), calls.mint(), calls.mint()]).toEqual([2, 4, 6]);
});
