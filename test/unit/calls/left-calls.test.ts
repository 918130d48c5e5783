/** Calls that have ended here while their server may work on: what it asks then may be another client's. */
import { afterEach, expect, test } from 'vitest';
import { closeClients, house } from '../../support/calls-house.ts';

afterEach(closeClients);

/** Two clients have a call each. */
function two() {
  const one = house();
  one.ready(1);
  one.call('first');
  const other = one.connect();
  other.call('other');
  const { callsInFlight } = one.server;
  const [mine, theirs] = one.calls().map(({ call }) => callsInFlight.ownerOf(call));
  if (mine == null || theirs == null) throw new Error('the calls are not in flight');
  return {
    ...one,
    /** Whether others than the first client, and than the other one, have left calls. */
    left: () => [mine, theirs].map((owner) => callsInFlight.othersLeft(owner, 1)),
    failed: (code: 'ERR_OUTCOME_UNKNOWN' | null, outcome: 'unknown' | 'not_sent' | 'answered') =>
      one.server.callFailed({
        type: 'call_failed',
        slot: 0,
        incarnation: 1,
        call: one.calls()[0]?.call ?? 0,
        code,
        outcome,
        message: '',
      }),
  };
}

test('one that is cancelled is left to its server, one that is answered is not', () => {
  const { left, receive, reply, calls } = two();
  expect(left()).toEqual([false, false]);
  reply(calls()[1]?.call ?? 0);
  expect(left()).toEqual([false, false]);
  receive({ method: 'notifications/cancelled', params: { requestId: 'first' } });
  expect(left()).toEqual([false, true]);
});

test.each([
  ['unknown', true],
  ['not_sent', false],
  ['answered', false],
] as const)('one that ends with the outcome %s: %s', (outcome, isLeft) => {
  const { left, failed } = two();
  failed('ERR_OUTCOME_UNKNOWN', outcome);
  expect(left()).toEqual([false, isLeft]);
});

test('one that was given back unsent and is cancelled while it waits is not', () => {
  const { left, failed, receive } = two();
  failed(null, 'not_sent');
  receive({ method: 'notifications/cancelled', params: { requestId: 'first' } });
  expect(left()).toEqual([false, false]);
});
