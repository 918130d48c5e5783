import { execFile } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isAlive } from '../support/processes.ts';
import { fixture, SupervisorThread, serverConfig } from '../support/supervisor-thread.ts';
import { until } from '../support/wait-for.ts';
import { sourceArgs, workerUrl } from '../support/worker-url.ts';

/** A server that lives answers within it on a busy machine, too. */
const quickLiveness = { idleMs: 2000, timeoutMs: 2000, misses: 2 };

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let thread: SupervisorThread;
beforeEach(() => {
  process.env['SSH_AUTH_SOCK'] = '/tmp/agent';
  thread = new SupervisorThread();
});
afterEach(() => thread.close());

describe('a child that dies', () => {
  test('is restarted at once, and each call in flight ends once with an unknown outcome', async () => {
    await thread.ready(serverConfig('echo'));
    await thread.text(thread.callTool('stderr', { text: 'about to fail' }));
    const calls = [1, 2, 3, 4, 5].map(() => thread.callTool('sleep', { ms: 60_000 }));
    await thread.text(thread.callTool('echo', { text: 'received' }));
    const before = thread.pid;
    process.kill(before, 'SIGKILL');
    for (const call of calls) {
      expect(await thread.outcome(call)).toMatchObject({
        type: 'call_failed',
        incarnation: 1,
        code: 'ERR_OUTCOME_UNKNOWN',
        outcome: 'unknown',
      });
    }
    const { event, record } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({ reason: 'exit', code: null, signal: 'SIGKILL' });
    expect(record).toMatchObject({
      phase: 'backoff',
      pid: null,
      connection_state: 'errored',
      last_error: 'killed by SIGKILL; stderr: about to fail',
    });
    expect(record.last_exit).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(record.last_exit?.stderr_tail).toBe('about to fail');
    expect(record.last_exit).toMatchObject({ reason: 'exit', detail: record.last_error });
    const ready = await thread.event('ready', 2);
    expect(ready.incarnation).toBe(2);
    expect(ready.record.restarts).toBe(1);
    await thread.event('respawned');
    expect(thread.pid).not.toBe(before);
    const start = ['starting', 'spawned', 'ready', 'health_changed'];
    const death = ['child_died_unexpectedly', 'health_changed', 'backoff'];
    expect(thread.life).toEqual([...start, ...death, ...start, 'respawned']);
    for (const call of calls) expect(thread.outcomes(call)).toHaveLength(1);
    // The calls end after main has learnt of the death.
    const types = thread.messages.map((message) =>
      message.type === 'lifecycle' ? message.event.event : message.type,
    );
    expect(types.indexOf('call_failed')).toBeGreaterThan(types.indexOf('child_died_unexpectedly'));
  });

  test('takes with it only what was handed to its pipe', async () => {
    await thread.ready(serverConfig('echo'));
    await thread.tools();
    process.kill(thread.pid, 'SIGSTOP');
    const handed = thread.callTool('echo', { text: 'x'.repeat(2_000_000) });
    const waiting = [1, 2, 3].map(() => thread.callTool('echo', { text: 'never left' }));
    // Answered at once by the supervisor, so everything before it has arrived there.
    await thread.outcome(thread.callTool('echo', {}, 99));
    process.kill(thread.pid, 'SIGKILL');
    expect(await thread.text(handed)).toBe('ERR_OUTCOME_UNKNOWN unknown');
    for (const call of waiting) expect(await thread.text(call)).toBe('null not_sent');
    await thread.event('ready', 2);
  });

  test('still delivers an answer that it wrote before', async () => {
    await thread.ready(serverConfig('answer-then-exit'));
    const call = thread.callTool('last', { bytes: 300_000 });
    expect(await thread.text(call)).toHaveLength(300_000);
    const death = await thread.event('child_died_unexpectedly');
    expect(death.event).toMatchObject({ code: 7 });
    const types = thread.messages.map(({ type }) => type);
    expect(types.indexOf('answer')).toBeLessThan(thread.messages.indexOf(death));
  });

  test('in the middle of an answer leaves an unknown outcome', async () => {
    await thread.ready(serverConfig('half-line-then-exit'));
    // Its answer to the first list must not follow the half line.
    await thread.tools();
    expect(await thread.text(thread.callTool('half'))).toBe('ERR_OUTCOME_UNKNOWN unknown');
    expect((await thread.event('child_died_unexpectedly')).event).toMatchObject({ code: 4 });
  });

  test('is seen to die although a grandchild holds its pipes, and the grandchild dies too', async () => {
    await thread.ready(serverConfig('grandchild-keeps-pipe'));
    const [leader, grandchild] = JSON.parse(await thread.text(thread.callTool('pids')));
    const call = thread.callTool('exit');
    expect(await thread.text(call)).toBe('ERR_OUTCOME_UNKNOWN unknown');
    const { event } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({ reason: 'exit', code: 3 });
    await until(() => !isAlive(grandchild), { what: 'the end of the grandchild' });
    await until(() => thread.groups().every(({ pgid }) => pgid !== leader), {
      what: 'its group to be crossed off',
    });
  });

  test('that closes its stdout and lives on is replaced', async () => {
    const program = `
      import { closeSync } from 'node:fs';
      import '${fixture('echo')}';
      process.stdout.on('error', () => {});
      process.stdin.on('data', (line) => String(line).includes('goodbye') && closeSync(1));
    `;
    const args = ['--input-type=module', '-e', program];
    await thread.ready(serverConfig('echo', [], { args }));
    // What it may still have to write must not end it.
    await thread.message('catalog');
    const call = thread.callTool('sleep', { ms: 60_000, text: 'goodbye' });
    expect(await thread.text(call)).toBe('ERR_OUTCOME_UNKNOWN unknown');
    const { event } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({ reason: 'exit', detail: 'closed its stdout and did not exit' });
  });
});

describe('a child that hangs', () => {
  test('is killed when it answers no pings, and waking the old one up changes nothing', async () => {
    await thread.ready(serverConfig('echo', [], { liveness: quickLiveness }));
    await thread.tools();
    const stopped = thread.pid;
    const call = thread.callTool('sleep', { ms: 60_000 });
    process.kill(stopped, 'SIGSTOP');
    expect(await thread.text(call)).toBe('ERR_OUTCOME_UNKNOWN unknown');
    const { event } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({ reason: 'stall', signal: 'SIGKILL' });
    expect(() => process.kill(stopped, 'SIGCONT')).toThrow('ESRCH');
    await thread.event('ready', 2);
    expect(await thread.text(thread.callTool('echo', { text: 'alive' }))).toBe('alive');
    expect(thread.events('child_died_unexpectedly')).toHaveLength(1);
    // Main learns first that nothing may be sent any more, then of the death, then of the calls.
    const order = thread.messages.map((message) =>
      message.type === 'lifecycle' ? message.event.event : message.type,
    );
    const condemned = order.indexOf('health_changed', order.indexOf('catalog'));
    expect(condemned).toBeGreaterThan(0);
    expect(condemned).toBeLessThan(order.indexOf('child_died_unexpectedly'));
    expect(order.indexOf('child_died_unexpectedly')).toBeLessThan(order.indexOf('call_failed'));
    expect(thread.events('health_changed')[1]).toMatchObject({
      event: { healthy: false },
      record: { phase: 'backoff', next_restart_at: null },
      nextStartInMs: null,
    });
  });

  test('is found out at once after a call timed out', async () => {
    const liveness = { idleMs: 600_000, timeoutMs: 200, misses: 2 };
    await thread.ready(serverConfig('echo', [], { liveness }));
    await thread.tools();
    process.kill(thread.pid, 'SIGSTOP');
    thread.post({ type: 'suspect', slot: 0 });
    const { event } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({ reason: 'stall' });
  });

  test('is left alone when it never answered a ping', async () => {
    const journal = join(thread.dir, 'journal');
    const liveness = { idleMs: 50, timeoutMs: 50, misses: 2 };
    const server = serverConfig('never-answer', ['--no-pings', '--journal', journal], { liveness });
    await thread.ready(server);
    await until(() => readFileSync(journal, 'utf8').split('"ping"').length > 8, {
      what: 'eight pings',
    });
    expect(thread.life).not.toContain('child_died_unexpectedly');
  });

  test('at initialize is ended at the start timeout', async () => {
    thread.open(serverConfig('hang-at-initialize', [], { startTimeoutMs: 200 }));
    const { event, record } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({
      reason: 'start_timeout',
      signal: 'SIGTERM',
      detail: expect.stringMatching(
        /^no answer to initialize within [24680]00 ms; if it needs longer, raise its start_timeout_ms$/,
      ),
    });
    // A server that had to be killed did not end for want of a variable.
    expect(record.last_error).not.toContain('SSH_AUTH_SOCK');
  });
});

describe('a server that cannot start', () => {
  test('ends in a crash loop that needs nobody to go on trying', async () => {
    const { restart: usual } = serverConfig('exit-at-start');
    const restart = { ...usual, intensity: 3, backoffMs: 20, backoffMaxMs: 100 };
    thread.open(serverConfig('exit-at-start', [9], { restart }));
    const { record } = await thread.event('backoff', 3);
    expect(record).toMatchObject({ phase: 'failed', connection_state: 'errored', restarts: 2 });
    expect(record.last_error).toMatch(
      /^cannot find the licence file; exited with code 9 during the handshake; set here but not passed on \(see env_passthrough\): .*SSH_AUTH_SOCK/,
    );
    expect(record.last_error).not.toContain('/tmp/agent');
    expect(record.next_restart_at).not.toBeNull();
    const delays = thread.events('backoff').map(({ event }) => event);
    expect(delays[0]).toMatchObject({ delayMs: 0, crashLoop: false });
    expect(delays[1]).toMatchObject({ crashLoop: false });
    await thread.event('backoff', 5);
    for (const { event } of thread.events('backoff').slice(2)) {
      if (event.event !== 'backoff') throw new Error('unreachable');
      expect(event.crashLoop).toBe(true);
      expect(event.delayMs).toBeGreaterThanOrEqual(50);
    }
    const reasons = thread.events('child_died_unexpectedly').map(({ event }) => event);
    expect(reasons.every((event) => 'reason' in event && event.reason === 'handshake')).toBe(true);
    const count = (type: string) => thread.messages.filter((one) => one.type === type).length;
    expect(count('ticket_wanted') - count('ticket_returned')).toBeLessThanOrEqual(1);
  });

  test('for want of file descriptors backs off and starts once there are some', async () => {
    const host = fileURLToPath(
      new URL('../fixtures/processes/out-of-descriptors.mjs', import.meta.url),
    );
    const job = JSON.stringify({
      entry: workerUrl('supervisor').href,
      groupsFile: join(thread.dir, 'other-groups'),
      server: { ...serverConfig('echo'), cwd: thread.dir },
    });
    // A limit of its own, so that using it up takes neither long nor much.
    const command = 'ulimit -n 256 && exec "$0" "$@"';
    const args = ['-c', command, process.execPath, ...sourceArgs, host, job];
    const { stdout } = await promisify(execFile)('/bin/sh', args, { timeout: 30_000 });
    const told = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const died = told.find(({ event }) => event === 'child_died_unexpectedly');
    expect(died).toMatchObject({ reason: 'spawn_failed', code: null, signal: null });
    expect(died.last_error).toBe(`cannot start ${process.execPath}: EMFILE, too many open files`);
    expect(told.map(({ event }) => event)).toContain('backoff');
    expect(told.at(-1)).toMatchObject({ event: 'stopped' });
    expect(told.map(({ event }) => event)).toContain('ready');
    expect(told.map(({ event }) => event)).not.toContain('crashed');
  });

  test('names the command and PATH when there is no such command', async () => {
    thread.open(serverConfig('echo', [], { command: 'no-such-command' }));
    const { event, record } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({ reason: 'spawn_failed', code: null, signal: null });
    expect(record.last_error).toBe(
      `command not found: no-such-command (PATH=${process.env['PATH']})`,
    );
  });

  test('tells a missing directory, a missing right and a missing interpreter apart', async () => {
    const script = join(thread.dir, 'server');
    writeFileSync(script, '#!/no/such/interpreter\n');
    const attempt = async (change: object) => {
      const seen = thread.events('child_died_unexpectedly').length;
      const server = serverConfig('echo', [], { ...change });
      thread.post({
        type: 'open',
        slot: 0,
        server,
        generation: 1,
        clientCapabilities: '{}',
        incarnation: 0,
        restarts: 0,
        creditLane: 0,
        delayMs: 0,
        lastExit: null,
        lastError: null,
        formerSecrets: [],
      });
      const { record } = await thread.event('child_died_unexpectedly', seen + 1);
      thread.post({ type: 'stop', slot: 0, eofMs: 0, termMs: 0 });
      await until(() => thread.life.at(-1) === 'stopped', { what: 'stopped' });
      return record.last_error;
    };
    const cwd = '/no/such/directory';
    expect(await attempt({ cwd })).toBe(`working directory not found: ${cwd}`);
    expect(await attempt({ command: script })).toBe(`command not executable: ${script}`);
    chmodSync(script, 0o755);
    expect(await attempt({ command: script })).toContain('interpreter');
  });

  test('for a reason known beforehand is never tried', async () => {
    thread.open(serverConfig('echo', [], { unavailable: 'missing env: TOKEN' }));
    const { record } = await thread.fact(() => true);
    expect(record).toMatchObject({
      phase: 'failed',
      last_error: 'missing env: TOKEN',
      restarts: 0,
    });
    expect(record.next_restart_at).toBeNull();
    expect(thread.life).toEqual(['health_changed']);
    expect(thread.all('ticket_wanted')).toEqual([]);
  });
});
