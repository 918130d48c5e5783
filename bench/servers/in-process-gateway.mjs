// The reference that rea is measured against: what an MCP gateway in Node usually is. The SDK's Server
// on stdio and one SDK Client for each server, all in one thread. Restarts a server that dies.
// Arguments: a file with `mcpServers`, and the milliseconds before a restart, doubled up to 30 s (0: at once).
import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CallToolRequestSchema,
  CallToolResultSchema,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

const [config, backoffMs = '0'] = process.argv.slice(2);
const { mcpServers } = JSON.parse(readFileSync(config, 'utf8'));
const downstreams = new Map();
const routes = new Map();
let stopping = false;

async function connect(name, delayMs) {
  const client = new Client({ name: 'in-process', version: '1.0.0' });
  client.onclose = () => {
    downstreams.delete(name);
    const next = Math.min(30_000, Math.max(Number(backoffMs), delayMs * 2));
    if (!stopping) setTimeout(() => void connect(name, next), delayMs);
  };
  // A server that dies or is refused is tried again by onclose.
  client.onerror = () => {};
  try {
    await client.connect(new StdioClientTransport({ ...mcpServers[name], stderr: 'ignore' }));
    const { tools } = await client.listTools();
    downstreams.set(name, { client, tools });
    for (const tool of tools) routes.set(`${name}__${tool.name}`, { name, tool: tool.name });
  } catch {
    await client.close();
  }
}

const server = new Server(
  { name: 'in-process', version: '1.0.0' },
  { capabilities: { tools: {} } },
);
const allConnected = Promise.all(Object.keys(mcpServers).map((name) => connect(name, 0)));

server.setRequestHandler(ListToolsRequestSchema, async () => {
  await allConnected;
  const listed = [...downstreams].flatMap(([name, { tools }]) =>
    tools.map((tool) => ({ ...tool, name: `${name}__${tool.name}` })),
  );
  return { tools: listed };
});

server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
  const route = routes.get(params.name);
  const downstream = route && downstreams.get(route.name);
  if (downstream === undefined) throw new Error(`${params.name} is not available`);
  const forwarded = { method: 'tools/call', params: { ...params, name: route.tool } };
  return downstream.client.request(forwarded, CallToolResultSchema);
});

async function stop() {
  stopping = true;
  await Promise.all([...downstreams.values()].map(({ client }) => client.close()));
  process.exit();
}
process.stdin.on('end', stop);
process.on('SIGTERM', stop);
await server.connect(new StdioServerTransport());
