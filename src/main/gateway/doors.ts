/**
 * The doors of a gateway, by which clients reach it: stdio and HTTP. Opens them, shows where they are,
 * and closes them.
 */
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { EndpointRecord } from '../../shared/model/snapshot.ts';
import type { HttpEdge } from '../clients/http/listener.ts';
import type { Readiness } from '../clients/http/options.ts';
import type { OpenClient } from '../clients/port.ts';
import { MAX_CLIENT_MESSAGE_BYTES } from '../clients/stdio/refusal.ts';
import type { GatewayOptions } from './options.ts';
import { RelayedClients } from './relayed-clients.ts';
import { StdioClient } from './stdio-client.ts';

export interface DoorsOptions extends Pick<GatewayOptions, 'stdio' | 'http' | 'config' | 'log'> {
  readonly open: OpenClient;
  readonly credit: ByteCredit;
  /** Whether the gateway is up. */
  readonly ready: () => Readiness;
  /** The client on stdin says nothing more. */
  readonly onStdioEnd: () => void;
}

export class Doors {
  readonly #options: DoorsOptions;
  readonly #stdio = new StdioClient();
  /** Those that come through relays. */
  readonly relayed: RelayedClients;
  #http: Extract<HttpEdge, { ok: true }> | null = null;

  constructor(options: DoorsOptions) {
    this.#options = options;
    this.relayed = new RelayedClients(options);
  }

  /** How clients reach the gateway. */
  get endpoint(): EndpointRecord {
    const { stdio, http } = this.#options;
    const url = this.#http?.url ?? null;
    if (http === null || url === null) return { stdio, http: url, auth: null, token_file: null };
    const { length } = http.tokens;
    const auth = length === 0 ? 'none' : length === 1 ? 'token' : 'tokens';
    return { stdio, http: url, auth, token_file: http.tokenFile };
  }

  get httpConnections(): number {
    return this.#http?.connections() ?? 0;
  }

  /** Why the client on stdin says nothing more; null while it may, and without one. */
  get stdioEnded(): string | null {
    return this.#stdio.ended;
  }

  /** 1 while the client on stdin is there, if only to read; else 0. */
  get stdioClients(): 0 | 1 {
    return this.#stdio.isThere ? 1 : 0;
  }

  /** True when everything that the client on stdin has asked is answered. */
  get answered(): boolean {
    return this.#stdio.answered;
  }

  /** True while a request of the client on stdin waits that may yet become a call to any server. */
  get mayAskMore(): boolean {
    return this.#stdio.mayAskMore;
  }

  /** Calls back once the client on stdin has its answers; at once without a client. */
  whenAnswered(callback: () => void): void {
    this.#stdio.whenAnswered(callback);
  }

  /** Listens for clients over HTTP, if that is asked for. @returns why it cannot, in one line. */
  async listen(): Promise<string | null> {
    const { config, http, log, credit, open, ready } = this.#options;
    if (http === null) return null;
    // Loaded on demand: it loads the SDK, which a gateway on stdio alone does not need.
    const { startHttp } = await import('../clients/http/listener.ts');
    const edge = await startHttp({
      ...http,
      open,
      maxBodyBytes: MAX_CLIENT_MESSAGE_BYTES,
      ...config.http,
      slowClientMs: config.limits.slowClientMs,
      credit,
      log,
      ready,
    });
    if (!edge.ok) return edge.message;
    this.#http = edge;
    return null;
  }

  /** Serves the client on stdin, if there is one. */
  serveStdio(): void {
    const { stdio, open, credit, onStdioEnd } = this.#options;
    if (!stdio) return;
    const maxMessageBytes = MAX_CLIENT_MESSAGE_BYTES;
    this.#stdio.serve({ open, credit, maxMessageBytes, onEnd: onStdioEnd });
  }

  stopAccepting(): void {
    this.#http?.stopAccepting();
  }

  /** Calls back once clients over stdio have read everything that was written. */
  whenFlushed(callback: () => void): void {
    this.#stdio.whenFlushed(() => this.relayed.whenFlushed(callback));
  }

  /** @param flushMs how long clients over stdio may take to read their last answers. */
  async close(flushMs: number): Promise<void> {
    await Promise.all([
      this.#http?.close(),
      this.#stdio.flush(flushMs),
      this.relayed.close(flushMs),
    ]);
  }
}
