/**
 * The control socket of a gateway: a listener in the state directory for the commands of this user, and for
 * clients that speak MCP there. Until somebody connects it is a descriptor and nothing else: what answers is
 * loaded with the first connection, and no timer runs.
 */
import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { errorText } from '../../shared/platform/errno.ts';
import type { Answering, ControlOptions } from './control-options.ts';
import { prepareSocketPlace, removeDeadSockets, removeSocket, writeSocketRecord } from './place.ts';

/** Commands keep one each; a page or a watcher some more. */
const MAX_CONNECTIONS = 256;

export class ControlSocket {
  readonly #options: ControlOptions;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  #answering: Promise<Answering> | null = null;
  #path: string | null = null;

  private constructor(options: ControlOptions) {
    this.#options = options;
    // A relay says that its client says nothing more by the end of its half.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @returns null when it cannot be made; the log says why. The gateway serves without it. */
  static async open(options: ControlOptions): Promise<ControlSocket | null> {
    const { stateDir, identity, look, log, operable, env } = options;
    const without = (why: string) => {
      log.warn({}, `no control socket, so that commands cannot reach this gateway: ${why}`);
      return null;
    };
    try {
      const place = prepareSocketPlace(stateDir, operable.sessionId, env);
      if (!place.ok) return without(place.message);
      for (const problem of removeDeadSockets(stateDir, identity, look)) log.warn({}, problem);
      const { socket } = place;
      const record = { identity, socket, config: operable.configFile, fleet: options.fleet() };
      writeSocketRecord(stateDir, operable.sessionId, record);
      const control = new ControlSocket(options);
      const problem = await control.#listen(socket);
      if (problem === null) return control;
      // Some file systems hold no sockets.
      removeSocket(stateDir, operable.sessionId, socket);
      return without(`${socket}: ${problem}`);
    } catch (error) {
      return without(errorText(error));
    }
  }

  /** Absolute. */
  get path(): string | null {
    return this.#path;
  }

  /** What relays are told of it has changed. */
  tell(): void {
    const { stateDir, operable, identity, log, fleet } = this.#options;
    if (this.#path === null) return;
    try {
      const record = { identity, socket: this.#path, config: operable.configFile, fleet: fleet() };
      writeSocketRecord(stateDir, operable.sessionId, record);
    } catch (error) {
      log.warn({}, `the record of the control socket cannot be written: ${errorText(error)}`);
    }
  }

  /** Ends all connections, those with an answer under way within a second, and removes the socket. */
  async close(): Promise<void> {
    const { stateDir, operable, log, page } = this.#options;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const answering = await this.#answering?.catch(() => null);
    await page.close();
    await answering?.close();
    for (const socket of this.#connections) socket.destroy();
    await closed;
    try {
      if (this.#path !== null) removeSocket(stateDir, operable.sessionId, this.#path);
    } catch (error) {
      log.warn({}, `the control socket cannot be removed: ${errorText(error)}`);
    }
  }

  #listen(path: string): Promise<string | null> {
    return new Promise((resolve) => {
      this.#server.once('error', (error) => resolve(errorText(error)));
      this.#server.listen(path, () => {
        chmodSync(path, 0o600);
        this.#path = path;
        this.#server.on('error', (error) =>
          this.#options.log.error({ err: error }, 'the control socket failed'),
        );
        resolve(null);
      });
    });
  }

  #connected(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    this.#answering ??= import('./api.ts').then(({ answer }) => answer(this.#options));
    this.#answering.then(
      (answering) => answering.take(socket),
      (error: unknown) => {
        // Tried anew with the next connection, which does not help on Node 20 if it had no file descriptor: it remembers.
        this.#answering = null;
        this.#options.log.error({ err: error }, 'the control socket cannot answer');
        socket.destroy();
      },
    );
  }
}
