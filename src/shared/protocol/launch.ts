/**
 * What supervisor threads and the launcher say to each other on unix sockets. Each connection begins with
 * the token on a line of its own; what follows is one line of JSON each. A start takes four connections:
 * one for the request and what becomes of it, and one for each of the server's three pipes, which says
 * whose it is and then belongs to the server.
 */

/** Where the launcher listens, and what everybody who asks has to know. */
export interface LauncherAddress {
  /** Of the unix socket. */
  readonly path: string;
  readonly token: string;
}

/** On the first connection of a start. `id` is of the asker's choice, not used twice. */
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

/** On each of the others. Nothing else is written to it before `started` has come. */
export interface LaunchPipe {
  readonly kind: 'pipe';
  readonly id: string;
  /** File descriptor that it is to be in the server. */
  readonly fd: 0 | 1 | 2;
}

/** Answers, on the connection of the request: `started` and later `exited`, or `failed`. */
export type LaunchReply =
  /** The process leads a session and a group of its own. */
  | { readonly kind: 'started'; readonly pid: number }
  /** There is no process. `code` of the system error, or a text. */
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

/** Takes lines out of chunks, whole or in parts. Owned by one connection. */
export class LaunchLines<T> {
  #parts: Buffer[] = [];

  /** @returns the messages that the chunk completes; null when one of them is no JSON. */
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
