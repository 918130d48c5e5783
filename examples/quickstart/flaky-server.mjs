/**
 * An MCP server that works for a few seconds and then dies, every time. It has one tool,
 * `seconds_left`. Plain Node, to show how little a server is: JSON-RPC, one message for each line.
 */
import { createInterface } from 'node:readline';

const LIFE_MS = 2500;
const diesAt = Date.now() + LIFE_MS;

setTimeout(() => {
  console.error('flaky-server: out of luck, giving up');
  process.exit(3);
}, LIFE_MS);

const tools = [
  {
    name: 'seconds_left',
    description: 'How long this server will live',
    inputSchema: { type: 'object', properties: {} },
  },
];

function answer(method, params) {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'flaky', version: '1.0.0' },
      };
    case 'tools/list':
      return { tools };
    case 'tools/call':
      return { content: [{ type: 'text', text: ((diesAt - Date.now()) / 1000).toFixed(1) }] };
    default:
      return {};
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
lines.on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || method === undefined) return;
  const message = { jsonrpc: '2.0', id, result: answer(method, params) };
  process.stdout.write(`${JSON.stringify(message)}\n`);
});
