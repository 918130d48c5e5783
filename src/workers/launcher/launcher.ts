/**
 * Starts servers on behalf of supervisor threads and tells how they end. A process of its own, because
 * a fork costs by what the process has in memory: the gateway may have much, this one never has. Who
 * asked holds a connection as long as the server runs; when that breaks, the server's group is killed.
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

/** The connections of a start are opened at once; when one of them did not get in, it is begun anew. */
const COMPLETE_MS = 500;

/** What has come of one start. */
interface Start {
  /** Ends the wait for the rest. */
  readonly limit: NodeJS.Timeout;
  request: LaunchRequest | null;
  control: Socket | null;
  readonly pipes: [Socket | null, Socket | null, Socket | null];
}

export class Launcher {
  readonly #server: Server;
  readonly #strangers: Strangers;
  /** Those of which something is missing. */
  readonly #starts = new Map<string, Start>();
  /** Leaders that have not exited. */
  readonly #living = new Set<number>();

  /**
   * @param onListening called once, with what is wrong if it cannot.
   */
  constructor({ path, token }: LauncherAddress, onListening: (error: Error | null) => void) {
    this.#strangers = new Strangers(token);
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.on('error', (error) => {
      // Later ones are of a connection that could not be accepted; the others go on.
      if (!this.#server.listening) onListening(error);
    });
    this.#server.listen(path, () => onListening(null));
  }

  /** Kills what is left: nobody will ask for it any more. */
  killAll(): void {
    for (const pid of this.#living) signalGroup(pid, 'SIGKILL');
  }

  #accept(socket: Socket): void {
    // A connection that breaks is followed by its `close`.
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
      // From here on its bytes are the server's.
      socket.pause();
      start.pipes[message.fd] = socket;
    }
    socket.once('close', () => this.#abandon(id, start));
    const [stdin, stdout, stderr] = start.pipes;
    if (start.request === null || start.control === null) return;
    if (stdin === null || stdout === null || stderr === null) return;
    const { request, control } = start;
    clearTimeout(start.limit);
    // Time to learn that nobody waits any more: after a while without a CPU all has come at once.
    setImmediate(() => {
      if (!this.#starts.delete(id) || control.readableEnded) return;
      this.#launch(request, control, [stdin, stdout, stderr]);
    });
  }

  #begin(id: string): Start {
    // Read once more after the timer: what is missing may have come.
    const late = () => setImmediate(() => this.#abandon(id, start));
    const limit = setTimeout(late, COMPLETE_MS);
    const start: Start = { limit, request: null, control: null, pipes: [null, null, null] };
    this.#starts.set(id, start);
    return start;
  }

  /** It was not complete in time, or who asked is gone before it was. */
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
      // Their ends here are the server's alone, so that they close when it ends.
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
      reply({ kind: 'exited', code, signal });
    });
    control.once('close', () => {
      if (this.#living.has(pid)) signalGroup(pid, 'SIGKILL');
    });
  }
}
