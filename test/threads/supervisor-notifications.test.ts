import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SupervisorThread, serverConfig, textOf } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';

const MiB = 1024 * 1024;

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let thread: SupervisorThread;
beforeEach(async () => {
  thread = new SupervisorThread();
  await thread.ready(serverConfig('flood-notifications', [], { maxMessageBytes: 32 * MiB }));
});
afterEach(() => thread.close());

function steps(call: number): number[] {
  return thread
    .all('progress')
    .filter((message) => message.call === call)
    .map(({ line }) => JSON.parse(textOf(line)).params.progress);
}

function dropped(): { tooMany: number; tooLarge: number; reports: number } {
  const told = thread.all('log').filter(({ message }) => message.includes('not passed on'));
  const sum = (name: string) => told.reduce((all, { fields }) => all + Number(fields[name]), 0);
  return { tooMany: sum('tooMany'), tooLarge: sum('tooLarge'), reports: told.length };
}

describe('log messages of a server', () => {
  test('come with their level, however much stands before it', async () => {
    await thread.text(thread.callTool('empty-keys', { bytes: MiB / 2 }));
    const { level } = await thread.message('notification');
    expect(level).toBe('info');
  });

  test('of several MB are dropped, counted, and told in one line', async () => {
    for (let nth = 1; nth <= 2; nth += 1) {
      await thread.text(thread.callTool('empty-keys', { bytes: 3_000_000 }));
    }
    await thread.stop();
    expect(thread.all('notification').length).toBe(0);
    expect(dropped()).toEqual({ tooMany: 0, tooLarge: 2, reports: 1 });
  });

  test('in a flood are dropped beyond a burst, and all of them accounted for', async () => {
    const count = 3000;
    expect(await thread.text(thread.callTool('logs', { count }))).toBe(`${count} messages`);
    await thread.stop();
    const passed = thread.all('notification').length;
    expect(passed).toBeGreaterThanOrEqual(200);
    expect(passed).toBeLessThan(count / 2);
    expect(passed + dropped().tooMany).toBe(count);
    expect(thread.life).not.toContain('child_died_unexpectedly');
  });

  test('are told like other notifications, but not what only a client says', async () => {
    await thread.text(thread.callTool('other'));
    expect(thread.all('notification')).toMatchObject([
      { method: 'notifications/odd', level: null, concerns: { kind: 'all' } },
      { method: 'notifications/made-up', level: null, concerns: { kind: 'all' } },
    ]);
  });
});

describe('progress of a call', () => {
  test('in a flood is thinned out, and the last of it comes before the answer', async () => {
    const count = 3000;
    const call = thread.callTool('progress', { count });
    expect(await thread.text(call)).toBe(`${count} steps`);
    const seen = steps(call);
    expect(seen.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(seen.length).toBeLessThan(count / 2);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(count);
    const ours = thread.messages.filter((message) => 'call' in message && message.call === call);
    expect(ours.at(-1)?.type).toBe('answer');
  });

  test('does not slow that of another call', async () => {
    const flood = thread.callTool('endless-progress', { count: 1000 });
    await until(() => steps(flood).length >= 100, { what: 'the burst' });
    const call = thread.callTool('progress', { count: 50 });
    await thread.outcome(call);
    expect(steps(call)).toHaveLength(50);
  });

  test('is sent to its newest although nothing follows, and not after a cancel', async () => {
    const call = thread.callTool('endless-progress', { count: 1000 });
    await until(() => steps(call).at(-1) === 1000, { what: 'the newest' });
    const cancelled = thread.callTool('endless-progress', { count: 1000 });
    await until(() => steps(cancelled).length >= 100, { what: 'the burst' });
    thread.post({ type: 'cancel', slot: 0, call: cancelled, reason: 'enough' });
    await thread.text(thread.callTool('pid'));
    const before = steps(cancelled).length;
    await thread.text(thread.callTool('progress', { count: 500 }));
    expect(steps(cancelled)).toHaveLength(before);
  });
});
