/**
 * `/mcp` for a listener that is not this room's own, such as the control socket. The same edge, sessions of
 * its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Edge, serve } from './exchange.ts';
import { DEFAULT_LIMITS, type HttpOptions } from './options.ts';
import { Sessions } from './sessionful/sessions.ts';
import { Principals } from './sessionless/principals.ts';
import { Tokens } from './tokens.ts';

export class McpEdge {
  readonly #edge: Edge;

  constructor(options: Omit<HttpOptions, 'host' | 'port'>) {
    const whole = { ...options, host: 'localhost', port: 0 };
    const limits = { ...DEFAULT_LIMITS, ...options };
    const tokens = new Tokens(options.tokens ?? []);
    const sessions = new Sessions(whole, limits);
    const principals = new Principals(whole, limits);
    this.#edge = { options: whole, limits, tokens, sessions, principals };
  }

  handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return serve(this.#edge, request, response);
  }

  /** Ends all sessions and streams. */
  close(): Promise<void> {
    const { principals, sessions } = this.#edge;
    principals.closeAll('the gateway is stopping');
    return sessions.closeAll('the gateway is stopping');
  }
}
