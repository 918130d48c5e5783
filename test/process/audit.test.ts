/** The audit log of a real gateway: what is in it, that calls which write wait for it, and that it verifies. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { auditRecords, type Kept, verify } from '../support/audit.ts';
import { writePolicy } from '../support/policy-house.ts';
import { FAST_CLOCKS } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, realServer, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const CONFIG = registry({ echo: fixture('echo') });

const events = (dir: string): string[] => auditRecords(dir).map(({ metadata }) => metadata.event);
const ofEvent = (dir: string, event: string): Kept[] =>
  auditRecords(dir).filter(({ metadata }) => metadata.event === event);

test('a call that writes leaves its begin and its end, with the hash of its arguments and never a value', async () => {
  const rea = await startRea({ config: CONFIG });
  const file = join(rea.dir, 'effects');
  const args = { file, text: 'a very private text' };
  await rea.call('echo__side-effect', args);
  expect(await rea.stop()).toEqual({ code: 0, signal: null });

  const request = createHash('sha256').update(JSON.stringify(args)).digest('hex');
  const [begin, end] = auditRecords(rea.dir).filter(({ tool_name }) => tool_name === 'side-effect');
  expect(Object.keys(begin)).toEqual([
    'timestamp',
    'session_id',
    'tool_name',
    'server_name',
    'tier',
    'status',
    'autonomy_level',
    'duration_ms',
    'prev_hash',
    'request',
    'client',
    'metadata',
    'hash',
  ]);
  expect(begin).toMatchObject({
    server_name: 'echo',
    tier: 'write',
    status: 'allowed',
    autonomy_level: 'L3',
    duration_ms: null,
    request,
    client: 'rea-test 1.0.0 #1',
    metadata: { event: 'begin' },
  });
  expect(end).toMatchObject({ status: 'allowed', outcome: 'answered', request });
  expect(end.metadata).toMatchObject({ event: 'end', call: begin.metadata.call, how: 'ok' });
  expect(JSON.stringify(auditRecords(rea.dir))).not.toContain('private');

  const proved = await verify(rea.dir);
  expect(proved.stdout).toMatch(/^clean: \d+ records in 1 file/);
  expect(proved.code).toBe(0);
});

test('the lives of servers, HALT, configuration and the gateway are in the same chain', async () => {
  const rea = await startRea({
    config: registry({ echo: fixture('echo'), dies: fixture('exit-on-call') }),
    env: FAST_CLOCKS,
  });
  await rea.waitForPhase('dies', 'ready');
  const { name } = (await rea.tools()).find((tool) => tool.name.startsWith('dies__')) ?? {};
  await rea.call(String(name));
  await rea.waitForServer('dies', ({ restarts, phase }) => restarts === 1 && phase === 'ready', {
    what: 'restarted',
  });

  writeFileSync(join(rea.dir, '.rea', 'HALT'), 'lunch');
  await rea.waitForLog('HALT is set');
  const denied = await rea.call('echo__pid');
  expect(denied.message.result._meta['rea/error'].code).toBe('ERR_HALTED');
  rmSync(join(rea.dir, '.rea', 'HALT'));
  await rea.waitForLog('HALT is cleared');
  writeFileSync(join(rea.dir, '.rea', 'policy.yaml'), 'audit: {on_failure: deny}\n', {
    mode: 0o600,
  });
  await rea.waitForLog('the configuration is in force');
  await rea.stop();

  expect(events(rea.dir).slice(0, 2)).toEqual(['segment', 'gateway_start']);
  expect(events(rea.dir).at(-1)).toBe('gateway_stop');
  for (const event of ['start', 'ready', 'exit', 'restart', 'halt', 'halt_cleared', 'config']) {
    expect(events(rea.dir)).toContain(event);
  }
  const exit = ofEvent(rea.dir, 'exit').find(({ status }) => status === 'error');
  expect(exit).toMatchObject({ server_name: 'dies', metadata: { reason: 'exit' } });
  const [policy] = ofEvent(rea.dir, 'policy');
  expect(policy.metadata).toMatchObject({
    changed: [{ key: 'audit.on_failure', from: 'warn', to: 'deny' }],
    loosened: [],
  });
  const refused = auditRecords(rea.dir).find(({ status }) => status === 'denied');
  expect(refused).toMatchObject({ tool_name: 'pid', rule: 'halt', outcome: 'not_sent' });
  expect((await verify(rea.dir)).code).toBe(0);
});

test('calls that say that they only read leave one record, of their end', async () => {
  const dir = makeDirectory();
  const rea = await startRea({
    cwd: dir,
    config: registry({ files: realServer('filesystem', dir) }),
  });
  await rea.call('files__list_allowed_directories');
  await rea.stop();
  const records = auditRecords(dir).filter(({ tool_name }) => tool_name !== null);
  expect(records).toMatchObject([
    { tool_name: 'list_allowed_directories', tier: 'read', metadata: { event: 'end' } },
  ]);
});

test('no configured secret is in any record: not in names, reasons, errors or arguments', async () => {
  const secret = 'hunter2-Sesame-77x';
  const rea = await startRea({
    config: registry({
      echo: { ...fixture('echo'), env: { API_TOKEN: secret } },
      dies: { ...fixture('exit-at-start'), env: { API_TOKEN: secret } },
    }),
    env: FAST_CLOCKS,
    initialize: false,
  });
  await rea.wire.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: `client ${secret}`, version: Buffer.from(secret).toString('base64') },
  }).answer;
  await rea.waitForPhase('echo', 'ready');
  await rea.call('echo__echo', { text: secret });
  await rea.request(`own/${secret}`);
  writeFileSync(join(rea.dir, '.rea', 'HALT'), `because of ${secret}`);
  await rea.waitForLog('HALT is set');
  await rea.call('echo__pid');
  await rea.stop();
  const text = JSON.stringify(auditRecords(rea.dir));
  expect(text).toContain('because of [REDACTED:secret]');
  expect(text).toContain('client [REDACTED:secret]');
  expect(text).not.toContain(secret);
  expect(text).not.toContain(Buffer.from(secret).toString('base64'));
  expect((await verify(rea.dir)).code).toBe(0);
});

test('after kill -9 every effect has its begin, and the log verifies', async () => {
  const rea = await startRea({ config: CONFIG });
  const file = join(rea.dir, 'effects');
  for (let n = 0; n < 300; n += 1) rea.begin('echo__side-effect', { file, text: `call ${n}` });
  await until(() => existsSync(file) && readFileSync(file, 'utf8').split('\n').length > 50, {
    what: 'fifty effects',
  });
  rea.kill('SIGKILL');
  await rea.exited;
  const effects = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const begun = new Set(ofEvent(rea.dir, 'begin').map(({ request }) => request));
  for (const text of effects) {
    const request = createHash('sha256').update(JSON.stringify({ file, text })).digest('hex');
    expect(begun).toContain(request);
  }
  const proved = await verify(rea.dir);
  expect(proved.stdout).toContain('clean: ');
  expect(proved.code).toBe(0);
});

test('what becomes looser is recorded, whatever rule it is, and shown', async () => {
  const dir = makeDirectory();
  const rules = 'tools: {deny: [x]}\nblocked_paths: [.env]\nhalt: {cancel_in_flight: true}\n';
  writePolicy(dir, `${rules}audit: {on_failure: deny, keep_mb: 0}\n`);
  const rea = await startRea({ cwd: dir, config: CONFIG });
  await rea.waitForPhase('echo', 'ready');
  writePolicy(dir, 'audit: {keep_mb: 4}\n');
  const { lines } = await rea.waitForState(({ reload }) => reload.loosened ?? null, {
    what: 'what is looser',
  });
  await rea.stop();
  const [{ metadata }] = ofEvent(dir, 'policy');
  expect(metadata.loosened).toEqual(lines);
  expect(metadata.loosened).toEqual([
    expect.stringContaining('blocked_paths without ".env"'),
    expect.stringContaining('tools of a policy allow more'),
    'halt.cancel_in_flight is off',
    'audit.on_failure deny -> warn',
    'audit.keep_mb 0 -> 4',
  ]);
  expect(metadata.changed).toEqual([
    { key: 'audit.on_failure', from: 'deny', to: 'warn' },
    { key: 'audit.keep_mb', from: 0, to: 4 },
    { key: 'halt.cancel_in_flight', from: true, to: false },
    { key: 'tools', from: 2, to: 0 },
    { key: 'blocked_paths', from: 1, to: 0 },
  ]);
});

test('a server that is trusted from now on is recorded', async () => {
  const rea = await startRea({ config: CONFIG });
  await rea.waitForPhase('echo', 'ready');
  writeRegistry(rea.dir, registry({ echo: { ...fixture('echo'), trusted: true } }));
  await rea.waitForLog('looser than before: server');
  await rea.stop();
  const [{ metadata }] = ofEvent(rea.dir, 'policy');
  expect(metadata).toMatchObject({ changed: [], loosened: ['server "echo": is trusted'] });
});

test('audit: off records nothing, and turning it off is the last record', async () => {
  const rea = await startRea({ config: CONFIG });
  await rea.call('echo__pid');
  writeFileSync(join(rea.dir, '.rea', 'policy.yaml'), 'audit: off\n', { mode: 0o600 });
  await rea.waitForLog('looser than before: audit is off');
  const state = await rea.waitForState(({ audit }) => audit.state === 'off' && audit, {
    what: 'the log being off',
  });
  expect(state.lost).toBe(0);
  await rea.call('echo__pid');
  await rea.stop();
  expect(auditRecords(rea.dir).at(-1)?.metadata).toMatchObject({
    event: 'policy',
    loosened: ['audit is off'],
  });
  expect(ofEvent(rea.dir, 'begin')).toHaveLength(1);

  const quiet = makeDirectory();
  mkdirSync(join(quiet, '.rea'), { mode: 0o700 });
  writeFileSync(join(quiet, '.rea', 'policy.yaml'), 'audit: off\n', { mode: 0o600 });
  const other = await startRea({ cwd: quiet, config: CONFIG });
  await other.call('echo__pid');
  await other.stop();
  expect(existsSync(join(quiet, '.rea', 'audit.jsonl'))).toBe(false);
});
