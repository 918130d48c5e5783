/**
 * How a server's process comes to be: forked from this process, or by the launcher, which costs a large
 * gateway nothing. Either way it leads a session and a group of its own, and its three pipes end here.
 * Knows nothing of what is said on them.
 */
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { threadId } from 'node:worker_threads';
import {
  encodeLaunch,
  LaunchLines,
  type LaunchPipe,
  type LaunchReply,
  type LaunchRequest,
} from '../../shared/wire/launch.ts';
import { codeOf, ignoreBrokenPipe } from './errors.ts';
import { whenGone } from './process-group.ts';

/** A launcher that takes longer to answer is taken for dead. */
const ANSWER_MS = 3000;

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
    const code = codeOf(error);
    // Errors of the system call itself and arguments that cannot be passed; anything else is a bug.
    if (code === null) throw error;
    setImmediate(() => events.onFailed(code));
    return;
  }
  const { pid, stdin, stdout, stderr } = child;
  child.on('error', (error) => {
    // Also emitted when a signal could not be sent, which the exit will tell better.
    if (pid === undefined) events.onFailed(codeOf(error) ?? error.message);
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

/**
 * Has the launcher start it. One that ends later takes nothing with it: the process is watched from here then.
 *
 * @param path of the launcher's socket.
 * @param onNobody instead of all other events: there is no launcher, or not any more, and no process.
 */
export function startThere(
  path: string,
  spec: ProcessSpec,
  { onStarted, onFailed, onExited }: ProcessEvents,
  onNobody: (why: string) => void,
): void {
  starts += 1;
  const id = `${threadId}.${starts}`;
  const control = open(path, { kind: 'start', id, ...spec });
  const pipes = ([0, 1, 2] as const).map((fd) => open(path, { kind: 'pipe', id, fd }));
  const [stdin, stdout, stderr] = pipes as [Socket, Socket, Socket];
  // Nothing is read there: what is written learns that the server closed its end, as with any pipe.
  stdin.pause();
  let pid: number | null = null;
  let over = false;
  let why = 'it closed the connection';
  const giveUp = setTimeout(() => {
    why = `no answer within ${ANSWER_MS} ms`;
    control.destroy();
  }, ANSWER_MS);
  const end = (report: () => void, ...streams: Socket[]) => {
    if (over) return;
    over = true;
    clearTimeout(giveUp);
    for (const stream of [control, ...streams]) stream.destroy();
    report();
  };
  const lines = new LaunchLines<LaunchReply>();
  control.on('data', (chunk) => {
    for (const reply of lines.push(chunk)) {
      if (reply.kind === 'failed') end(() => onFailed(reply.code), ...pipes);
      else if (reply.kind === 'exited') end(() => onExited(reply.code, reply.signal));
      else {
        clearTimeout(giveUp);
        pid = reply.pid;
        onStarted({ pid, stdin, stdout, stderr });
      }
    }
  });
  for (const socket of [control, ...pipes]) {
    socket.on('error', (error) => {
      if (pid !== null) return;
      why = codeOf(error) ?? error.message;
      control.destroy();
    });
  }
  control.once('close', () => {
    if (over) return;
    const started = pid;
    if (started === null) return end(() => onNobody(why), ...pipes);
    whenGone(started, () => end(() => onExited(null, null)));
  });
}

function open(path: string, message: LaunchRequest | LaunchPipe): Socket {
  const socket = connect(path);
  socket.write(encodeLaunch(message));
  return socket;
}
