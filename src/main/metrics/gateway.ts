/**
 * The metrics of the gateway's own process and of the gateway as a whole, looked up at each scrape.
 * Process metrics have the names that every Prometheus client library uses.
 */
import { Counter, Gauge, type Registry } from 'prom-client';

export interface GatewayView {
  readonly sessions: number;
  readonly httpConnections: number;
  readonly halted: boolean;
  readonly ownsState: boolean;
  readonly droppedMessages: number;
  /** Null: not known. */
  readonly stateWriterHeapBytes: number | null;
}

/** @returns a function that reads the present state of the gateway into the registry. */
export function gatewayMetrics(registry: Registry, version: string): (view: GatewayView) => void {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });

  const build = new Gauge({
    name: 'rea_build_info',
    help: 'Always 1; the version of the gateway is in the label.',
    labelNames: ['version'],
    registers,
  });
  build.set({ version }, 1);
  const sessions = gauge('rea_upstream_sessions', 'Clients connected, over stdio and HTTP.');
  const connections = gauge('rea_http_connections', 'Open connections of the MCP endpoint.');
  const halt = gauge('rea_halt_active', '1 while the kill switch is set.');
  const owner = gauge('rea_state_owner', '1 while this gateway owns the state file.');
  const dropped = new Counter({
    name: 'rea_dropped_messages_total',
    help: 'Progress, log messages and the like not passed on to clients that do not read.',
    registers,
  });
  const started = gauge('process_start_time_seconds', 'Start of the process, since the epoch.');
  started.set(performance.timeOrigin / 1000);
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the gateway with all its threads, without its servers.',
    registers,
  });
  const rss = gauge(
    'process_resident_memory_bytes',
    'Resident memory of the gateway with all its threads, without its servers.',
  );
  const heapUsed = gauge('nodejs_heap_size_used_bytes', 'Heap of the main thread in use.');
  const heapTotal = gauge('nodejs_heap_size_total_bytes', 'Heap of the main thread.');
  const writerHeap = gauge(
    'rea_state_writer_heap_used_bytes',
    'Heap of the state-writer thread in use; 0 while it is not known.',
  );

  return (view) => {
    sessions.set(view.sessions);
    connections.set(view.httpConnections);
    halt.set(view.halted ? 1 : 0);
    owner.set(view.ownsState ? 1 : 0);
    dropped.reset();
    dropped.inc(view.droppedMessages);
    const { user, system } = process.cpuUsage();
    cpu.reset();
    cpu.inc((user + system) / 1e6);
    const memory = process.memoryUsage();
    rss.set(memory.rss);
    heapUsed.set(memory.heapUsed);
    heapTotal.set(memory.heapTotal);
    writerHeap.set(view.stateWriterHeapBytes ?? 0);
  };
}
