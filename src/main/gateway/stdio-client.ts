/**
 * The client on stdin and stdout, from the gateway's side: serves it, and tells when it says nothing more,
 * when it has its answers, and when it has read everything that was written.
 */
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { OpenClient } from '../clients/port.ts';
import type { FrameStream } from '../clients/stdio/frame-stream.ts';
import { type StdioFace, serveStdio } from '../clients/stdio/stdio.ts';
import { claimStdout } from '../clients/stdio/stdout-claim.ts';

export interface StdioClientOptions {
  readonly open: OpenClient;
  readonly maxMessageBytes: number;
  readonly credit: ByteCredit;
  /** It says nothing more; called once. */
  readonly onEnd: () => void;
}

export class StdioClient {
  #stdout: FrameStream | null = null;
  #face: StdioFace | null = null;
  #ended: string | null = null;

  /** Why the client says nothing more; null while it may, and without one. */
  get ended(): string | null {
    return this.#ended;
  }

  /** False without a client, and from the moment on in which it is gone or has its last answer. */
  get isThere(): boolean {
    return this.#face?.isOpen === true;
  }

  /** True when everything that it has asked is answered. */
  get answered(): boolean {
    return this.#face?.answered ?? true;
  }

  /** True while a request of it waits that may yet become a call to any server. */
  get mayAskMore(): boolean {
    return this.#face?.mayAskMore ?? false;
  }

  serve({ onEnd, ...options }: StdioClientOptions): void {
    this.#stdout = claimStdout(process.stdout, process.stderr);
    this.#face = serveStdio({
      ...options,
      stdin: process.stdin,
      stdout: this.#stdout,
      onEnd: (reason) => {
        this.#ended = reason;
        onEnd();
      },
    });
  }

  /** Calls back once everything that the client has asked is answered, and the client has read it. */
  whenAnswered(callback: () => void): void {
    if (this.#face === null) callback();
    else this.#face.whenAnswered(() => this.whenFlushed(callback));
  }

  /** Calls back once the client has read everything that was written; at once without a client. */
  whenFlushed(callback: () => void): void {
    if (this.#stdout === null) callback();
    else this.#stdout.flushed(callback);
  }

  /** Gives a client that still reads the time to read its last answers. */
  flush(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.whenFlushed(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
