import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isAlive } from '../support/processes.ts';
import { SupervisorThread, serverConfig } from '../support/supervisor-thread.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let thread: SupervisorThread;
beforeEach(() => {
  thread = new SupervisorThread();
});
afterEach(() => thread.close());

describe('stop', () => {
  test('ends a polite server by closing its stdin', async () => {
    await thread.ready(serverConfig('echo'));
    const { pid } = thread;
    expect(thread.vitals.group(0)).toMatchObject({ pgid: pid, incarnation: 1 });
    expect(thread.groups()).toMatchObject([{ pgid: pid, server: 'echo' }]);
    await thread.stop(10_000, 10_000);
    expect(isAlive(pid)).toBe(false);
    expect(thread.groups()).toEqual([]);
    const { record } = await thread.fact(({ record: told }) => told.phase === 'stopped');
    expect(record).toMatchObject({ pid: null, last_exit: { code: 0, signal: null } });
    expect(thread.life).not.toContain('child_died_unexpectedly');
  });

  test('leaves nothing of a server that ignores EOF and SIGTERM', async () => {
    await thread.ready(serverConfig('ignore-sigterm'));
    const { pid } = thread;
    const call = thread.callTool('wait');
    await thread.stop(50, 50);
    expect(isAlive(pid)).toBe(false);
    expect(await thread.text(call)).toBe('ERR_OUTCOME_UNKNOWN unknown');
    const { record } = await thread.fact(({ record: told }) => told.phase === 'stopped');
    expect(record.last_exit).toMatchObject({ signal: 'SIGKILL' });
  });

  test('leaves nothing of a server behind a wrapper and of a stubborn grandchild', async () => {
    await thread.ready(serverConfig('wrapper', ['ignore-sigterm.mjs']));
    const inner = Number(await thread.text(thread.callTool('pid')));
    expect(inner).not.toBe(thread.pid);
    await thread.stop(50, 50);
    await thread.close();
    expect(isAlive(inner)).toBe(false);
    thread = new SupervisorThread();
    await thread.ready(serverConfig('grandchild-keeps-pipe'));
    await thread.stop(50, 50);
  });

  test('during the handshake, in a back-off and while waiting for a ticket is immediate', async () => {
    thread.open(serverConfig('hang-at-initialize'));
    await thread.event('spawned');
    await thread.stop(50, 50);
    await thread.close();

    thread = new SupervisorThread();
    thread.open(serverConfig('echo'), { incarnation: 4, delayMs: 600_000 });
    const { record, nextStartInMs } = await thread.event('backoff');
    expect(record).toMatchObject({ phase: 'backoff', incarnation: 4, restarts: 4 });
    expect(nextStartInMs).toBeGreaterThan(590_000);
    await thread.stop();
    expect(thread.life).toEqual(['backoff', 'stopped']);
    await thread.close();

    thread = new SupervisorThread();
    thread.granting = false;
    thread.open(serverConfig('echo'));
    await thread.message('ticket_wanted');
    await thread.stop();
    const tickets = thread.messages.filter(({ type }) => type.startsWith('ticket'));
    expect(tickets.map(({ type }) => type)).toEqual(['ticket_wanted', 'ticket_returned']);
    thread.grant();
    const call = thread.callTool('any');
    expect(await thread.text(call)).toBe('null not_sent');
    expect(thread.life).toEqual(['starting', 'stopped']);
  });
});
