/**
 * `/mcp` for a listener that is not this room's own, such as the control socket. The same edge, sessions of
 * its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Edge, serve } from './exchange.ts';
import { DEFAULT_LIMITS, type HttpOptions } from './options.ts';
import { Sessions } from './sessionful/sessions.ts';
import { Tokens } from './tokens.ts';

export class McpEdge {
  readonly #edge: Edge;

  constructor(options: Omit<HttpOptions, 'host' | 'port'>) {
    const whole = { ...options, host: 'localhost', port: 0 };
    const limits = { ...DEFAULT_LIMITS, ...options };
    const tokens = new Tokens(options.tokens ?? []);
    this.#edge = { options: whole, limits, tokens, sessions: new Sessions(whole, limits) };
  }

  handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return serve(this.#edge, request, response);
  }

  /** Ends all sessions and streams. */
  close(): Promise<void> {
    return this.#edge.sessions.closeAll('the gateway is stopping');
  }
}
