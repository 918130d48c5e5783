/** The files of the audit log: segments, several gateways, the commands that read them, and the anchor elsewhere. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { auditFiles, auditRecords, verify } from '../support/audit.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { environment, runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const CONFIG = registry({ echo: fixture('echo') });

function directory(policy: string): string {
  const dir = makeDirectory();
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  writeFileSync(join(dir, '.rea', 'policy.yaml'), `${policy}\n`, { mode: 0o600 });
  return dir;
}

test('a full segment is closed under a name of its own, and the chain goes on in the next one', async () => {
  const dir = directory('audit: {rotation: {max_bytes: 5000}}');
  const rea = await startRea({ cwd: dir, config: CONFIG });
  for (let n = 0; n < 30; n += 1) await rea.call('echo__echo', { text: `${n}` });
  await rea.stop();
  const files = auditFiles(dir);
  expect(files.length).toBeGreaterThan(2);
  const session = JSON.parse(
    readFileSync(join(dir, '.rea', 'run', 'last.json'), 'utf8'),
  ).session_id;
  expect(files.at(-1)).toBe(`audit-${session}.jsonl`);
  expect(files[0]).toMatch(new RegExp(`^audit-${session}-\\d{8}-\\d{6}(-\\d+)?\\.jsonl$`));
  const ends = auditRecords(dir).filter(({ metadata }) => metadata.event === 'end');
  expect(ends).toHaveLength(30);
  const proved = await verify(dir);
  expect(proved.stdout).toContain(`in ${files.length} files`);
  expect(proved.code).toBe(0);

  const [closed = ''] = files;
  const path = join(dir, '.rea', closed);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"echo"', '"oche"'));
  const broken = await verify(dir);
  expect(broken.code).toBe(1);
  expect(broken.stdout).toMatch(new RegExp(`^BROKEN: ${closed}:\\d+: was changed`));
  const single = await verify(dir, path);
  expect(single.code).toBe(1);
  expect((await verify(dir, join(dir, '.rea', files.at(-1) ?? ''))).code).toBe(0);
});

test('two gateways have a chain each; the link names the one of the owner; all verify', async () => {
  const owner = await startRea({ config: CONFIG });
  await owner.waitForPhase('echo', 'ready');
  const guest = await startRea({ cwd: owner.dir });
  await Promise.all([owner.call('echo__pid'), guest.call('echo__pid')]);
  const link = () => readlinkSync(join(owner.dir, '.rea', 'audit.jsonl'));
  await until(() => link() === `audit-${owner.state()?.session_id}.jsonl`, { what: 'the link' });
  // While they run, too.
  expect((await verify(owner.dir)).code).toBe(0);
  const { json } = await owner.status();
  expect(json.audit).toMatchObject({ present: true, tail_hash_looks_valid: true });
  await owner.stop();
  await until(() => link() === `audit-${guest.state()?.session_id}.jsonl`, {
    what: 'the link to the new owner',
  });
  await guest.stop();
  expect(auditFiles(owner.dir)).toHaveLength(2);
  expect((await verify(owner.dir)).code).toBe(0);
});

test('files that a repository ships have no effect: they are reported, and never written to', async () => {
  const dir = directory('audit: on');
  const elsewhere = join(dir, 'victim');
  writeFileSync(elsewhere, 'untouched');
  symlinkSync(elsewhere, join(dir, '.rea', 'audit.jsonl'));
  writeFileSync(join(dir, '.rea', 'audit-shipped.jsonl'), '{"forged":1}\n');
  const rea = await startRea({ cwd: dir, config: CONFIG });
  await rea.call('echo__pid');
  await rea.stop();
  expect(readFileSync(elsewhere, 'utf8')).toBe('untouched');
  expect(readFileSync(join(dir, '.rea', 'audit-shipped.jsonl'), 'utf8')).toBe('{"forged":1}\n');
  // As git does, also from below.
  mkdirSync(join(dir, 'below'));
  for (const place of [dir, join(dir, 'below')]) {
    const proved = await verify(place);
    expect(proved.code).toBe(1);
    expect(proved.stdout).toContain('BROKEN: audit-shipped.jsonl:1: is no record with a hash');
    for (const what of ['tail', 'stats']) {
      const { stdout } = await runRea(['audit', what, '--json', '--cwd', place]);
      expect(stdout).toContain('gateway_start');
    }
  }
  const nowhere = await verify(makeDirectory());
  expect(nowhere).toMatchObject({ code: 0, stdout: expect.stringContaining('no audit log in ') });
});

test('tail shows the last records, follows new ones, and lets no control character through', async () => {
  const rea = await startRea({ config: CONFIG, initialize: false });
  await rea.wire.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'evil\u001b[31m\u202e', version: '1' },
  }).answer;
  await rea.call('echo__pid');
  const { command, args } = reaCommand();
  const child = spawn(command, [...args, 'audit', 'tail', '--follow', '--cwd', rea.dir], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await until(() => text.includes('  end  echo  pid  write'), { what: 'the first call' });
  await rea.call('echo__echo', { text: 'x' });
  await until(() => text.includes('  end  echo  echo  read'), { what: 'the second call' });
  child.kill();
  expect(text).toContain('evil[31m 1 #1');
  for (const control of ['\u001b', '\u202e']) expect(text).not.toContain(control);
  await rea.stop();

  const last = await runRea(['audit', 'tail', '--lines', '1', '--json', '--cwd', rea.dir]);
  expect(JSON.parse(last.stdout).metadata.event).toBe('gateway_stop');
});

test('stats counts by server, tool and rule', async () => {
  const rea = await startRea({ config: CONFIG });
  await rea.call('echo__pid');
  await rea.call('echo__pid');
  await rea.call('echo__is-error');
  writeFileSync(join(rea.dir, '.rea', 'HALT'), 'stop');
  await rea.waitForLog('HALT is set');
  await rea.call('echo__pid');
  await rea.stop();
  const { stdout } = await runRea(['audit', 'stats', '--json', '--cwd', rea.dir]);
  const { tools, rules, events } = JSON.parse(stdout);
  expect(tools).toMatchObject([
    { server: 'echo', tool: 'pid', calls: 3, denied: 1, errors: 0 },
    { server: 'echo', tool: 'is-error', calls: 1, denied: 0, errors: 1 },
  ]);
  expect(rules).toEqual({ halt: 1 });
  expect(events).toMatchObject({ gateway_start: 1, halt: 1, gateway_stop: 1 });
  const words = await runRea(['audit', 'stats', '--cwd', rea.dir]);
  expect(words.stdout).toContain('echo  pid  3 calls, 1 denied, 0 errors');
  expect((await runRea(['audit', 'stat', '--cwd', rea.dir])).code).toBe(2);
});

test('a program of the operator is handed each anchor; a changed file alone starts no other one', async () => {
  const dir = makeDirectory();
  const kept = join(dir, 'kept');
  const other = join(dir, 'other');
  const policyOf = (file: string) => {
    const command = JSON.stringify(['/bin/sh', '-c', `cat >> "${file}"`]);
    writeFileSync(join(dir, '.rea', 'policy.yaml'), `audit: {anchor_command: ${command}}\n`, {
      mode: 0o600,
    });
  };
  const anchors = (): { head: { count: number; hash: string }; session_id: string }[] => {
    if (!existsSync(kept)) return [];
    const lines = readFileSync(kept, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  };
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  policyOf(kept);
  const rea = await startRea({ cwd: dir, config: CONFIG, env: { REA_TEST_CLOCKS: '0.05' } });
  await rea.call('echo__pid');
  await until(() => anchors().length > 0, { what: 'an anchor' });

  policyOf(other);
  await rea.waitForLog('from the next start of rea serve on: audit.anchor_command');
  const before = anchors().length;
  await rea.call('echo__pid');
  await until(() => anchors().length > before, { what: 'another anchor' });
  expect(existsSync(other)).toBe(false);
  const session = rea.state()?.session_id;
  await rea.stop();
  const hashes = auditRecords(dir).map(({ hash }) => hash);
  for (const { head, session_id } of anchors()) {
    expect(session_id).toBe(session);
    expect(hashes[head.count - 1]).toBe(head.hash);
  }
});

test('an anchor program that fails is told in the log', async () => {
  const dir = directory('audit: {anchor_command: [/nowhere/keep-anchor]}');
  const rea = await startRea({ cwd: dir, config: CONFIG, env: { REA_TEST_CLOCKS: '0.05' } });
  const told = 'audit.anchor_command (/nowhere/keep-anchor): spawn';
  expect(await rea.waitForLog(told)).toBe(true);
  await rea.stop();
});
