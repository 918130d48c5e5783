/**
 * Connections that have not shown the token yet: any program of the same user can open them. Their number,
 * their time and the bytes that are kept of them are limited. The oldest is closed to make room for the
 * newest: a supervisor thread sends the token at once, so that only strangers wait.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';

const MOST = 64;
const DEADLINE_MS = 2000;
const NEWLINE = 10;

export class Strangers {
  readonly #token: Buffer;
  /** Oldest first, each with the timer that closes it. */
  readonly #waiting = new Map<Socket, NodeJS.Timeout>();

  constructor(token: string) {
    this.#token = Buffer.from(token);
  }

  /**
   * Reads from a new connection, and closes it unless its first line is the token.
   *
   * @param onShown takes the connection over, with the bytes after that line.
   */
  admit(socket: Socket, onShown: (rest: Buffer) => void): void {
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size >= MOST && oldest !== undefined) this.#forget(oldest).destroy();
    // One more turn after the timer: on a busy machine this process may not have read at all.
    const late = () => {
      if (this.#waiting.has(socket)) this.#forget(socket).destroy();
    };
    this.#waiting.set(
      socket,
      setTimeout(() => setImmediate(late), DEADLINE_MS),
    );
    let line = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      const end = chunk.indexOf(NEWLINE);
      const room = this.#token.length + 1 - line.length;
      const part = chunk.subarray(0, Math.min(end < 0 ? chunk.length : end, room));
      line = Buffer.concat([line, part]);
      if (end < 0 && line.length <= this.#token.length) return;
      this.#forget(socket).off('data', onData);
      if (this.#isToken(line)) onShown(chunk.subarray(end + 1));
      else socket.destroy();
    };
    socket.on('data', onData).once('close', () => this.#forget(socket));
  }

  /** In constant time, so that the time says nothing about the token. */
  #isToken(line: Buffer): boolean {
    return line.length === this.#token.length && timingSafeEqual(line, this.#token);
  }

  #forget(socket: Socket): Socket {
    clearTimeout(this.#waiting.get(socket));
    this.#waiting.delete(socket);
    return socket;
  }
}
