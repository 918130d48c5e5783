/**
 * The metrics that count events: calls, errors, durations, restarts, openings of circuits, lost threads,
 * noise, and how late the main loop is. They only grow; every value of every label is there from the
 * start, as zero.
 */
import { Counter, Histogram, type Registry } from 'prom-client';
import { type ErrorCode, RULES, ruleOfCode } from '../../shared/model/errors.ts';
import { PRIVATE_KEY, TOKEN_KINDS } from '../../shared/text/redact-patterns.ts';
import { ASK_ANSWERS, type CallOutcome, type Observer } from '../calls/observer.ts';

/** True: the duration of a call with this outcome tells something about the server. */
const OUTCOMES: Readonly<Record<CallOutcome, boolean>> = {
  ok: true,
  error: true,
  refused: false,
  timeout: true,
  unknown: false,
  undeliverable: true,
  cancelled: false,
};

const CODES: Readonly<Record<ErrorCode, true>> = {
  ERR_BREAKER_OPEN: true,
  ERR_BACKOFF: true,
  ERR_HALTED: true,
  ERR_QUEUE_FULL: true,
  ERR_TIMEOUT: true,
  ERR_OUTCOME_UNKNOWN: true,
  ERR_MESSAGE_TOO_LARGE: true,
  ERR_MALFORMED_MESSAGE: true,
  ERR_HTTP_STATUS: true,
  ERR_RESULT_TOO_LARGE: true,
  ERR_DENIED_CONTENT: true,
  ERR_DENIED_PATH: true,
  ERR_DENIED_MASK: true,
  ERR_DENIED_SECRET: true,
  ERR_AUDIT_UNAVAILABLE: true,
  ERR_DENIED_TIER: true,
  ERR_DENIED_TOOL: true,
  ERR_RATE_LIMITED: true,
  ERR_PIN_DRIFT: true,
  ERR_DOWNSTREAM_DOWN: true,
};

/** Besides the names of the operator's patterns. */
const SECRET_KINDS = ['secret', PRIVATE_KEY, ...TOKEN_KINDS];

const THREAD_LOSSES = ['stalled', 'crashed'] as const;

/** Seconds, from an answer that needs no I/O to the default `call_total_timeout_ms`. */
const CALL_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
  600,
];
/** Seconds, from a busy moment to a main loop that hangs. */
const LAG_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Seconds, from a fast disk to one that hangs. */
const SYNC_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5,
];

export interface EventMetrics extends Observer {
  /** One measurement of how late the main loop is. */
  loopLag(ms: number): void;
  /** Main, or the thread that measures, waited for a CPU for much of the time. */
  starved(): void;
  /** Records of the audit log were written. @param syncMs how long the disk took; null: they need not be durable. */
  audited(records: number, syncMs: number | null): void;
}

/** Metrics with series for every server from the start, before any event. */
export interface ExpectingMetrics extends EventMetrics {
  /** @param servers configured names; an event of another server is a mistake of the caller. */
  expect(servers: readonly string[]): void;
}

export function eventMetrics(registry: Registry): ExpectingMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers });

  const calls = counter('rea_calls_total', 'Requests meant for a server, by how they ended.', [
    'server',
    'outcome',
  ]);
  const errors = counter(
    'rea_call_errors_total',
    'Requests that the gateway answered with an error of its own, by code.',
    ['server', 'code'],
  );
  const denied = counter(
    'rea_denied_total',
    'Requests refused by a rule of the operator, by rule.',
    ['server', 'rule'],
  );
  const redactions = counter(
    'rea_redacted_total',
    'Secrets found in answers, by kind; masked unless redact.results says otherwise.',
    ['server', 'kind'],
  );
  const asks = counter(
    'rea_asks_total',
    'Questions of the gateway before a destructive call, by how they ended.',
    ['server', 'answer'],
  );
  const durations = new Histogram({
    name: 'rea_call_duration_seconds',
    help: 'Time from handing a call to its server until the answer, or until it timed out.',
    labelNames: ['server'],
    buckets: CALL_BUCKETS,
    registers,
  });
  const restarts = counter(
    'rea_server_restarts_total',
    'Processes started in place of one that ended.',
    ['server'],
  );
  const openings = counter('rea_circuit_openings_total', 'Times a circuit has opened.', ['server']);
  const losses = counter(
    'rea_thread_losses_total',
    'Supervisor threads that stalled or crashed and were replaced.',
    ['server', 'reason'],
  );
  const noise = counter(
    'rea_server_noise_lines_total',
    "Lines on a server's stdout that were no protocol messages.",
    ['server'],
  );
  const cpu = counter('rea_server_cpu_seconds_total', 'CPU time of a server and all it started.', [
    'server',
  ]);
  const lag = new Histogram({
    name: 'rea_main_loop_lag_seconds',
    help: 'How late the main loop was, looked at four times a second.',
    buckets: LAG_BUCKETS,
    registers,
  });
  const starvation = new Counter({
    name: 'rea_main_starved_total',
    help: 'Looks, at most ten a second, at which the gateway had waited for a CPU for much of the time.',
    registers,
  });

  const audited = new Counter({
    name: 'rea_audit_records_total',
    help: 'Records written to the audit log.',
    registers,
  });
  const synced = new Histogram({
    name: 'rea_audit_fsync_seconds',
    help: 'Time in which the disk made a batch of audit records durable.',
    buckets: SYNC_BUCKETS,
    registers,
  });

  const known = new Set<string>();
  const expect = (server: string) => {
    if (known.has(server)) return;
    known.add(server);
    for (const outcome of Object.keys(OUTCOMES)) calls.inc({ server, outcome }, 0);
    for (const code of Object.keys(CODES)) errors.inc({ server, code }, 0);
    for (const rule of Object.values(RULES)) denied.inc({ server, rule }, 0);
    for (const kind of SECRET_KINDS) redactions.inc({ server, kind }, 0);
    for (const answer of ASK_ANSWERS) asks.inc({ server, answer }, 0);
    for (const reason of THREAD_LOSSES) losses.inc({ server, reason }, 0);
    for (const one of [restarts, openings, noise, cpu]) one.inc({ server }, 0);
    durations.zero({ server });
  };
  return {
    expect: (servers) => servers.forEach(expect),
    callEnded: (server, outcome, code, ms) => {
      calls.inc({ server, outcome });
      if (code !== null) errors.inc({ server, code });
      const rule = ruleOfCode(code);
      if (rule !== undefined) {
        denied.inc({ server, rule });
      }
      if (ms !== null && OUTCOMES[outcome]) durations.observe({ server }, ms / 1000);
    },
    redacted: (server, counts) => {
      for (const [kind, count] of Object.entries(counts)) redactions.inc({ server, kind }, count);
    },
    asked: (server, answer) => asks.inc({ server, answer }),
    circuitOpened: (server) => openings.inc({ server }),
    restarted: (server) => restarts.inc({ server }),
    threadLost: (server, reason) => losses.inc({ server, reason }),
    noise: (server, lines) => noise.inc({ server }, lines),
    cpuUsed: (server, ms) => cpu.inc({ server }, ms / 1000),
    loopLag: (ms) => lag.observe(ms / 1000),
    starved: () => starvation.inc(),
    audited: (records, syncMs) => {
      audited.inc(records);
      if (syncMs !== null) synced.observe(syncMs / 1000);
    },
  };
}
