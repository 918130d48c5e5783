/**
 * Finds the means to change a server's share of the CPU on this machine. Each server is a session of its
 * own. If the kernel makes an autogroup of each session, only the autogroup's value has an effect between
 * sessions; everywhere else only nice has. Pure over the files it reads.
 */
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { unlessRefused } from '../../../shared/platform/errno.ts';

export type Mechanism =
  /** `gapMs`: least time between two changes. */
  | { readonly kind: 'autogroup'; readonly canRaise: true; readonly gapMs: number }
  /** `normal`: the nice value that servers inherit. */
  | { readonly kind: 'nice'; readonly canRaise: boolean; readonly normal: number }
  | { readonly kind: 'none'; readonly canRaise: true };

export interface MechanismSystem {
  readonly platform: string;
  /** Nice value of this process. */
  readonly nice: number;
  /** Text of a file, null when there is none that can be read. */
  readonly read: (path: string) => string | null;
}

const CAP_SYS_ADMIN = 21n;
const CAP_SYS_NICE = 23n;
/** Unprivileged users may write once in 100 ms; a little more, since the kernel counts in ticks. */
const AUTOGROUP_GAP_MS = 105;
const CPU_V1 = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'] as const;

export function findMechanism(system: MechanismSystem): Mechanism {
  if (system.platform === 'win32') return { kind: 'none', canRaise: true };
  if (system.platform !== 'linux') {
    return { kind: 'nice', canRaise: false, normal: system.nice };
  }
  const enabled = system.read('/proc/sys/kernel/sched_autogroup_enabled')?.trim() === '1';
  if (enabled && !isInCpuGroup(system)) {
    const gapMs = isCapable(system, CAP_SYS_ADMIN) ? 0 : AUTOGROUP_GAP_MS;
    return { kind: 'autogroup', canRaise: true, gapMs };
  }
  return { kind: 'nice', canRaise: mayRaiseNice(system), normal: system.nice };
}

/** The machine this process runs on. */
export function thisMachine(): MechanismSystem {
  return {
    platform: process.platform,
    nice: getPriority(),
    read: (path) => unlessRefused(null, () => readFileSync(path, 'utf8')),
  };
}

/**
 * True when a control group schedules this process and its children, as in most containers and under many
 * service managers: then the kernel forms no autogroups, even if they are enabled.
 */
function isInCpuGroup({ read }: MechanismSystem): boolean {
  const lines = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const v1 = lines.find(([, controllers]) => controllers?.split(',').includes('cpu'));
  if (v1 !== undefined) {
    // The path is relative to the namespace, so `/` may be any group; only the true root has this file.
    return v1[2] !== '/' || !CPU_V1.some((root) => read(`${root}/release_agent`) !== null);
  }
  const path = lines.find(([id]) => id === '0')?.[2] ?? '/';
  // The true root has no weight. A group has one only if all above it have one.
  const uppermost = path.split('/')[1] ?? '';
  return ['', uppermost].some((group) => read(`/sys/fs/cgroup/${group}/cpu.weight`) !== null);
}

/** True when this process may lower a nice value back to its own. */
export function mayRaiseNice(system: MechanismSystem): boolean {
  const { read, nice } = system;
  if (isCapable(system, CAP_SYS_NICE)) return true;
  const limit = /^Max nice priority\s+(\d+)/m.exec(read('/proc/self/limits') ?? '')?.[1];
  return 20 - Number(limit ?? 0) <= nice;
}

function isCapable({ read }: MechanismSystem, capability: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n;
}
