/**
 * Connects to the gateway as any MCP client would, and uses two of its servers. Yields one line for
 * each thing that works; throws when something does not.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const NEEDED = ['everything__echo', 'files__read_text_file', 'memory__read_graph'];
const LIMIT_MS = 60_000;

/**
 * @param endpoint URL of the gateway.
 * @param token what it asks of its clients.
 * @param file a text file that the `files` server may read.
 * @param signal ends the wait for the servers.
 */
export async function* checkEndpoint(endpoint, token, file, signal) {
  const client = new Client({ name: 'quickstart', version: '1.0.0' });
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(new URL(endpoint), { requestInit });
  await client.connect(transport);
  try {
    const tools = await toolsOnceReady(client, signal);
    yield `${tools.length} tools from one endpoint`;

    const echo = await call(client, 'everything__echo', { message: 'hello' });
    yield `everything__echo            ${echo}`;

    const text = await call(client, 'files__read_text_file', { path: file });
    yield `files__read_text_file       ${text.split('\n', 1)[0]}`;
    await transport.terminateSession();
  } finally {
    await client.close();
  }
}

/** The list is there at once; a server that is still starting adds its tools when it is ready. */
async function toolsOnceReady(client, signal) {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const { tools } = await client.listTools();
    const missing = NEEDED.filter((name) => !tools.some((tool) => tool.name === name));
    if (missing.length === 0) return tools;
    if (Date.now() > deadline) throw new Error(`missing tools: ${missing.join(', ')}`);
    await delay(200, undefined, { signal });
  }
}

async function call(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  const text = result.content?.[0]?.text ?? '';
  if (result.isError) throw new Error(`${name}: ${text}`);
  return text;
}
