/** One SDK client over Streamable HTTP, with every notification that it hears kept. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  type ClientCapabilities,
  ProgressNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Rea } from './rea-process.ts';

export interface Heard {
  readonly method: string;
  readonly params?: any;
}

export interface HttpVisitor {
  readonly client: Client;
  readonly heard: Heard[];
  /** A request whatever its method; rejects with the error of the answer. */
  ask(method: string, params?: Record<string, unknown>): Promise<any>;
  /** Ends the session as a client that says goodbye does. */
  leave(): Promise<void>;
}

export async function visit(rea: Rea, capabilities: ClientCapabilities = {}): Promise<HttpVisitor> {
  const url = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const client = new Client({ name: 'visitor', version: '1' }, { capabilities });
  const heard: Heard[] = [];
  client.fallbackNotificationHandler = (notification) => {
    heard.push(notification);
    return Promise.resolve();
  };
  client.setNotificationHandler(
    ProgressNotificationSchema,
    (progress) => void heard.push(progress),
  );
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport);
  return {
    client,
    heard,
    ask: (method, params = {}) => client.request({ method, params }, z.looseObject({})),
    leave: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}
