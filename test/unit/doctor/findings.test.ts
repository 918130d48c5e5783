/** What the doctor finds in servers: in the words of the one table, and all of it documented. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { causeOf } from '#src/main/causes/causes.ts';
import { FOUND, type FoundCode, found, TROUBLES } from '#src/main/causes/found.ts';
import { serverReport } from '#src/main/doctor/report.ts';
import type { Examined } from '#src/main/doctor/servers/examined.ts';
import { findingsOf, troubleOf } from '#src/main/doctor/servers/findings.ts';
import { offersOf } from '#src/main/doctor/servers/offers.ts';
import { IDLE } from '#src/shared/model/idle.ts';
import { LIST_KINDS, type ListKind } from '#src/shared/model/lists.ts';
import type { LastExit, SupervisorRecord } from '#src/shared/model/snapshot.ts';
import type { CatalogMessage } from '#src/shared/protocol/from-supervisor.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

const record = (changes: Partial<SupervisorRecord>): SupervisorRecord => ({ ...IDLE, ...changes });
const exit = (reason: LastExit['reason'], detail: string): LastExit => ({
  code: null,
  signal: null,
  at: '2026-11-30T12:00:00.000Z',
  reason,
  detail,
  stderr_tail: '',
});

function examined(changes: Partial<Examined>): Examined {
  return {
    server: serverConfig('echo', [], { name: 'one', prefix: 'one' }),
    record: record({ phase: 'ready', incarnation: 1 }),
    lists: new Map(),
    readyMs: 100,
    serves: true,
    rssMb: 40,
    exitsOnEof: true,
    noiseLines: 0,
    leftRunning: [],
    unclearMs: null,
    ...changes,
  };
}

const codes = (one: Examined) => findingsOf(one, null).map(({ code }) => code);

test('a server in order gives nothing to say', () => {
  expect(codes(examined({}))).toEqual([]);
});

test.each([
  ['entry', record({ phase: 'failed', last_error: 'missing env: TOKEN' })],
  ['blocked', record({ phase: 'blocked', last_error: 'new; to accept it: rea pins accept one' })],
  ['lists', record({ phase: 'ready', incarnation: 1, last_error: 'tools/list was not answered' })],
  ...(['spawn', 'handshake', 'stall', 'connect', 'thread', 'flood', 'revision'] as const).map(
    (reason) =>
      [
        reason,
        record({
          phase: 'failed',
          incarnation: 1,
          last_error: `why of ${reason}`,
          last_exit: exit(reason, `why of ${reason}`),
        }),
      ] as const,
  ),
] as const)('trouble of kind %s has the cause that the status shows', (code, trouble) => {
  const finding = troubleOf('one', trouble);
  const { why, action } = causeOf(trouble) ?? {};
  expect(finding).toEqual({
    severity: 'error',
    subject: 'one',
    what: TROUBLES[code],
    why,
    action,
    code,
  });
});

test('what a server that serves does wrong is told', () => {
  expect(codes(examined({ noiseLines: 3 }))).toEqual(['noise']);
  expect(codes(examined({ exitsOnEof: false }))).toEqual(['stays']);
  expect(codes(examined({ exitsOnEof: null }))).toEqual([]);
  expect(codes(examined({ leftRunning: [{ pid: 7, program: 'firefox' }] }))).toEqual([
    'left_running',
  ]);
  const withheld = record({ phase: 'ready', withheld: 2, withheld_why: 'tools/list: names' });
  expect(findingsOf(examined({ record: withheld }), null)).toMatchObject([
    { code: 'withheld', why: '2 entries: tools/list: names' },
  ]);
});

test('one that is waited for in vain is told only where its record says nothing', () => {
  const starting = record({ phase: 'starting', incarnation: 1 });
  expect(codes(examined({ record: starting, serves: false, unclearMs: 120_000 }))).toEqual([
    'unclear',
  ]);
  const failed = record({
    phase: 'failed',
    incarnation: 1,
    last_error: 'x',
    last_exit: exit('exit', 'x'),
  });
  expect(codes(examined({ record: failed, serves: false, unclearMs: 120_000 }))).toEqual(['exit']);
});

test.each([
  [60_000, 'start_timeout', 'raise its start_timeout_ms'],
  [60_001, 'unclear', 'rea doctor waits 60 s at most'],
])('with a start_timeout_ms of %d a slow start is %s', (start_timeout_ms, code, action) => {
  const detail = 'no answer to initialize within 60000 ms';
  const slow = examined({
    server: serverConfig('echo', [], { name: 'one', startTimeoutMs: start_timeout_ms }),
    record: record({
      phase: 'backoff',
      incarnation: 1,
      last_error: detail,
      last_exit: exit('start_timeout', detail),
    }),
    serves: false,
  });
  expect(findingsOf(slow, null)).toMatchObject([
    { severity: 'error', code, action: expect.stringContaining(action) },
  ]);
});

test('the report has the protocol revision of the record', () => {
  const protocol_version = '2026-07-28';
  const one = examined({ record: record({ phase: 'ready', incarnation: 1, protocol_version }) });
  expect(serverReport(one, null)).toMatchObject({ revision: protocol_version });
});

function listing(name: string, prefix: string, tools: readonly (readonly [string, number])[]) {
  const entries = tools.map(([key, bytes]) => {
    const head = `{"name":${JSON.stringify(key)},"description":"`;
    const json = Buffer.from(`${head}${'d'.repeat(Math.max(0, bytes - head.length - 2))}"}`);
    return { key, json, keyAt: [8, 8 + JSON.stringify(key).length] as const };
  });
  const lists = new Map<ListKind, CatalogMessage>(
    LIST_KINDS.map((kind) => [
      kind,
      {
        type: 'catalog',
        slot: 0,
        incarnation: 1,
        kind,
        entries: kind === 'tools' ? entries : [],
        hashes: [],
        commandTools: [],
        withheld: { count: 0, why: '' },
      },
    ]),
  );
  const server = serverConfig('echo', [], { name, lane: name, prefix });
  return examined({ server, lists });
}

test('tools are counted with their tokens, names with the prefix, and what two servers want', () => {
  const long = 'l'.repeat(60);
  const one = listing('one', '', [['same', 400]]);
  const other = listing('other', '', [['same', 400]]);
  const big = listing('big', 'big', [
    [long, 100],
    ['large', 100_000],
  ]);
  const all = [one, other, big];
  const config = { servers: all.map(({ server }) => server), reserved: [] };
  const offers = offersOf(config, all);
  expect(offers.get('one')).toMatchObject({ tools: 1, tokens: 100, longNames: [], collisions: [] });
  expect(offers.get('other')?.collisions).toHaveLength(1);
  expect(offers.get('big')).toMatchObject({ tools: 2, tokens: 25_025, longNames: [long] });
  const ofBig = findingsOf(big, offers.get('big') ?? null).map(({ code }) => code);
  expect(ofBig).toEqual(['long_names', 'many_tokens']);
  expect(findingsOf(other, offers.get('other') ?? null)).toMatchObject([
    { code: 'collision', why: expect.stringContaining('server "one" has one') },
  ]);
});

test('every row says what to do, fills what it has, and is documented', () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  for (const code of Object.keys(FOUND) as FoundCode[]) {
    const { what, why, action } = found(code, 'first', 'second', 'third');
    expect([what, why, action].join(' '), code).not.toMatch(/\$\d/);
    expect(action.length, code).toBeGreaterThanOrEqual('third'.length);
    expect(page, code).toContain(`\`${code}\``);
  }
  for (const code of Object.keys(TROUBLES)) expect(page, code).toContain(`\`${code}\``);
});
