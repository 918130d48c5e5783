/**
 * Clients that come through a relay (`rea serve --shared`): each has a connection to the control socket, on which
 * it speaks as over stdio. Serves them, and ends the connections.
 */
import type { Socket } from 'node:net';
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { OpenClient } from '../clients/port.ts';
import { type FrameStream, framesTo } from '../clients/stdio/frame-stream.ts';
import { MAX_CLIENT_MESSAGE_BYTES } from '../clients/stdio/refusal.ts';
import { serveStdio } from '../clients/stdio/stdio.ts';
import { GOODBYE } from '../relay/goodbye.ts';

/** A client that still reads waits that long for its answers; one that was killed is not told apart. */
const ANSWER_MS = 10_000;

export interface RelayedClientsOptions {
  readonly open: OpenClient;
  readonly credit: ByteCredit;
}

export class RelayedClients {
  readonly #options: RelayedClientsOptions;
  readonly #clients = new Map<Socket, FrameStream>();

  constructor(options: RelayedClientsOptions) {
    this.#options = options;
  }

  /** @param head what the client has said already. */
  take(socket: Socket, head: Uint8Array): void {
    const stdout = framesTo(socket, socket.write.bind(socket));
    this.#clients.set(socket, stdout);
    socket.setNoDelay(true);
    if (head.length > 0) socket.unshift(head);
    const face = serveStdio({
      ...this.#options,
      stdin: socket,
      stdout,
      maxMessageBytes: MAX_CLIENT_MESSAGE_BYTES,
      // It may still read: it gets its answers, then the end. One that was killed says no more than that.
      onEnd: () => {
        const limit = setTimeout(() => {
          face.gone('the client says nothing more, and has waited long enough for its answers');
        }, ANSWER_MS);
        face.whenAnswered(() => {
          clearTimeout(limit);
          stdout.flushed(() => socket.end());
        });
      },
    });
    socket.on('close', () => {
      this.#clients.delete(socket);
      face.gone('the client is gone');
    });
  }

  /** Calls back once all have read everything that was written. */
  whenFlushed(callback: () => void): void {
    let left = this.#clients.size;
    if (left === 0) return callback();
    for (const stdout of this.#clients.values()) {
      stdout.flushed(() => {
        left -= 1;
        if (left === 0) callback();
      });
    }
  }

  /** Says goodbye, and ends the connections. @param flushMs how long the clients may take to read. */
  async close(flushMs: number): Promise<void> {
    for (const stdout of this.#clients.values()) stdout.write([GOODBYE], GOODBYE.length);
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      new Promise<void>((resolve) => this.whenFlushed(resolve)),
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, flushMs);
      }),
    ]);
    clearTimeout(timer);
    for (const socket of this.#clients.keys()) socket.destroySoon();
  }
}
