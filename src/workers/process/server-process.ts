/**
 * Starts a server's process: forked from this process, or by the launcher, because forking a large gateway is
 * slow. Either way the process leads a session and a group of its own, and its three pipes end here. Does
 * not know what is said on them.
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

/** Pause before the next attempt when the launcher's socket was full, which other programs may cause. */
const AGAIN_MS = 10;
const CLOSED = 'it closed the connection';
/** Errors of a launcher that lives but did not take a connection. */
const NO_ROOM = new Set([CLOSED, 'EAGAIN', 'ECONNRESET', 'EPIPE']);
/** Errors of a connection that are not the launcher's fault. */
const OUR_LIMITS = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOBUFS', 'ENOMEM']);

export interface ProcessSpec {
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
}

export interface StartedProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

export interface ProcessEvents {
  /** Possibly called before the start returns. */
  readonly onStarted: (process: StartedProcess) => void;
  /** There is no process. Never called before the start returns. @param code of the system error, or a text. */
  readonly onFailed: (code: string) => void;
  /** The leader exited. Called once, after `onStarted`. Both are null when the status is not known. */
  readonly onExited: (code: number | null, signal: NodeJS.Signals | null) => void;
}

/** Forks this process. */
export function startHere(spec: ProcessSpec, events: ProcessEvents): void {
  let child: ReturnType<typeof fork>;
  try {
    child = fork(spec);
  } catch (error) {
    const code = errorCode(error);
    // Codes are of the system call or of invalid arguments; an error without one is a bug.
    if (code === '') throw error;
    setImmediate(() => events.onFailed(code));
    return;
  }
  const { pid, stdin, stdout, stderr } = child;
  child.on('error', (error) => {
    // Also emitted when a signal could not be sent; the exit tells that better.
    if (pid === undefined) events.onFailed(errorCode(error) || error.message);
  });
  // Out of file descriptors Node gives no pipes, unlike its type says; the error follows.
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
  /** Asked before each further attempt. */
  readonly isWanted: () => boolean;
  /**
   * There is no launcher, and so no process. None of the others is called then.
   *
   * @param itsFault whether another launcher may do better.
   */
  readonly onNobody: (why: string, itsFault: boolean) => void;
}

/**
 * Has the launcher start the process, in several attempts if need be. If the launcher ends or hangs later,
 * the process lives on and is watched from here.
 *
 * @param answerMs a launcher that takes longer to answer counts as dead.
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
  // Never read: only writes find out that the server closed its end, as with any pipe.
  stdin.pause();
  let started: { readonly pid: number; readonly startTime: string | null } | null = null;
  let over = false;
  let why = CLOSED;
  let itsFault = true;
  let watch: Watch | null = null;
  // One more turn after the timer: a busy thread may not have read the answer.
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
  /** The launcher may not tell the end of the process. */
  const watchIt = () => {
    if (over || started === null || watch !== null) return;
    watch = whenGone(started.pid, started.startTime, () => end(() => onExited(null, null)));
  };
  const lines = new LaunchLines<LaunchReply>();
  control.on('data', (chunk) => {
    const replies = lines.push(chunk);
    // Another program listens on the socket.
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
