/** What a scrape reads from the gateway: sums over instances, and each byte of a heap once. */
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { eventMetrics } from '#src/main/metrics/events.ts';
import { gatewayMetrics } from '#src/main/metrics/gateway.ts';
import { type ServerView, serverMetrics } from '#src/main/metrics/servers.ts';

const MIB = 1024 * 1024;

function view(name: string, heapMb: number, mates: number): ServerView {
  const record = {
    in_flight: 1,
    queued: 2,
    circuit_state: 'closed',
    thread: { state: 'running', restarts: 0, heap_mb: heapMb, mates },
  };
  const server = { config: { name }, phase: 'ready', record };
  return { server: server, rssMb: 3 } as unknown as ServerView;
}

async function valueOf(registry: Registry, name: string, server?: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get();
  const value = metric?.values.find(({ labels }) => labels['server'] === server)?.value;
  if (value === undefined) throw new Error(`${name} has no value for ${server}`);
  return value;
}

test('the heap of a shared thread is divided among its servers, that of their own is theirs', async () => {
  const registry = new Registry();
  const views = [view('one', 12, 2), view('two', 12, 2), view('three', 12, 2), view('own', 12, 0)];
  serverMetrics(registry)(['one', 'two', 'three', 'own'], views, []);
  const heap = (server: string) => valueOf(registry, 'rea_thread_heap_used_bytes', server);
  expect(await Promise.all(['one', 'two', 'three', 'own'].map(heap))).toEqual([
    4 * MIB,
    4 * MIB,
    4 * MIB,
    12 * MIB,
  ]);
});

test('messages that clients went without are counted as the router counts them', async () => {
  const registry = new Registry();
  const read = gatewayMetrics(registry, '0');
  const seen = {
    sessions: 1,
    httpConnections: 0,
    halted: false,
    ownsState: true,
    stateWriterHeapBytes: null,
  };
  for (const droppedMessages of [3, 5]) {
    read({ ...seen, droppedMessages });
    expect(await valueOf(registry, 'rea_dropped_messages_total')).toBe(droppedMessages);
  }
});

test('secrets are counted by kind, whatever an operator has called it', async () => {
  const registry = new Registry();
  const metrics = eventMetrics(registry);
  metrics.expect(['one']);
  const counts = Object.create(null);
  for (const kind of ['constructor', 'toString', '__proto__']) counts[kind] = 2;
  for (let times = 0; times < 2; times++) metrics.redacted('one', structuredClone(counts));
  const metric = await registry.getSingleMetric('rea_redacted_total')?.get();
  const seen = metric?.values.filter(({ value }) => value > 0);
  expect(seen?.map(({ labels, value }) => [labels['kind'], value])).toEqual([
    ['constructor', 4],
    ['toString', 4],
    ['__proto__', 4],
  ]);
});
