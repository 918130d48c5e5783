/**
 * The protocol of supervisor threads and the launcher on unix sockets: a line with the token, then a line
 * of JSON for each message. A start takes four connections: one for the request and its replies, and one
 * for each of the server's three pipes, which belongs to the server after its first message.
 */

/** The launcher's socket, and the token that every connection has to send. */
export interface LauncherAddress {
  /** Path of the unix socket. */
  readonly path: string;
  readonly token: string;
}

/** First message on the first connection of a start. `id` is chosen by the sender and not used twice. */
export interface LaunchRequest {
  readonly kind: 'start';
  readonly id: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** All of the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** First message on each other connection. Nothing else is written to it before `started` has come. */
export interface LaunchPipe {
  readonly kind: 'pipe';
  readonly id: string;
  /** Its file descriptor in the server. */
  readonly fd: 0 | 1 | 2;
}

/** Answers, on the connection of the request: `started` and later `exited`, or `failed`. */
export type LaunchReply =
  /** The process leads its own session and group. */
  | { readonly kind: 'started'; readonly pid: number }
  /** No process was started. `code` of the system error, or a text. */
  | { readonly kind: 'failed'; readonly code: string }
  | {
      readonly kind: 'exited';
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
    };

/** The first bytes of a connection. */
export function encodeHello(token: string, first: LaunchRequest | LaunchPipe): string {
  return `${token}\n${encodeLaunch(first)}`;
}

export function encodeLaunch(message: LaunchRequest | LaunchPipe | LaunchReply): string {
  return `${JSON.stringify(message)}\n`;
}

/** Assembles lines from chunks. Owned by one connection. */
export class LaunchLines<T> {
  #parts: Buffer[] = [];

  /** @returns the messages that the chunk completes; null when one of them is not JSON. */
  push(chunk: Buffer): T[] | null {
    const messages: T[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#parts.push(chunk.subarray(from, end));
      try {
        messages.push(JSON.parse(Buffer.concat(this.#parts).toString()) as T);
      } catch (error) {
        if (error instanceof SyntaxError) return null;
        throw error;
      }
      this.#parts = [];
      from = end + 1;
    }
    if (from < chunk.length) this.#parts.push(chunk.subarray(from));
    return messages;
  }
}
