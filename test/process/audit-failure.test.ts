/** What becomes of calls when the audit log cannot be written, is slow, or loses its thread. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { auditRecords, type Kept, verify } from '../support/audit.ts';
import { FAST_CLOCKS, runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

type Registered = Readonly<Record<string, ServerSpec>>;
/** A server whose tools say of themselves that they only read. */
const FILES: Registered = { files: realServer('filesystem', tmpdir()) };

/** @param others servers beside `echo`, ready as well. */
async function gateway(policy: string, others: Registered = {}): Promise<Rea> {
  const dir = makeDirectory();
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  writeFileSync(join(dir, '.rea', 'policy.yaml'), `${policy}\n`, { mode: 0o600 });
  const config = registry({ echo: fixture('echo'), ...others });
  const rea = await startRea({ cwd: dir, config, faults: true, env: FAST_CLOCKS });
  for (const name of ['echo', ...Object.keys(others)]) await rea.waitForPhase(name, 'ready');
  return rea;
}

const effects = (dir: string): string[] => {
  const file = join(dir, 'effects');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
};
const write = (rea: Rea, text: string) =>
  rea.begin('echo__side-effect', { file: join(rea.dir, 'effects'), text });
const ends = (dir: string): Kept[] =>
  auditRecords(dir).filter(({ metadata, tool_name }) => metadata.event === 'end' && tool_name);

const ERRORS = ['ENOSPC', 'EIO', 'EROFS'];

test('with on_failure: deny a disk that fails refuses calls that write, lets the others go, and loses no record', async () => {
  const rea = await gateway('audit: {on_failure: deny}', FILES);
  await write(rea, 'before').answer;
  for (const code of ERRORS) {
    rea.faults.setDisk('full', code);
    const [first, second] = await Promise.all([
      write(rea, 'refused').answer,
      write(rea, 'refused').answer,
    ]);
    for (const { message } of [first, second]) {
      expect(message.result._meta['rea/error']).toMatchObject({
        code: 'ERR_AUDIT_UNAVAILABLE',
        outcome: 'not_sent',
        retryable: true,
      });
    }
    // Known by now, and said at once.
    const third = await write(rea, 'refused').answer;
    expect(third.message.result._meta['rea/error'].code).toBe('ERR_AUDIT_UNAVAILABLE');
    const read = await rea.call('files__list_allowed_directories');
    expect(read.message.result.isError).not.toBe(true);
    await rea.waitForState(({ audit }) => audit.state === 'failing', { what: 'a failing log' });
    const status = await rea.status();
    expect(status.json.serve.audit.state).toBe('failing');
    expect(status.exit).toBe(1);
    expect(status.json.serve.audit.error).toContain(code);

    rea.faults.setDisk('well');
    await rea.waitForState(({ audit }) => audit.state === 'on' && audit.lost === 0, {
      what: 'the log being written again',
    });
    expect((await write(rea, `after ${code}`).answer).text).toBe('written');
  }
  await rea.stop();
  expect(effects(rea.dir)).toEqual(['before', ...ERRORS.map((code) => `after ${code}`)]);
  const refused = ['denied', 'audit'];
  const allowed = ['allowed', null];
  expect(ends(rea.dir).map(({ status, rule }) => [status, rule ?? null])).toEqual([
    allowed,
    ...ERRORS.flatMap(() => [refused, refused, refused, allowed, allowed]),
  ]);
  expect((await verify(rea.dir)).code).toBe(0);
});

test('a gateway beside the owner of the state file whose log cannot be written counts as well', async () => {
  const owner = await startRea({ config: registry({ echo: fixture('echo') }), env: FAST_CLOCKS });
  await owner.waitForPhase('echo', 'ready');
  const other = await startRea({ cwd: owner.dir, faults: true, env: FAST_CLOCKS });
  await write(other, 'before').answer;
  await other.waitForStatus(({ exit, json }) => exit === 0 && json.gateways.length === 2, {
    what: 'both gateways to be well',
  });
  other.faults.setDisk('full');
  expect((await write(other, 'after').answer).failure).toBeNull();
  const told = await other.waitForStatus(
    (seen) => seen.json.gateways.some((one: Kept) => one.audit?.state === 'failing') && seen,
    { what: 'the status to tell' },
  );
  expect(told.exit).toBe(1);
  expect(told.json.serve).toMatchObject({
    session_id: owner.state()?.session_id,
    audit: { state: 'on' },
  });
  const { stdout } = await runRea(['status', '--cwd', owner.dir]);
  expect(stdout).toContain('the audit log CANNOT BE WRITTEN');
  other.faults.setDisk('well');
  await other.waitForStatus(({ exit }) => exit === 0, { what: 'being well again' });
});

test('with on_failure: warn a disk that fails holds up nobody, and what happened is recorded later', async () => {
  const rea = await gateway('audit: {on_failure: warn}');
  for (const code of ERRORS) {
    rea.faults.setDisk('full', code);
    expect((await write(rea, `${code} one`).answer).text).toBe('written');
    expect((await write(rea, `${code} two`).answer).text).toBe('written');
    await rea.waitForLog(new RegExp(`the audit log cannot be written.*${code}`));
    await rea.waitForState(({ audit }) => audit.state === 'failing', { what: 'a failing log' });
    rea.faults.setDisk('well');
    await rea.waitForState(({ audit }) => audit.state === 'on' && audit.lost === 0, {
      what: 'the log being written again',
    });
  }
  await rea.stop();
  expect(effects(rea.dir)).toEqual(ERRORS.flatMap((code) => [`${code} one`, `${code} two`]));
  expect(ends(rea.dir)).toHaveLength(2 * ERRORS.length);
  expect((await verify(rea.dir)).code).toBe(0);
});

test('while a begin is not on the disk, its call is not sent; its client stays in order and others go on', async () => {
  const rea = await gateway('audit: on', FILES);
  rea.faults.setDisk('slow');
  const first = write(rea, 'first');
  await rea.faults.diskWaits();
  const unwanted = write(rea, 'unwanted');
  rea.cancel(unwanted);
  const second = write(rea, 'second');
  // Another server of the same client, and nothing that writes.
  const read = await rea.call('files__list_allowed_directories');
  expect(read.message.result.isError).not.toBe(true);
  expect(effects(rea.dir)).toEqual([]);
  expect(rea.faults.postedCalls()).toBe(1);
  rea.faults.setDisk('well');
  await Promise.all([first.answer, second.answer]);
  await rea.stop();
  expect(effects(rea.dir)).toEqual(['first', 'second']);
  const cancelled = ends(rea.dir).find(({ metadata }) => metadata.how === 'cancelled');
  expect(cancelled).toMatchObject({ tool_name: 'side-effect', outcome: 'not_sent' });
});

test('HALT set while a call waits for its record keeps it from being sent', async () => {
  const rea = await gateway('audit: on');
  rea.faults.setDisk('slow');
  const waiting = write(rea, 'halted');
  await rea.faults.diskWaits();
  writeFileSync(join(rea.dir, '.rea', 'HALT'), 'stop');
  await rea.waitForLog('HALT is set');
  rea.faults.setDisk('well');
  const { message } = await waiting.answer;
  expect(message.result._meta['rea/error']).toMatchObject({
    code: 'ERR_HALTED',
    outcome: 'not_sent',
  });
  await rea.stop();
  expect(effects(rea.dir)).toEqual([]);
});

test('a thread that is lost in whatever way is replaced; the chain has no hole and no call goes without its begin', async () => {
  const rea = await gateway('audit: {on_failure: deny}');
  await write(rea, 'before').answer;
  const losses = () => rea.stderr.split('the audit-writer thread is lost').length - 1;
  const faults = ['throw', 'exit', 'heap'] as const;
  for (const fault of faults) {
    const before = losses();
    const isLost = () => until(() => losses() > before, { what: `its loss by ${fault}` });
    await rea.faults.inject('audit-writer', fault);
    // To fill a heap may take longer, on a busy machine, than calls wait for the audit log.
    if (fault === 'heap') await isLost();
    const calls = Array.from({ length: 20 }, (_, n) => write(rea, `${fault} ${n}`));
    for (const { answer } of calls) expect((await answer).text).toBe('written');
    await isLost();
  }
  await rea.stop();
  const made = 1 + 20 * faults.length;
  expect(effects(rea.dir)).toHaveLength(made);
  const begun = auditRecords(rea.dir).filter(({ metadata }) => metadata.event === 'begin');
  expect(new Set(begun.map(({ metadata }) => metadata.call)).size).toBe(made);
  expect(ends(rea.dir)).toHaveLength(made);
  const proved = await verify(rea.dir);
  expect(proved.stdout).toContain('clean');
  expect(proved.code).toBe(0);
});

test('a thread that hangs is replaced, too', async () => {
  const rea = await gateway('audit: {on_failure: deny}');
  await rea.faults.inject('audit-writer', 'loop');
  // The next thread may be there before the call is given up, and is not to write it down.
  rea.faults.setDisk('slow');
  const { message } = await write(rea, 'meanwhile').answer;
  // The disk may as well be what hangs: the policy says what becomes of calls.
  expect(message.result._meta['rea/error'].code).toBe('ERR_AUDIT_UNAVAILABLE');
  rea.faults.setDisk('well');
  await until(async () => (await write(rea, 'after').answer).text === 'written', {
    what: 'a call to be made',
  });
  expect(rea.stderr).toContain('the audit-writer thread is lost');
  await rea.stop();
  expect(effects(rea.dir)).toEqual(['after']);
  expect((await verify(rea.dir)).code).toBe(0);
});
