/**
 * The client on stdin and stdout, from the gateway's side: serves it, and tells when it is gone and when
 * it has read everything that was written.
 */
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { OpenClient } from '../clients/port.ts';
import { serveStdio } from '../clients/stdio/stdio.ts';
import { type ClaimedStdout, claimStdout } from '../clients/stdio/stdout-claim.ts';

const FLUSH_MS = 1000;

export interface StdioClientOptions {
  readonly open: OpenClient;
  readonly maxMessageBytes: number;
  readonly credit: ByteCredit;
  readonly onEnd: () => void;
}

export class StdioClient {
  #stdout: ClaimedStdout | null = null;
  #ended: string | null = null;

  /** Why the client is gone; null while it is there, and without one. */
  get ended(): string | null {
    return this.#ended;
  }

  serve({ onEnd, ...options }: StdioClientOptions): void {
    this.#stdout = claimStdout(process.stdout, process.stderr);
    serveStdio({
      ...options,
      stdin: process.stdin,
      stdout: this.#stdout,
      onEnd: (reason) => {
        this.#ended = reason;
        onEnd();
      },
    });
  }

  /** Calls back once the client has read everything that was written; at once without a client. */
  whenFlushed(callback: () => void): void {
    if (this.#stdout === null || this.#ended !== null) callback();
    else this.#stdout.flushed(callback);
  }

  /** Gives a client that still reads the time to read its last answers. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, FLUSH_MS);
      this.whenFlushed(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
