/**
 * Starts servers on behalf of supervisor threads and tells how they end. A process of its own, because
 * a fork costs by what the process has in memory: the gateway may have much, this one never has. Who
 * asked holds a connection as long as the server runs; when that breaks, the server's group is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import {
  encodeLaunch,
  type LauncherAddress,
  LaunchLines,
  type LaunchPipe,
  type LaunchReply,
  type LaunchRequest,
} from '../../shared/wire/launch.ts';
import { codeOf } from '../supervisor/errors.ts';
import { signalGroup } from '../supervisor/process-group.ts';

/** What has come of one start. */
interface Start {
  request: LaunchRequest | null;
  control: Socket | null;
  readonly pipes: [Socket | null, Socket | null, Socket | null];
}

export class Launcher {
  readonly #server: Server;
  readonly #token: string;
  /** Those of which something is missing. */
  readonly #starts = new Map<string, Start>();
  /** Leaders that have not exited. */
  readonly #living = new Set<number>();

  /**
   * @param onListening called once, with what is wrong if it cannot.
   */
  constructor({ path, token }: LauncherAddress, onListening: (error: Error | null) => void) {
    this.#token = token;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.once('error', onListening);
    this.#server.listen(path, () => onListening(null));
  }

  /** Kills what is left: nobody will ask for it any more. */
  killAll(): void {
    for (const pid of this.#living) signalGroup(pid, 'SIGKILL');
  }

  #accept(socket: Socket): void {
    const lines = new LaunchLines<LaunchRequest | LaunchPipe>();
    // A connection that breaks is followed by its `close`.
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const messages = lines.push(chunk);
      // Whoever it is, it is none of ours.
      if (messages === null) socket.destroy();
      else for (const message of messages) this.#take(socket, message);
    });
  }

  #take(socket: Socket, message: LaunchRequest | LaunchPipe): void {
    const { id, token } = message;
    if (token !== this.#token) return void socket.destroy();
    const start = this.#starts.get(id) ?? {
      request: null,
      control: null,
      pipes: [null, null, null],
    };
    this.#starts.set(id, start);
    if (message.kind === 'start') {
      start.request = message;
      start.control = socket;
    } else {
      // From here on its bytes are the server's.
      socket.pause();
      start.pipes[message.fd] = socket;
    }
    socket.once('close', () => this.#abandon(id, start));
    const [stdin, stdout, stderr] = start.pipes;
    if (start.request === null || start.control === null) return;
    if (stdin === null || stdout === null || stderr === null) return;
    const { request, control } = start;
    // Time to learn that nobody waits any more: after a while without a CPU all has come at once.
    setImmediate(() => {
      if (!this.#starts.delete(id) || control.readableEnded) return;
      this.#launch(request, control, [stdin, stdout, stderr]);
    });
  }

  /** Who asked is gone before the start was complete. */
  #abandon(id: string, start: Start): void {
    if (this.#starts.get(id) !== start) return;
    this.#starts.delete(id);
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
      reply({ kind: 'failed', code: codeOf(error) ?? String(error) });
      return;
    } finally {
      // Their ends here are the server's alone, so that they close when it ends.
      for (const pipe of pipes) pipe.destroy();
    }
    const { pid } = child;
    child.on('error', (error) => {
      if (pid === undefined) reply({ kind: 'failed', code: codeOf(error) ?? error.message });
    });
    if (pid === undefined) return;
    this.#living.add(pid);
    reply({ kind: 'started', pid });
    child.once('exit', (code, signal) => {
      this.#living.delete(pid);
      reply({ kind: 'exited', code, signal });
    });
    control.once('close', () => {
      if (this.#living.has(pid)) signalGroup(pid, 'SIGKILL');
    });
  }
}
