/**
 * Starts servers for supervisor threads and tells how they end. A process of its own, because the cost of a
 * fork grows with the memory of the process, and this one stays small. The thread that asked holds a
 * connection as long as the server runs; when it breaks, the server's group is ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import { errorCode } from '../../shared/platform/errno.ts';
import {
  encodeLaunch,
  type LauncherAddress,
  LaunchLines,
  type LaunchPipe,
  type LaunchReply,
  type LaunchRequest,
} from '../../shared/protocol/launch.ts';
import { signalGroup } from '../process/process-group.ts';
import { Strangers } from './strangers.ts';

/**
 * The connections of a start are opened together. An incomplete start is dropped after this, and the thread
 * that asked tries again.
 */
const COMPLETE_MS = 500;
/** From TERM to KILL: wrappers such as `docker run` hand TERM on to what they have started. */
const TERM_MS = 400;
/** Longest wait for the end of all servers. */
const END_MS = 800;
const LOOK_MS = 20;

/** One start while its connections arrive. */
interface Start {
  /** Drops the start when it is not complete in time. */
  readonly limit: NodeJS.Timeout;
  request: LaunchRequest | null;
  control: Socket | null;
  readonly pipes: [Socket | null, Socket | null, Socket | null];
}

export class Launcher {
  readonly #server: Server;
  readonly #strangers: Strangers;
  /** Starts that are not complete yet. */
  readonly #starts = new Map<string, Start>();
  /** Pids of leaders that have not exited. */
  readonly #living = new Set<number>();
  /** Groups that have got TERM, and the timers of their KILL. */
  readonly #ending = new Map<number, NodeJS.Timeout>();

  /**
   * @param onListening called once; with an error when the socket cannot be opened.
   */
  constructor({ path, token }: LauncherAddress, onListening: (error: Error | null) => void) {
    this.#strangers = new Strangers(token);
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.on('error', (error) => {
      // A later error concerns one connection that could not be accepted; the others go on.
      if (!this.#server.listening) onListening(error);
    });
    this.#server.listen(path, () => onListening(null));
  }

  /** Ends all servers that still run, and calls back when they are gone or do not end. */
  end(callback: () => void): void {
    for (const pid of this.#living) this.#end(pid);
    const until = performance.now() + END_MS;
    const look = () => {
      const left = [...this.#ending.keys()].filter((pid) => signalGroup(pid, 0) === 'sent');
      if (left.length === 0 || performance.now() > until) callback();
      else setTimeout(look, LOOK_MS);
    };
    look();
  }

  /** Its number stays its own while a member lives; the leader, which is a child, is reaped on its exit. */
  #end(pid: number): void {
    if (this.#ending.has(pid)) return;
    signalGroup(pid, 'SIGTERM');
    const kill = () => {
      signalGroup(pid, 'SIGKILL');
      this.#ending.delete(pid);
    };
    this.#ending.set(pid, setTimeout(kill, TERM_MS));
  }

  #accept(socket: Socket): void {
    // `close` follows, which is handled.
    socket.on('error', () => undefined);
    this.#strangers.admit(socket, (rest) => {
      const lines = new LaunchLines<LaunchRequest | LaunchPipe>();
      const onData = (chunk: Buffer) => {
        const messages = lines.push(chunk);
        if (messages === null) socket.destroy();
        else for (const message of messages) this.#take(socket, message);
      };
      socket.on('data', onData);
      onData(rest);
    });
  }

  #take(socket: Socket, message: LaunchRequest | LaunchPipe): void {
    const { id } = message;
    const start = this.#starts.get(id) ?? this.#begin(id);
    if (message.kind === 'start') {
      start.request = message;
      start.control = socket;
    } else {
      // From here on its bytes belong to the server.
      socket.pause();
      start.pipes[message.fd] = socket;
    }
    socket.once('close', () => this.#abandon(id, start));
    const [stdin, stdout, stderr] = start.pipes;
    if (start.request === null || start.control === null) return;
    if (stdin === null || stdout === null || stderr === null) return;
    const { request, control } = start;
    clearTimeout(start.limit);
    // One more turn to learn whether the client has gone: without a CPU for a while, all comes at once.
    setImmediate(() => {
      if (!this.#starts.delete(id) || control.readableEnded) return;
      this.#launch(request, control, [stdin, stdout, stderr]);
    });
  }

  #begin(id: string): Start {
    // One more turn after the timer: the missing connections may have come.
    const late = () => setImmediate(() => this.#abandon(id, start));
    const limit = setTimeout(late, COMPLETE_MS);
    const start: Start = { limit, request: null, control: null, pipes: [null, null, null] };
    this.#starts.set(id, start);
    return start;
  }

  /** The start was not complete in time, or the client has gone. */
  #abandon(id: string, start: Start): void {
    if (this.#starts.get(id) !== start) return;
    this.#starts.delete(id);
    clearTimeout(start.limit);
    for (const socket of [start.control, ...start.pipes]) socket?.destroy();
  }

  #launch(request: LaunchRequest, control: Socket, pipes: readonly Socket[]): void {
    const reply = (message: LaunchReply) => control.write(encodeLaunch(message));
    let child: ChildProcess;
    try {
      child = spawn(request.command, request.args, {
        cwd: request.cwd,
        env: request.env,
        detached: true,
        shell: false,
        stdio: [...pipes],
      });
    } catch (error) {
      reply({ kind: 'failed', code: errorCode(error) || String(error) });
      return;
    } finally {
      // Only the server may hold these ends, so that they close when it ends.
      for (const pipe of pipes) pipe.destroy();
    }
    const { pid } = child;
    child.on('error', (error) => {
      if (pid === undefined) reply({ kind: 'failed', code: errorCode(error) || error.message });
    });
    if (pid === undefined) return;
    this.#living.add(pid);
    reply({ kind: 'started', pid });
    child.once('exit', (code, signal) => {
      this.#living.delete(pid);
      if (signalGroup(pid, 0) === 'gone') {
        clearTimeout(this.#ending.get(pid));
        this.#ending.delete(pid);
      }
      reply({ kind: 'exited', code, signal });
    });
    control.once('close', () => {
      if (this.#living.has(pid)) this.#end(pid);
    });
  }
}
