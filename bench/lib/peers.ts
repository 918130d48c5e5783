/**
 * The gateways from npm that rea is compared with, in the versions of `peers.json`. They are heavy and
 * nothing else needs them, so they are installed on demand into a cache outside of the repository.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type Peer = 'mcp-hub' | 'mcp-proxy' | 'supergateway';

const PINNED = readFileSync(new URL('../peers.json', import.meta.url), 'utf8');
export const PEER_VERSIONS = JSON.parse(PINNED) as Readonly<Record<Peer, string>>;
const PROGRAMS: Readonly<Record<Peer, string>> = {
  'mcp-hub': 'dist/cli.js',
  'mcp-proxy': 'dist/bin/mcp-proxy.mjs',
  supergateway: 'dist/index.js',
};
const INSTALL_LIMIT_MS = 300_000;

/** Installs them unless they are there; null when that is impossible, with the reason on stderr. */
export async function installPeers(): Promise<string | null> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const version = createHash('sha256').update(PINNED).digest('hex').slice(0, 12);
  const dir = join(cache, 'rea-bench', version);
  if (existsSync(dir)) return dir;
  const packages = Object.entries(PEER_VERSIONS).map(([name, at]) => `${name}@${at}`);
  process.stderr.write(`installing ${packages.join(', ')} into ${dir}\n`);
  // Complete or not at all: an interrupted installation must not look like one.
  const making = `${dir}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  const args = ['install', '--prefix', making, '--ignore-scripts', '--no-audit', '--no-fund'];
  try {
    await promisify(execFile)('npm', [...args, ...packages], { timeout: INSTALL_LIMIT_MS });
    renameSync(making, dir);
    return dir;
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    process.stderr.write(`without the gateways from npm: ${String(error).split('\n')[0]}\n`);
    return null;
  }
}

/** The file that Node runs. */
export function peerProgram(dir: string, peer: Peer): string {
  return join(dir, 'node_modules', peer, PROGRAMS[peer]);
}
