/** What a server says without a gateway before it. */
import { spawn } from 'node:child_process';
import type { ServerSpec } from './servers.ts';
import { type Message, Wire } from './wire.ts';

/** The tools as the server itself lists them to a client without capabilities. */
export async function directTools(server: ServerSpec, cwd: string): Promise<Message[]> {
  const child = spawn(server.command, [...(server.args ?? [])], {
    cwd,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const wire = new Wire((bytes) => child.stdin.write(bytes));
  child.stdout.on('data', (chunk: Buffer) => wire.receive(chunk));
  await wire.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'rea-test', version: '1.0.0' },
  }).answer;
  wire.notify('notifications/initialized');
  const { message } = await wire.request('tools/list').answer;
  child.stdin.end();
  await new Promise((resolve) => child.on('exit', resolve));
  return message.result.tools;
}
