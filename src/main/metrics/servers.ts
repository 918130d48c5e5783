/**
 * The metrics that are looked up at each scrape: the present state of every configured server. Instances
 * of one server are added up. Reads the records that the state file is made of.
 */
import { Gauge, type Registry } from 'prom-client';
import { DEFINITION_KINDS } from '../../shared/machines/drift.ts';
import type { Phase } from '../../shared/model/errors.ts';
import type { DefinitionKind } from '../../shared/model/findings.ts';
import type { CircuitState, RoutingRecord } from '../../shared/model/snapshot.ts';

/** One instance of a server. */
export interface ServerView {
  readonly server: {
    readonly config: { readonly name: string };
    readonly phase: Phase;
    readonly record: RoutingRecord;
  };
  /** Memory of its process tree in MiB, 0 while it is not known. */
  readonly rssMb: number;
}

/** A definition that is withheld. */
export interface HeldView {
  readonly server: string;
  readonly kind: DefinitionKind;
}

const PHASES: Readonly<Record<Phase, 0>> = {
  idle: 0,
  starting: 0,
  ready: 0,
  backoff: 0,
  draining: 0,
  stopped: 0,
  failed: 0,
  blocked: 0,
};
const CIRCUITS: Readonly<Record<CircuitState, 0>> = { closed: 0, open: 0, 'half-open': 0 };
const MIB = 1048576;

interface Sums {
  inFlight: number;
  queued: number;
  heapBytes: number;
  rssBytes: number;
  readonly phases: Record<Phase, number>;
  readonly circuits: Record<CircuitState, number>;
}

/** @returns a function that reads the present state of all servers into the registry. */
export function serverMetrics(
  registry: Registry,
): (servers: readonly string[], views: readonly ServerView[], held: readonly HeldView[]) => void {
  const gauge = <L extends string>(name: string, help: string, ...more: readonly L[]) =>
    new Gauge({ name, help, labelNames: ['server', ...more] as const, registers: [registry] });

  const inFlight = gauge('rea_calls_in_flight', 'Calls handed to a server and not yet answered.');
  const queued = gauge('rea_calls_queued', 'Calls that wait for a server.');
  const phases = gauge('rea_server_phase', 'Instances of a server in each phase.', 'phase');
  const circuits = gauge('rea_circuit_state', 'Circuits of a server in each state.', 'state');
  const heap = gauge('rea_thread_heap_used_bytes', "Heap of a server's supervisor threads.");

  const rss = gauge(
    'rea_server_resident_memory_bytes',
    'Resident memory of a server and all it started; shared pages count once for each process.',
  );

  const withheld = gauge(
    'rea_withheld',
    'Definitions that are not listed until a person accepts them.',
    'kind',
  );

  return (servers, views, held) => {
    // Removes servers that are not configured any more.
    for (const one of [inFlight, queued, heap, rss, phases, circuits, withheld]) one.reset();
    for (const server of servers) {
      for (const kind of DEFINITION_KINDS) withheld.set({ server, kind }, 0);
    }
    for (const { server, kind } of held) withheld.inc({ server, kind });
    for (const [server, sums] of add(servers, views)) {
      inFlight.set({ server }, sums.inFlight);
      queued.set({ server }, sums.queued);
      heap.set({ server }, sums.heapBytes);
      rss.set({ server }, sums.rssBytes);
      for (const [phase, count] of Object.entries(sums.phases)) {
        phases.set({ server, phase }, count);
      }
      for (const [state, count] of Object.entries(sums.circuits)) {
        circuits.set({ server, state }, count);
      }
    }
  };
}

function add(servers: readonly string[], views: readonly ServerView[]): Map<string, Sums> {
  const all = new Map(
    servers.map((server): [string, Sums] => [
      server,
      {
        inFlight: 0,
        queued: 0,
        heapBytes: 0,
        rssBytes: 0,
        phases: { ...PHASES },
        circuits: { ...CIRCUITS },
      },
    ]),
  );
  for (const { server, rssMb } of views) {
    const { config, phase, record } = server;
    const sums = all.get(config.name);
    if (sums === undefined) continue;
    sums.inFlight += record.in_flight;
    sums.queued += record.queued;
    sums.heapBytes += Math.round(((record.thread.heap_mb ?? 0) * MIB) / (record.thread.mates + 1));
    sums.rssBytes += Math.round(rssMb * MIB);
    sums.phases[phase] += 1;
    sums.circuits[record.circuit_state] += 1;
  }
  return all;
}
