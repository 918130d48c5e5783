/** A gateway with a policy, and a server with tools of every tier that keeps a journal of what reaches it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, type Rea, type ReaOptions, startRea } from './rea-process.ts';
import { fixture, registry } from './servers.ts';

export interface PolicyHouse {
  readonly rea: Rea;
  readonly dir: string;
  /** Names of the tools that were called at the server. */
  readonly called: () => string[];
  /** Whatever reached it, as it came. */
  readonly journal: () => string;
  /** Names of the server's tools that are listed. */
  readonly listed: () => Promise<string[]>;
}

interface Given extends Omit<ReaOptions, 'config' | 'cwd'> {
  /** Text of `.rea/policy.yaml`, and of the user's own. */
  readonly policy?: string;
  readonly floor?: string;
  /** Options of the server. */
  readonly server?: Readonly<Record<string, unknown>>;
  /** Nobody speaks on stdin. */
  readonly overHttp?: boolean;
}

/** @param capabilities of the client; only with `initialize: false`. */
export async function policyHouse(
  { policy, floor, server, overHttp = false, ...how }: Given,
  capabilities: object = {},
): Promise<PolicyHouse> {
  const dir = makeDirectory();
  const journal = join(dir, 'journal');
  writePolicy(dir, policy ?? 'version: "1"\n');
  const home = join(dir, 'config-home');
  if (floor !== undefined) writeFloor(home, floor);
  const rea = await startRea({
    cwd: dir,
    config: registry({ tiers: { ...fixture('tiers', '--journal', journal), ...server } }),
    ...how,
    env: { XDG_CONFIG_HOME: home, ...how.env },
  });
  if (how.initialize === false && !overHttp) {
    const clientInfo = { name: 'test', version: '1' };
    await rea.request('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo });
    rea.wire.notify('notifications/initialized');
  }
  await rea.waitForPhase('tiers', 'ready');
  if (!overHttp) await rea.tools();
  const read = () => (existsSync(journal) ? readFileSync(journal, 'utf8') : '');
  return {
    rea,
    dir,
    journal: read,
    called: () =>
      read()
        .split('\n')
        .filter((line) => line.includes('"tools/call"'))
        .map((line) => JSON.parse(line).params.name),
    listed: async () =>
      (await rea.tools())
        .map(({ name }) => name)
        .filter((name) => name.startsWith('tiers__'))
        .map((name) => name.slice('tiers__'.length)),
  };
}

export function writePolicy(dir: string, text: string): void {
  mkdirSync(join(dir, '.rea'), { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, '.rea', 'policy.yaml'), text, { mode: 0o600 });
}

export function writeFloor(home: string, text: string): void {
  mkdirSync(join(home, 'rea'), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, 'rea', 'policy.yaml'), text, { mode: 0o600 });
}
