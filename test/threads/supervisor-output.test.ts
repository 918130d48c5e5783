import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { unitsOf } from '#src/shared/memory/byte-credit.ts';
import { SupervisorThread, serverConfig } from '../support/supervisor-thread.ts';
import { stopwatch, until } from '../support/wait-for.ts';

const MiB = 1024 * 1024;

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let thread: SupervisorThread;
beforeEach(() => {
  thread = new SupervisorThread();
});
afterEach(() => thread.close());

/** The server still runs as the same process and answers. */
async function expectUnharmed(): Promise<void> {
  expect(await thread.text(thread.callTool('pid'))).toBe(String(thread.pid));
  expect(thread.incarnation).toBe(1);
  expect(thread.life).not.toContain('child_died_unexpectedly');
}

test('an answer stays in its pipe while the process holds as many bytes as it may', async () => {
  await thread.ready(
    serverConfig('echo', [], { maxMessageBytes: 16 * MiB, maxResultBytes: 16 * MiB }),
  );
  const written = () =>
    Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${thread.pid}/io`, 'utf8'))?.[1]);
  thread.credit.addUnits(unitsOf(100 * MiB));
  // Another one has begun a message and queues for longer: what was begun must come to its end.
  thread.credit.hold(1, 1);
  thread.credit.queue(1);
  const call = thread.callTool('big', { bytes: 8 * MiB });
  await until(() => thread.credit.waits(0), { what: 'it not to be read' });
  const before = written();
  expect(before).toBeLessThan(2 * MiB);
  thread.credit.leave(1);
  thread.credit.hold(1, 0);
  thread.credit.addUnits(-unitsOf(100 * MiB));
  expect(await thread.text(call)).toHaveLength(8 * MiB);
  expect(written()).toBeGreaterThan(8 * MiB);
});

describe('an answer that cannot be delivered', () => {
  test('because its line is one byte over the cap, id last, ends its call only', async () => {
    await thread.ready(serverConfig('oversize-line', [MiB]));
    expect(await thread.outcome(thread.callTool('oversize', { over: 1 }))).toMatchObject({
      type: 'call_failed',
      code: 'ERR_MESSAGE_TOO_LARGE',
      outcome: 'answered',
      message: `the answer of server "oversize-line" is too large: ${MiB + 1} bytes, ${MiB} are allowed`,
    });
    expect(await thread.outcome(thread.callTool('oversize', { over: 0 }))).toMatchObject({
      type: 'answer',
    });
    await expectUnharmed();
  });

  test('because it is nested 200,000 deep ends its call only', async () => {
    await thread.ready(serverConfig('deep-json'));
    const call = thread.callTool('deep', { depth: 200_000 });
    expect(await thread.text(call)).toBe('ERR_MALFORMED_MESSAGE answered');
    await expectUnharmed();
  });

  test('because it is not UTF-8 ends its call only', async () => {
    await thread.ready(serverConfig('bad-utf8'));
    const call = thread.callTool('bad-utf8');
    expect(await thread.text(call)).toBe('ERR_MALFORMED_MESSAGE answered');
    await expectUnharmed();
  });

  test('because it has two ids ends the call of the first', async () => {
    await thread.ready(serverConfig('duplicate-ids'));
    const other = thread.callTool('never');
    const call = thread.callTool('same-key', { other });
    expect(await thread.text(call)).toBe('ERR_MALFORMED_MESSAGE answered');
    expect(await thread.text(other)).toContain('Unknown tool');
    await expectUnharmed();
  });
});

test('a second answer and an answer to an unknown id are dropped', async () => {
  await thread.ready(serverConfig('duplicate-ids'));
  const twice = thread.callTool('two-answers');
  expect(await thread.text(twice)).toBe('first');
  expect(await thread.text(thread.callTool('unknown-id'))).toBe('known');
  await expectUnharmed();
  expect(thread.outcomes(twice)).toHaveLength(1);
  expect(thread.all('answer').map(({ call }) => call)).not.toContain(123456789);
});

describe('output that is no protocol', () => {
  test('is counted and shown once, 100,000 lines of it, and harms nobody', async () => {
    await thread.ready(serverConfig('flood-stdout'));
    const time = stopwatch();
    const waiting = thread.callTool('pid');
    const flood = thread.callTool('flood', { lines: 100_000 });
    expect(await thread.text(flood)).toBe('100000 lines');
    expect(await thread.text(waiting)).toBe(String(thread.pid));
    await expectUnharmed();
    const [noise] = thread.events('noise');
    expect(noise?.event).toMatchObject({ lines: 1, sample: 'INFO loading the next shard' });
    // At once, and then every five seconds.
    expect(thread.events('noise').length).toBeLessThanOrEqual(2 + time.ms() / 5000);
    await thread.stop();
    const told = thread.events('noise').map(({ event }) => event);
    const lines = told.map((event) => (event.event === 'noise' ? event.lines : 0));
    expect(lines.reduce((all, some) => all + some, 0)).toBe(100_000);
    await thread.fact(({ record }) => record.noise_lines === 100_000);
  });

  test('between messages changes nothing', async () => {
    await thread.ready(serverConfig('prints-junk'));
    for (const text of ['one', 'two']) {
      expect(await thread.text(thread.callTool('echo', { text }))).toBe(text);
    }
    await expectUnharmed();
    const { event } = await thread.event('noise');
    expect(event).toMatchObject({ sample: 'Debugger listening on ws://127.0.0.1:9229/' });
  });

  test('in one line without end costs the server its life', async () => {
    await thread.ready(serverConfig('endless-line', [], { maxMessageBytes: 64 * 1024 }));
    const call = thread.callTool('endless');
    expect(await thread.text(call)).toBe('ERR_OUTCOME_UNKNOWN unknown');
    const { event } = await thread.event('child_died_unexpectedly');
    expect(event).toMatchObject({
      reason: 'noise',
      signal: 'SIGTERM',
      detail: 'a line of more than 262144 bytes',
    });
    await thread.event('ready', 2);
  });
});

describe('a secret across the place where a text is cut', () => {
  const secret = `sk-ant-${'s3cr3t'.repeat(10)}`;

  test('does not show its beginning in a sample of noise', async () => {
    await thread.ready(serverConfig('prints-line'));
    const print = (text: string) => thread.text(thread.callTool('print', { text }));
    // No message at all, and one that is none of JSON-RPC: the first and the last are shown.
    await print(`${'x '.repeat(95)}${secret} more`);
    await print(`{"jsonrpc":"1.0","x":"${' '.repeat(568)}${secret}"}`);
    await thread.stop();
    expect(thread.events('noise')).toHaveLength(2);
    expect(JSON.stringify(thread.events('noise'))).not.toMatch(/sk-ant|s3cr3t/);
  });

  test('does not show its beginning in the error of a refused handshake', async () => {
    const text = `${'x '.repeat(495)}${secret}`;
    thread.open(serverConfig('refuses-handshake', ['--error', text]));
    const { record } = await thread.event('child_died_unexpectedly');
    expect(record.last_error).toContain('x x x');
    expect(record.last_error).not.toMatch(/sk-ant|s3cr3t/);
  });
});

describe('stderr', () => {
  test('is read within its budget, passed on slowly, and never stops the server', async () => {
    await thread.ready(serverConfig('flood-stderr'));
    const call = thread.callTool('flood', { bytes: 12 * MiB, line: 200 });
    // It waits in a full pipe meanwhile, for seconds in all, and that is told.
    const told = () =>
      thread
        .all('log')
        .some(({ message }) => message === 'writes too much to stderr: it is read slowly');
    await until(told, { what: 'the word that it is read slowly' });
    expect(thread.outcomes(call)).toEqual([]);
    expect(await thread.text(call)).toBe(`${12 * MiB} bytes`);
    await expectUnharmed();
    const said = () => thread.all('log').filter(({ fields }) => fields['stream'] === 'stderr');
    await until(() => said().length >= 100, { what: '100 lines' });
    expect(said().length).toBeLessThan(1000);
    await thread.stop();
    const dropped = thread
      .all('log')
      .reduce((all, { fields }) => all + Number(fields['lines'] ?? 0), 0);
    expect(said().length + dropped).toBeGreaterThan(40_000);
  });

  test('and the last error show no configured secret', async () => {
    const env = { API_KEY: 'very-secret-value' };
    await thread.ready(serverConfig('echo', [], { env }));
    await thread.text(thread.callTool('stderr', { text: 'using very-secret-value\u001b[2J now' }));
    process.kill(thread.pid, 'SIGKILL');
    const { record } = await thread.event('child_died_unexpectedly');
    const told = JSON.stringify([thread.messages.filter(({ type }) => type !== 'answer'), record]);
    expect(told).not.toContain('very-secret-value');
    expect(record.last_exit?.stderr_tail).toMatch(/^using \[REDACTED.*\].*now$/);
    expect(record.last_exit?.stderr_tail).not.toContain('\u001b');
    await thread.event('ready', 2);
  });
});
