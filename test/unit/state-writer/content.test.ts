import { describe, expect, it } from 'vitest';
import { parseCatalogFile, parseHeld } from '#src/shared/model/remembered.ts';
import type { StateWriterData } from '#src/shared/protocol/threads.ts';
import type { TreeUsage } from '#src/shared/protocol/usage.ts';
import { CatalogFile } from '#src/workers/state-writer/catalog-file.ts';
import { compose, type OwnFields } from '#src/workers/state-writer/compose.ts';
import { Ledger } from '#src/workers/state-writer/ledger.ts';
import { catalogFact, mainFact, routing, supervisorFact } from '../../support/facts.ts';

const data = {
  sessionId: 's',
  startedAt: '2025-01-01T00:00:00.000Z',
  identity: { pid: 5, start_time: '50', boot_id: 'b', pid_ns: 'ns' },
  gatewayVersion: '1',
  metricsPort: null,
  servers: ['b', 'a'],
  heartbeatMs: 5000,
} as unknown as StateWriterData;

const TREE: TreeUsage = {
  pgid: 77,
  rssMb: 12.5,
  cpuMs: 40,
  wantedMs: 50,
  cpuPercent: 1.5,
  sessions: [],
};

const own: OwnFields = {
  seq: 3,
  updatedAt: '2025-01-01T00:00:05.000Z',
  mainState: 'running',
  stalledSince: null,
  usage: new Map([[77, TREE]]),
  writeErrors: null,
};

const first = (ledger: Ledger) => compose(data, ledger, own).downstreams[0];

describe('the ledger', () => {
  it.each([
    ['a newer revision', { generation: 1, incarnation: 2 }, 6, true],
    ['the same once more', { generation: 1, incarnation: 2 }, 5, false],
    ['an older revision', { generation: 1, incarnation: 2 }, 4, false],
    ['an older incarnation', { generation: 1, incarnation: 1 }, 99, false],
    ['a newer incarnation', { generation: 1, incarnation: 3 }, 1, true],
    ['an older thread', { generation: 0, incarnation: 9 }, 99, false],
    ['a newer thread', { generation: 2, incarnation: 1 }, 1, true],
  ])('decides about %s', (_name, order, rev, taken) => {
    const ledger = new Ledger();
    ledger.takeSupervisor(supervisorFact('a', 5, {}, { generation: 1, incarnation: 2 }));
    const change = ledger.takeSupervisor(supervisorFact('a', rev, { tools_count: 8 }, order));
    expect(change !== 'none').toBe(taken);
    expect(ledger.supervisor('a')?.tools_count).toBe(taken ? 8 : 3);
  });

  it('holds births, deaths and phases for urgent, and counters not', () => {
    const ledger = new Ledger();
    const how = { code: 1, signal: null, at: 't', stderr_tail: '' };
    const exit = { ...how, reason: 'exit', detail: null } as const;
    expect(ledger.takeSupervisor(supervisorFact('a', 1))).toBe('urgent');
    expect(ledger.takeSupervisor(supervisorFact('a', 2, { noise_lines: 9 }))).toBe('counter');
    expect(ledger.takeSupervisor(supervisorFact('a', 3, { pid: 9 }))).toBe('urgent');
    expect(ledger.takeSupervisor(supervisorFact('a', 4, { pid: 9, last_exit: exit }))).toBe(
      'urgent',
    );
    expect(ledger.takeMain(mainFact(1))).toBe('counter');
    expect(ledger.takeMain(mainFact(1))).toBe('none');
  });
});

describe('the snapshot', () => {
  it('lists every server in the order of the configuration, idle before its first record', () => {
    const { downstreams } = compose(data, new Ledger(), own);
    expect(downstreams.map(({ name }) => name)).toEqual(['b', 'a']);
    expect(downstreams[0]).toMatchObject({
      phase: 'idle',
      since: data.startedAt,
      connected: false,
      healthy: false,
      circuit_state: 'closed',
      connection_state: 'never',
      tools_count: null,
      pid: null,
      rss_mb: null,
      cpu_percent: null,
      cpu_ms: null,
    });
  });

  it.each([
    ['ready', 'closed', true, true],
    ['ready', 'open', true, false],
    ['ready', 'half-open', true, false],
    ['backoff', 'closed', false, false],
    ['draining', 'closed', false, false],
  ] as const)(
    'calls a server that is %s with a circuit %s by its name',
    (phase, circuit, connected, healthy) => {
      const ledger = new Ledger();
      ledger.takeSupervisor(supervisorFact('b', 1, { phase }));
      ledger.takeMain(mainFact(1, { servers: { b: { ...routing, circuit_state: circuit } } }));
      expect(first(ledger)).toMatchObject({ connected, healthy, circuit_state: circuit });
    },
  );

  it('gives each server the usage of its own group', () => {
    const ledger = new Ledger();
    ledger.takeSupervisor(supervisorFact('b', 1, { pgid: 77 }));
    ledger.takeSupervisor(supervisorFact('a', 1, { pgid: 78 }));
    const { downstreams } = compose(data, ledger, own);
    expect(downstreams[0]).toMatchObject({ rss_mb: 12.5, cpu_percent: 1.5, cpu_ms: 40 });
    expect(downstreams[1]).toMatchObject({ rss_mb: null, cpu_percent: null, cpu_ms: null });
  });

  it('bounds what a server can make it say', () => {
    const ledger = new Ledger();
    const stderr_tail = `${'x'.repeat(9000)}end`;
    const detail = 'x'.repeat(9000);
    const last_exit = {
      code: 1,
      signal: null,
      at: 't',
      reason: 'exit',
      detail,
      stderr_tail,
    } as const;
    const changes = { last_error: 'x'.repeat(9000), last_exit };
    ledger.takeSupervisor(supervisorFact('b', 1, changes));
    expect(first(ledger)?.last_error).toHaveLength(4096);
    expect(first(ledger)?.last_exit?.stderr_tail).toHaveLength(2048);
    expect(first(ledger)?.last_exit?.stderr_tail.endsWith('end')).toBe(true);
    expect(first(ledger)?.last_exit?.detail).toHaveLength(1024);
  });

  it('is not confused by names that every object has', () => {
    const ledger = new Ledger();
    const odd = { ...data, servers: ['constructor', 'to-string'] };
    expect(compose(odd, ledger, own).downstreams[0]).toMatchObject({ in_flight: 0 });
  });

  it('shows what waits as main tells it, and nothing before that', () => {
    const ledger = new Ledger();
    expect(compose(data, ledger, own).reload).toEqual({ problems: null, waiting: [], more: 0 });
    const one = { name: 'a', change: 'new', what: '/bin/sh', since: data.startedAt } as const;
    const reload = { problems: null, waiting: [one], more: 2 };
    ledger.takeMain(mainFact(1, { reload }));
    expect(compose(data, ledger, own).reload).toEqual(reload);
  });

  it('shows its own errors only when there are any', () => {
    expect(compose(data, new Ledger(), own)).not.toHaveProperty('write_errors');
    const writeErrors = { count: 2, last: 'ENOSPC' };
    expect(compose(data, new Ledger(), { ...own, writeErrors }).write_errors).toEqual(writeErrors);
  });
});

describe('the catalogue file', () => {
  it('keeps why a server has held up others while it is the same program', () => {
    const file = new CatalogFile();
    file.take({ ...catalogFact('a', ['x']), heldUp: 'noise' });
    file.take(catalogFact('a', ['y']));
    const text = file.pending() ?? '';
    expect(parseCatalogFile(text).get('a')).toMatchObject({ heldUp: 'noise' });
    const next = new CatalogFile();
    next.adopt(text);
    next.take(catalogFact('a', ['z']));
    expect(parseCatalogFile(next.pending() ?? '').get('a')?.heldUp).toBe('noise');
    next.take({ ...catalogFact('a', ['z']), fingerprint: 'another' });
    expect(parseCatalogFile(next.pending() ?? '').get('a')?.heldUp).toBeNull();
  });

  it('keeps the servers of the file that nobody has told of', () => {
    const before = new CatalogFile();
    before.take(catalogFact('a', ['x']));
    before.take(catalogFact('b', ['y']));
    const file = new CatalogFile();
    file.adopt(before.pending());
    file.take(catalogFact('b', ['z']));
    const merged = parseCatalogFile(file.pending() ?? '');
    expect([...merged.keys()]).toEqual(['a', 'b']);
    expect(merged.get('b')?.lists.tools?.[0]).toContain('"z"');
  });

  it('adds what is told of a server to what is known, until it is configured differently', () => {
    const profile = { capabilities: '{"x":{}}', instructions: 'i', name: 'n', version: '1' };
    const before = new CatalogFile();
    before.take({ ...catalogFact('a', ['x']), profile });
    const file = new CatalogFile();
    file.adopt(before.pending());
    const told = { ...catalogFact('a', []), lists: { prompts: ['{"name":"p"}'] } };
    file.take(told);
    const lists = { tools: catalogFact('a', ['x']).lists.tools, ...told.lists };
    const { fingerprint } = told;
    expect(parseCatalogFile(file.pending() ?? '').get('a')).toEqual({
      fingerprint,
      profile,
      lists,
      heldUp: null,
    });
    file.take({ ...told, lists: { tools: null } });
    expect(parseCatalogFile(file.pending() ?? '').get('a')?.lists).toEqual(told.lists);
    file.take({ ...told, fingerprint: 'other' });
    expect(parseCatalogFile(file.pending() ?? '').get('a')).toEqual({
      fingerprint: 'other',
      profile: null,
      lists: told.lists,
      heldUp: null,
    });
  });

  it('keeps whose a URI is, until main says otherwise', () => {
    const uri = { uri: 'res://a', server: 'a' };
    const before = new CatalogFile();
    before.take(catalogFact('a', ['x']));
    before.takeHeld({ type: 'held', kind: 'resources', held: [uri] });
    const file = new CatalogFile();
    file.adopt(before.pending());
    file.take(catalogFact('b', ['y']));
    expect(parseHeld(file.pending() ?? '')).toEqual({ resources: [uri], templates: [] });
    file.takeHeld({ type: 'held', kind: 'templates', held: [uri] });
    expect(parseHeld(file.pending() ?? '')).toEqual({ resources: [uri], templates: [uri] });
    file.takeHeld({ type: 'held', kind: 'resources', held: [] });
    expect(parseHeld(file.pending() ?? '')).toEqual({ resources: [], templates: [uri] });
  });

  it.each(['{}', 'no JSON', '{"schema":2,"held":5}', '{"schema":2,"held":{"resources":[5,{}]}}'])(
    'takes nothing for held that is not as expected: %s',
    (text) => {
      expect(parseHeld(text)).toEqual({ resources: [], templates: [] });
    },
  );

  it('takes over the tools of a file of the first format', () => {
    const file = new CatalogFile();
    const tools = [{ name: 'x', json: '{"name":"x"}' }];
    file.adopt(JSON.stringify({ schema: 1, servers: { a: { fingerprint: 'f', tools } } }));
    file.take(catalogFact('b', ['y']));
    expect(parseCatalogFile(file.pending() ?? '').get('a')?.lists).toEqual({
      tools: ['{"name":"x"}'],
    });
  });

  it('is not written when it says nothing new', () => {
    const file = new CatalogFile();
    expect(file.pending()).toBeNull();
    file.take(catalogFact('a', ['x']));
    const text = file.pending() ?? '';
    file.wrote(text);
    file.take(catalogFact('a', ['x']));
    expect(file.pending()).toBeNull();
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"schema":1,'],
    ['another format', '{"schema":3,"servers":{"a":{"fingerprint":"f","lists":{}}}}'],
    ['a list', '[]'],
    ['servers that are none', '{"schema":1,"servers":null}'],
    ['an entry that is none', '{"schema":2,"servers":{"a":5,"c":{"lists":{}}}}'],
  ])('takes %s for empty and replaces it', (_name, text) => {
    const file = new CatalogFile();
    file.adopt(text);
    expect(parseCatalogFile(text).size).toBe(0);
    file.take(catalogFact('b', ['x']));
    expect([...parseCatalogFile(file.pending() ?? '').keys()]).toEqual(['b']);
  });
});
