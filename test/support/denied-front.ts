/** A gateway in front of a server that opens what it is given, and a client that names paths. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, type Rea, startRea } from './rea-process.ts';
import { fixture, registry } from './servers.ts';

export interface Front {
  readonly rea: Rea;
  readonly dir: string;
  /** What the server was sent, in full. */
  readonly received: () => string;
}

export async function front(
  options: { env?: Record<string, string>; args?: string[] } = {},
): Promise<Front> {
  const dir = makeDirectory();
  const journal = join(dir, 'journal');
  const config = registry({ files: fixture('opens', '--journal', journal) });
  const rea = await startRea({ cwd: dir, config, initialize: false, ...options });
  await rea.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { roots: {} },
    clientInfo: { name: 'rea-test', version: '1.0.0' },
  });
  rea.wire.notify('notifications/initialized');
  await rea.waitForPhase('files', 'ready');
  await rea.tools();
  return { rea, dir, received: () => readFileSync(journal, 'utf8') };
}

export const DENIED = {
  code: 'ERR_DENIED_PATH',
  outcome: 'not_sent',
  retryable: false,
  server: 'files',
};
