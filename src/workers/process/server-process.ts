/**
 * How a server's process comes to be: forked from this process, or by the launcher, which costs a large
 * gateway nothing. Either way it leads a session and a group of its own, and its three pipes end here.
 * Knows nothing of what is said on them.
 */
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { threadId } from 'node:worker_threads';
import { errorCode } from '../../shared/platform/errno.ts';
import {
  encodeHello,
  type LauncherAddress,
  LaunchLines,
  type LaunchPipe,
  type LaunchReply,
  type LaunchRequest,
} from '../../shared/protocol/launch.ts';
import { ignoreBrokenPipe } from './broken-pipe.ts';
import { startTimeOf, type Watch, whenGone } from './process-group.ts';

/** When the launcher is asked again after it had no room: strangers may crowd at its socket. */
const AGAIN_MS = 10;
const CLOSED = 'it closed the connection';
/** It is there, and closed a connection or could not take one. */
const NO_ROOM = new Set([CLOSED, 'EAGAIN', 'ECONNRESET', 'EPIPE']);
/** Why a connection fails for which the launcher can do nothing. */
const OUR_LIMITS = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOBUFS', 'ENOMEM']);

/** What to run. */
export interface ProcessSpec {
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface StartedProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

export interface ProcessEvents {
  /** Possibly before the start returns. */
  readonly onStarted: (process: StartedProcess) => void;
  /** There is no process. `code` of the system error, or a text. Never before the start returns. */
  readonly onFailed: (code: string) => void;
  /** Once, after `onStarted`: the leader exited. Both null when nobody saw how. */
  readonly onExited: (code: number | null, signal: NodeJS.Signals | null) => void;
}

/** Forks this process. */
export function startHere(spec: ProcessSpec, events: ProcessEvents): void {
  let child: ReturnType<typeof fork>;
  try {
    child = fork(spec);
  } catch (error) {
    const code = errorCode(error);
    // Errors of the system call itself and arguments that cannot be passed; anything else is a bug.
    if (code === '') throw error;
    setImmediate(() => events.onFailed(code));
    return;
  }
  const { pid, stdin, stdout, stderr } = child;
  child.on('error', (error) => {
    // Also emitted when a signal could not be sent, which the exit will tell better.
    if (pid === undefined) events.onFailed(errorCode(error) || error.message);
  });
  // Out of file descriptors Node gives no pipes, whatever the type says; the error follows.
  if ((child as Partial<typeof child>).stdin === undefined) return;
  for (const pipe of [stdin, stdout, stderr]) pipe.on('error', ignoreBrokenPipe);
  if (pid === undefined) return;
  child.once('exit', events.onExited);
  events.onStarted({ pid, stdin, stdout, stderr });
}

function fork({ command, args, cwd, env }: ProcessSpec) {
  return spawn(command, [...args], {
    cwd,
    env,
    detached: true,
    shell: false,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

let starts = 0;

export interface LaunchEvents extends ProcessEvents {
  /** Asked before another attempt. */
  readonly isWanted: () => boolean;
  /**
   * Instead of all the others: there is no launcher, or not any more, and so no process. `itsFault`:
   * another one may do better.
   */
  readonly onNobody: (why: string, itsFault: boolean) => void;
}

/**
 * Has the launcher start it, in several attempts if need be. One that ends or hangs later takes nothing with
 * it: the process is watched from here then.
 *
 * @param answerMs after which it is taken for dead.
 */
export function startThere(
  address: LauncherAddress,
  spec: ProcessSpec,
  answerMs: number,
  events: LaunchEvents,
): void {
  const until = performance.now() + answerMs;
  const onNobody = (why: string, itsFault: boolean) => {
    const leftMs = until - performance.now() - AGAIN_MS;
    if (leftMs <= 0 || !NO_ROOM.has(why) || !events.isWanted()) {
      events.onNobody(why, itsFault);
    } else {
      setTimeout(() => attempt(address, spec, leftMs, { ...events, onNobody }), AGAIN_MS);
    }
  };
  attempt(address, spec, answerMs, { ...events, onNobody });
}

function attempt(
  { path, token }: LauncherAddress,
  spec: ProcessSpec,
  answerMs: number,
  { onStarted, onFailed, onExited, onNobody }: LaunchEvents,
): void {
  starts += 1;
  const id = `${threadId}.${starts}`;
  const open = (message: LaunchRequest | LaunchPipe): Socket => {
    const socket = connect(path);
    socket.write(encodeHello(token, message));
    return socket;
  };
  const control = open({ kind: 'start', id, ...spec });
  const pipes = ([0, 1, 2] as const).map((fd) => open({ kind: 'pipe', id, fd }));
  const [stdin, stdout, stderr] = pipes as [Socket, Socket, Socket];
  // Nothing is read there: what is written learns that the server closed its end, as with any pipe.
  stdin.pause();
  let started: { readonly pid: number; readonly startTime: string | null } | null = null;
  let over = false;
  let why = CLOSED;
  let itsFault = true;
  let watch: Watch | null = null;
  // Looked at once more after the timer: a busy thread may not have read the answer.
  const limit = setTimeout(() => setImmediate(giveUp), answerMs);
  function giveUp(): void {
    if (over || started !== null) return;
    why = `no answer within ${Math.round(answerMs)} ms`;
    control.destroy();
  }
  const end = (report: () => void, ...streams: Socket[]) => {
    if (over) return;
    over = true;
    clearTimeout(limit);
    watch?.stop();
    for (const stream of [control, ...streams]) stream.destroy();
    report();
  };
  /** Nobody may tell of its end. */
  const watchIt = () => {
    if (over || started === null || watch !== null) return;
    watch = whenGone(started.pid, started.startTime, () => end(() => onExited(null, null)));
  };
  const lines = new LaunchLines<LaunchReply>();
  control.on('data', (chunk) => {
    const replies = lines.push(chunk);
    // Whoever listens there is no launcher of ours.
    if (replies === null) return void control.destroy();
    for (const reply of replies) {
      if (reply.kind === 'failed') end(() => onFailed(reply.code), ...pipes);
      else if (reply.kind === 'exited') end(() => onExited(reply.code, reply.signal));
      else {
        clearTimeout(limit);
        const { pid } = reply;
        started = { pid, startTime: startTimeOf(pid) };
        stdout.once('close', watchIt);
        onStarted({ pid, stdin, stdout, stderr });
      }
    }
  });
  for (const socket of [control, ...pipes]) {
    socket.on('error', (error) => {
      if (started !== null) return;
      why = errorCode(error) || error.message;
      itsFault = !OUR_LIMITS.has(why);
      control.destroy();
    });
  }
  control.once('close', () => {
    if (over) return;
    if (started === null) end(() => onNobody(why, itsFault), ...pipes);
    else watchIt();
  });
}
