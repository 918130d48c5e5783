/** What people do is in the audit log, too: commands beside gateways and without any, and the gateway's questions. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { auditFiles, auditRecords, type Kept, verify } from '../support/audit.ts';
import { policyHouse, writePolicy } from '../support/policy-house.ts';
import { FAST_CLOCKS, runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';
import type { Message } from '../support/wire.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const ECHO = registry({ echo: fixture('echo') });
const freeze = (dir: string, reason: string, ...more: string[]) =>
  runRea(['freeze', '--reason', reason, '--cwd', dir, ...more]);
const unfreeze = (dir: string, ...more: string[]) =>
  runRea(['unfreeze', '--yes', '--cwd', dir, ...more]);

function directory(policy?: string): string {
  const dir = makeDirectory();
  writeRegistry(dir, registry({}));
  if (policy !== undefined) writePolicy(dir, policy);
  return dir;
}

const ofEvent = (dir: string, event: string): Kept[] =>
  auditRecords(dir).filter(({ metadata }) => metadata.event === event);

test('a freeze and its end are recorded where no gateway runs', async () => {
  const dir = directory();
  const token = `ghp_${'a1B2'.repeat(9)}`;
  expect((await freeze(dir, `too many charges \u202e ${token}`)).code).toBe(0);
  expect((await unfreeze(dir)).code).toBe(0);
  const [set] = ofEvent(dir, 'freeze');
  expect(set).toMatchObject({
    status: 'allowed',
    tool_name: null,
    metadata: {
      reason: expect.stringContaining('too many charges'),
      already: false,
      gateways: 0,
      by: { uid: process.getuid?.() ?? null, pid: expect.any(Number), terminal: false },
    },
  });
  expect(set.metadata.reason).toContain('[REDACTED:');
  expect(ofEvent(dir, 'unfreeze')).toHaveLength(1);
  const proved = await verify(dir);
  expect([proved.code, proved.stdout]).toEqual([
    0,
    expect.stringMatching(/^clean: 4 records in 2 files/),
  ]);
  const tail = await runRea(['audit', 'tail', '--cwd', dir]);
  expect(tail.stdout).toMatch(/ freeze {2}too many charges/);
});

test('two gateways, and freezes and their ends in a loop beside them: all verify, and each act has its record', async () => {
  const one = await startRea({ config: ECHO });
  const { dir } = one;
  const other = await startRea({ cwd: dir });
  let going = true;
  const calls = [one, other].map(async (rea) => {
    while (going) await rea.call('echo__pid');
  });
  const proofs: { code: number | null; stdout: string }[] = [];
  const proving = (async () => {
    while (going) proofs.push(await verify(dir));
  })();
  const acts = async (who: string) => {
    for (let n = 0; n < 5; n += 1) {
      expect((await freeze(dir, `${who} ${n}`)).code).not.toBe(2);
      await unfreeze(dir);
    }
  };
  await Promise.all([acts('left'), acts('right')]);
  going = false;
  await Promise.all([...calls, proving]);
  expect(proofs.filter(({ code }) => code !== 0)).toEqual([]);
  await one.stop();
  await other.stop();
  const reasons = ofEvent(dir, 'freeze').map(({ metadata }) => metadata.reason);
  expect(new Set(reasons)).toEqual(
    new Set(['left', 'right'].flatMap((who) => [0, 1, 2, 3, 4].map((n) => `${who} ${n}`))),
  );
  expect(reasons).toHaveLength(10);
  const proved = await verify(dir);
  expect([proved.code, proved.stderr]).toEqual([0, '']);
});

test('the log of a command that somebody removes or changes is missed', async () => {
  const dir = directory();
  await freeze(dir, 'first');
  const [file = ''] = auditFiles(dir);
  const path = join(dir, '.rea', file);
  writeFileSync(path, '');
  expect(await verify(dir)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`BROKEN: ${file}: was cut`),
  });
  rmSync(path);
  expect(await verify(dir)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`BROKEN: ${file}: is gone`),
  });
});

test('the state directory is that of the gateway that lives here, or the one that is given', async () => {
  const elsewhere = join(makeDirectory(), 'state');
  const rea = await startRea({ config: ECHO, args: ['--state-dir', elsewhere] });
  expect((await freeze(rea.dir, 'beside it')).code).toBe(0);
  await unfreeze(rea.dir);
  await rea.stop();
  expect((await freeze(rea.dir, 'after it', '--state-dir', elsewhere)).code).toBe(0);
  await unfreeze(rea.dir, '--state-dir', elsewhere);
  expect(readdirSync(join(elsewhere, 'anchors'))).toHaveLength(5);
  expect((await verify(rea.dir, '--state-dir', elsewhere)).code).toBe(0);
});

test('with the log off nothing is recorded; what cannot be recorded is said, and refused where the policy wants that', async () => {
  const off = directory('audit: off\n');
  expect(await freeze(off, 'quiet')).toMatchObject({ code: 0, stderr: '' });
  expect(auditFiles(off)).toEqual([]);

  // Nobody may be able to write there: neither a file nor root itself.
  const dir = directory('audit: {on_failure: deny}\n');
  const halt = join(dir, '.rea', 'HALT');
  writeFileSync(halt, '');
  chmodSync(join(dir, '.rea'), 0o722);
  const refused = await unfreeze(dir);
  expect(refused).toMatchObject({ code: 1, stdout: 'HALT stays set\n' });
  expect(refused.stderr).toMatch(
    /^not recorded in the audit log: .*others can write to it.*on_failure: deny/,
  );
  expect(existsSync(halt)).toBe(true);
  // Stricter rules wait for no record.
  expect((await freeze(dir, 'again')).code).toBe(0);
  writePolicy(dir, 'audit: {on_failure: warn}\n');
  const warned = await unfreeze(dir);
  expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining('not recorded') });
  expect(existsSync(halt)).toBe(false);
});

test('a policy with a mistake in it does not turn the log off', async () => {
  const dir = directory('audit: off\nautonomy_levl: L9\n');
  expect((await freeze(dir, 'all the same')).code).toBe(0);
  expect(ofEvent(dir, 'freeze')).toHaveLength(1);
});

test('an unfreeze that does not work says so in the log', async () => {
  const dir = directory();
  mkdirSync(join(dir, '.rea', 'HALT'));
  writeFileSync(join(dir, '.rea', 'HALT', 'mine'), '');
  expect((await unfreeze(dir)).code).toBe(1);
  const statuses = ofEvent(dir, 'unfreeze').map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set(['allowed', 'error']));
});

test("the gateway's questions and their answers are in its chain, before the call", async () => {
  const house = await policyHouse(
    { policy: 'autonomy_level: L2\n', initialize: false, env: FAST_CLOCKS },
    { elicitation: {} },
  );
  const { rea, dir } = house;
  const questions: Message[] = [];
  rea.wire.onForeign = (message) => {
    if (message.method === 'elicitation/create') questions.push(message);
  };
  const answered = async (result: object, args: object = { secret: 'never in a log' }) => {
    const call = rea.begin('tiers__delete-thing', args);
    const question = await until(() => questions.shift(), { what: 'a question' });
    rea.wire.send({ jsonrpc: '2.0', id: question.id, result });
    return call.answer;
  };
  await answered({ action: 'accept', content: { decision: 'once' } });
  await answered({ action: 'decline' }, {});
  await rea.stop();
  const kept = auditRecords(dir).filter(({ tool_name }) => tool_name === 'delete-thing');
  const [ask, yes, begin] = kept;
  expect(kept.map(({ metadata }) => metadata.event)).toEqual([
    'ask',
    'ask_answer',
    'begin',
    'end',
    'ask',
    'ask_answer',
  ]);
  expect(ask).toMatchObject({
    server_name: 'tiers',
    tier: 'destructive',
    status: 'allowed',
    request: begin.request,
    client: begin.client,
    metadata: { level: 'L2' },
  });
  expect(yes).toMatchObject({
    status: 'allowed',
    client: begin.client,
    metadata: { ask: ask.metadata.ask, answer: 'once' },
  });
  expect(kept.at(-1)).toMatchObject({ status: 'denied', metadata: { answer: 'no' } });
  expect(JSON.stringify(kept)).not.toContain('never in a log');
  expect((await verify(dir)).code).toBe(0);
});

test('a client that cannot be asked is in the log as well', async () => {
  const house = await policyHouse({ policy: 'autonomy_level: L2\n' });
  await house.rea.call('tiers__delete-thing');
  await house.rea.stop();
  expect(ofEvent(house.dir, 'ask')).toEqual([]);
  expect(ofEvent(house.dir, 'ask_answer')).toMatchObject([
    { tool_name: 'delete-thing', status: 'denied', metadata: { ask: null, answer: 'unable' } },
  ]);
});
