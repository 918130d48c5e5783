/** How long a server may take to start, in a real supervisor thread. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ServerConfig } from '#src/shared/model/config.ts';
import { SupervisorThread, serverConfig } from '../support/supervisor-thread.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let thread: SupervisorThread;
beforeEach(() => {
  thread = new SupervisorThread();
});
afterEach(() => thread.close());

describe('a server that is at work when its start timeout is over', () => {
  test.each([['--itself'], ['--elsewhere']])('gets more time: %s', async (where) => {
    thread.open(serverConfig('busy-start', [2500, where], { startTimeoutMs: 1500 }));
    const ready = await thread.event('ready');
    expect(ready.incarnation).toBe(1);
    expect(thread.life).not.toContain('child_died_unexpectedly');
  });

  test('gets four times as much and not more', async () => {
    thread.open(serverConfig('busy-start', [60_000], { startTimeoutMs: 500 }));
    const { event } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({
      detail: expect.stringContaining('no answer to initialize within 2000 ms'),
    });
  });

  test('gets more time while it tells its progress on stderr, as a download does', async () => {
    thread.open(
      shell('for i in 1 2 3 4 5 6; do echo "$i of 6" >&2; sleep 1; done; exec "$0" "$1"'),
    );
    const ready = await thread.event('ready');
    expect(ready.incarnation).toBe(1);
    expect(thread.life).not.toContain('child_died_unexpectedly');
  });

  test('gets no more time for a greeting', async () => {
    thread.open(shell('echo welcome >&2; sleep 60'));
    const { event } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({
      detail: expect.stringContaining('no answer to initialize within 3000 ms'),
    });
  });
});

/** Uses hardly any CPU. The script gets Node and a fixture as its `$0` and `$1`. */
function shell(script: string): ServerConfig {
  const { command, args, ...rest } = serverConfig('echo', [], { startTimeoutMs: 3000 });
  return { ...rest, command: '/bin/sh', args: ['-c', script, command, ...args] };
}
