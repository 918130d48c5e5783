/**
 * How many connections the page has at most. Everybody on this machine can open some: those that have shown the token are
 * kept, and of the others the oldest one makes room.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export class Connections {
  /** The oldest first. */
  readonly #strangers = new Set<Socket>();
  readonly #known = new Set<Socket>();
  readonly #most: number;

  constructor(server: Server, most: number) {
    this.#most = most;
    server.on('connection', (socket: Socket) => this.#take(socket));
  }

  /** It has shown the token. */
  know(socket: Socket): void {
    if (this.#strangers.delete(socket)) this.#known.add(socket);
  }

  #take(socket: Socket): void {
    this.#strangers.add(socket);
    socket.once('close', () => {
      this.#strangers.delete(socket);
      this.#known.delete(socket);
    });
    if (this.#strangers.size + this.#known.size <= this.#most) return;
    const [oldest = socket] = this.#strangers;
    // It is not there any more, even if its end takes a moment.
    this.#strangers.delete(oldest);
    oldest.destroy();
  }
}
