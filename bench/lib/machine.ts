/** What a measurement was made on: printed and stored with every result. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly gateway: string;
  /** Version of the Node that runs the gateway, not of the one that runs the benchmark. */
  readonly node: string;
}

/** @param node the Node binary that runs the gateway. */
export function describeMachine(node: string): Machine {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return {
    system: `${type()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    gateway: (JSON.parse(manifest) as { version: string }).version,
    node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
  };
}

/** `v20.19.0` is 20. */
export function majorOf(version: string): number {
  return Number(version.slice(1).split('.')[0]);
}

/** Load of the last minute: above a fraction of the cores, distrust the figures. */
export function load(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}
