/** A directory with the files of a gateway, and `rea status` of it, for the tests of status. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { runStatus } from '#src/main/commands/status.ts';
import { AUDIT_OFF } from '#src/shared/model/audit.ts';
import type {
  DownstreamSnapshot,
  InstanceRecord,
  ProcessIdentity,
  StateSnapshot,
} from '#src/shared/model/snapshot.ts';
import { ownIdentity } from '#src/shared/platform/identity.ts';

export const SESSION = '3b0c5a4e-0000-4000-8000-000000000001';

/** This process: a gateway that lives. */
export const LIVING: ProcessIdentity = ownIdentity();
/** The same pid at another time: a gateway that is gone. */
export const GONE: ProcessIdentity = { ...LIVING, start_time: '1' };

/** The time `ms` from now. */
export const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();

/** An empty project directory, removed after the test. */
export function project(): { cwd: string; write: (path: string, content: unknown) => void } {
  const cwd = mkdtempSync(join(tmpdir(), 'rea-status-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const write = (path: string, content: unknown): void => {
    const file = join(cwd, '.rea', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  };
  return { cwd, write };
}

export interface Shown {
  readonly exit: number;
  readonly text: string;
  readonly stderr: string;
}

interface Asked {
  readonly server?: string;
  readonly askedIn?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  /** Columns of the terminal. */
  readonly tty?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs `rea status` in this process. */
export function status(
  cwd: string,
  { tty, json = false, verbose = false, ...options }: Asked = {},
): Shown {
  const [stdout, stderr] = [sink(), sink()];
  if (tty !== undefined) Object.assign(stdout.stream, { isTTY: true, columns: tty });
  const env = { XDG_STATE_HOME: join(cwd, 'state-home'), ...options.env };
  const streams = { stdout: stdout.stream, stderr: stderr.stream };
  const exit = runStatus({ ...options, cwd, json, verbose, ...streams, env });
  return { exit, text: stdout.text(), stderr: stderr.text() };
}

function sink(): { stream: Writable; text: () => string } {
  let text = '';
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
}

/** The parsed JSON of `rea status --json`. */
export function statusJson(cwd: string, asked: Asked = {}): { exit: number; report: any } {
  const { exit, text } = status(cwd, { ...asked, json: true });
  return { exit, report: JSON.parse(text) };
}

export function downstream(changes: Partial<DownstreamSnapshot> = {}): DownstreamSnapshot {
  return {
    name: 'files',
    connected: true,
    healthy: true,
    circuit_state: 'closed',
    retry_at: null,
    last_error: null,
    tools_count: 11,
    protocol_version: null,
    open_transitions: 0,
    session_blocker_emitted: false,
    connection_state: 'ok',
    phase: 'ready',
    since: fromNow(-60_000),
    pid: 4711,
    pgid: 4711,
    child_started: '12345',
    incarnation: 1,
    restarts: 0,
    last_exit: null,
    next_restart_at: null,
    in_flight: 0,
    queued: 0,
    calls: 7,
    errors: 0,
    p50_ms: 1.5,
    p99_ms: 12,
    rss_mb: 45.4,
    cpu_percent: 3.4,
    cpu_ms: 12_340,
    noise_lines: 0,
    withheld: 0,
    withheld_why: null,
    left_running: [],
    thread: { state: 'running', restarts: 0, heap_mb: 9, mates: 0, held_up: null },
    share: 'low',
    name_collisions: 0,
    ...changes,
  };
}

/** A healthy gateway that wrote its state a second ago. */
export function snapshot(changes: Partial<StateSnapshot> = {}): StateSnapshot {
  const owner = changes.owner ?? LIVING;
  return {
    session_id: SESSION,
    started_at: fromNow(-120_000),
    metrics_port: null,
    downstreams: [downstream()],
    updated_at: fromNow(-1000),
    owner_pid: owner.pid,
    schema: 2,
    seq: 3,
    owner,
    gateway_version: '0.1.0',
    endpoint: { stdio: true, http: null, auth: null, token_file: null },
    main: { state: 'running', stalled_since: null, loop_lag_ms: 1 },
    priority: 'none',
    sessions: 1,
    clients: [],
    disabled: [],
    left_out: [],
    halt: { active: false, reason: null },
    reload: { problems: null, waiting: [], more: 0 },
    audit: AUDIT_OFF,
    definitions: { withheld: [], more: 0, changed: [], findings: [] },
    heartbeat_ms: 5000,
    ...changes,
  };
}

export function instance(changes: Partial<InstanceRecord> = {}): InstanceRecord {
  return {
    ...LIVING,
    session_id: SESSION,
    started_at: fromNow(-120_000),
    endpoint: { stdio: true, http: null, auth: null, token_file: null },
    state_dir: null,
    log_file: null,
    parent_pid: process.ppid,
    halt: { active: false, reason: null },
    ...changes,
  };
}
