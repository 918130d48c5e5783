/** The SDK's own client on top of a recorded connection: what an ordinary MCP client does with us. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { ClientCapabilities, JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Wire } from './wire.ts';

/** @param capabilities what the client says it can do. */
export async function connectSdkClient(
  wire: Wire,
  capabilities: ClientCapabilities = {},
): Promise<Client> {
  const client = new Client({ name: 'rea-test-sdk', version: '1.0.0' }, { capabilities });
  await client.connect(new WireTransport(wire) as Transport);
  return client;
}

/** Hands messages between the SDK and the wire, which goes on recording and checking them. */
class WireTransport {
  onmessage?: (message: JSONRPCMessage) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly #wire: Wire;
  #last: Promise<unknown> = Promise.resolve();

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  start(): Promise<void> {
    // One message in each turn: the SDK drops progress that it reads together with the answer.
    this.#wire.onForeign = (message) => {
      this.#last = this.#last
        .then(() => nextTurn())
        .then(() => this.onmessage?.(message as JSONRPCMessage));
    };
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    this.#wire.send(message);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.onclose?.();
    return Promise.resolve();
  }
}
