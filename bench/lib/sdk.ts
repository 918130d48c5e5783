/** The SDK's own client, as most MCP clients are built on it, on a process that was started already. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Started } from './scope.ts';

export async function sdkOverStdio(started: Started): Promise<Client> {
  return connect(new PipeTransport(started));
}

export async function sdkOverHttp(url: string, kind: 'sse' | 'streamable'): Promise<Client> {
  const at = new URL(url);
  // The class declares optional members in a way that exactOptionalPropertyTypes refuses.
  return connect(
    (kind === 'sse'
      ? new SSEClientTransport(at)
      : new StreamableHTTPClientTransport(at)) as Transport,
  );
}

async function connect(transport: Transport): Promise<Client> {
  const client = new Client({ name: 'rea-bench', version: '1.0.0' });
  await client.connect(transport);
  return client;
}

/** What StdioClientTransport does after its spawn, with the same parts. */
class PipeTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly #started: Started;
  readonly #buffer = new ReadBuffer();

  constructor(started: Started) {
    this.#started = started;
  }

  start(): Promise<void> {
    const { stdout } = this.#started.child;
    stdout.on('data', (chunk: Buffer) => {
      this.#buffer.append(chunk);
      for (let message = this.#buffer.readMessage(); message !== null; ) {
        this.onmessage?.(message);
        message = this.#buffer.readMessage();
      }
    });
    stdout.on('close', () => this.onclose?.());
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    this.#started.child.stdin.write(serializeMessage(message));
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.onclose?.();
    return Promise.resolve();
  }
}
