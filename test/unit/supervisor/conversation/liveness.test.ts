import { describe, expect, test } from 'vitest';
import {
  initialLiveness,
  look,
  nextLook,
  onBytes,
  onPingAnswered,
  onSuspect,
} from '#src/workers/supervisor/conversation/liveness.ts';
import { NoiseMeter } from '#src/workers/supervisor/limits/noise.ts';

const policy = { idleMs: 30_000, timeoutMs: 5000, misses: 2 };
/** A server that answered its first ping at time 0. */
const answering = onPingAnswered(onBytes(initialLiveness(0), 0));

describe('liveness', () => {
  test('pings after silence and gives up after the last miss', () => {
    expect(nextLook(policy, answering)).toBe(30_000);
    const [pinged, first] = look(policy, answering, 30_000);
    expect(first).toBe('ping');
    const [again, second] = look(policy, pinged, 35_000);
    expect(second).toBe('ping');
    expect(look(policy, again, 39_999)[1]).toBe('wait');
    expect(look(policy, again, 40_000)[1]).toBe('stalled');
  });

  test('takes any byte for life', () => {
    const [pinged] = look(policy, answering, 30_000);
    const [again] = look(policy, pinged, 35_000);
    const alive = onBytes(again, 36_000);
    expect(nextLook(policy, alive)).toBe(66_000);
    expect(look(policy, alive, 40_000)[1]).toBe('wait');
  });

  test('never gives up a server that answered no ping', () => {
    let state = initialLiveness(0);
    let verdict: string = '';
    for (let turn = 0; turn < 20; turn += 1) {
      [state, verdict] = look(policy, state, nextLook(policy, state));
      expect(verdict).not.toBe('stalled');
    }
  });

  test('calls one mute that let its pings pass and has said nothing at all since it became ready', () => {
    let state = initialLiveness(0);
    for (let turn = 0; turn < policy.misses; turn += 1) {
      expect(state.isMute).toBe(false);
      [state] = look(policy, state, nextLook(policy, state));
    }
    expect(state.isMute).toBe(true);
    expect(onBytes(state, 20_000).isMute).toBe(false);
    // It has answered something else, and may not know pings.
    let spoken = onBytes(initialLiveness(0), 1);
    for (let turn = 0; turn < 20; turn += 1) {
      [spoken] = look(policy, spoken, nextLook(policy, spoken));
      expect(spoken.isMute).toBe(false);
    }
  });

  test('pings a suspect at once, but not twice', () => {
    const [suspected, verdict] = onSuspect(answering, 1000);
    expect(verdict).toBe('ping');
    expect(nextLook(policy, suspected)).toBe(6000);
    expect(onSuspect(suspected, 2000)[1]).toBe('wait');
  });

  test('counts no miss when the gateway itself stood still', () => {
    const [pinged] = look(policy, answering, 30_000);
    const [again] = look(policy, pinged, 35_000);
    const [resumed, verdict] = look(policy, again, 500_000);
    expect(verdict).toBe('ping');
    expect(look(policy, resumed, 505_000)[1]).toBe('stalled');
  });
});

describe('noise', () => {
  test('is told with its number and its last sample', () => {
    const meter = new NoiseMeter();
    expect(meter.take()).toBeNull();
    meter.count(0, 'one');
    meter.count(1, 'two');
    expect(meter.take()).toEqual({ lines: 2, sample: 'two' });
    expect(meter.take()).toBeNull();
    expect(meter.total).toBe(2);
  });

  test('is too much only after 250,000 lines in a minute', () => {
    const meter = new NoiseMeter();
    let over = false;
    for (let line = 0; line < 250_000; line += 1) over ||= meter.count(0, '');
    expect(over).toBe(false);
    expect(meter.count(59_999, '')).toBe(true);
    expect(meter.count(60_000, '')).toBe(false);
  });
});
