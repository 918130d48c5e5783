/**
 * An explicit-state model checker for the lock machine: every interleaving of its system calls over a
 * directory that is a map, with processes and threads dying anywhere. It drives the real step function.
 */

import {
  acquire,
  type LockEffect,
  type LockReply,
  type LockSelf,
  type LockStep,
  release,
  step,
  sweep,
} from '#src/shared/machines/lock.ts';
import { formatLockLine, type LockHolder, parseLockLine } from '#src/shared/machines/lock-line.ts';

const LOCK = 'L';
const RACER = 100;
const DEAD = 900;

export interface ModelOptions {
  readonly processes: number;
  /** Times each process tries to own the lock. */
  readonly rounds: number;
  /** Processes killed, at any point. */
  readonly crashes: number;
  /** Threads that die and are replaced within their process, at any point. @default 0 */
  readonly threadDeaths?: number;
  /** The lock directory at first; see `line`. @default a dead process holds the lock */
  readonly files?: Readonly<Record<string, string>>;
  /** The protocol to check. @default the real one */
  readonly step?: typeof step;
}

export interface ModelResult {
  readonly states: number;
  /** States with two live owners. */
  readonly unsafe: number;
  /** End states in which a fresh process alone can never own the lock. */
  readonly stuck: number;
  /** Who did what, up to the first bad state. */
  readonly trace: readonly string[];
}

interface Process {
  readonly life: 'idle' | 'acquiring' | 'owner' | 'sweeping' | 'releasing' | 'dead';
  readonly round: number;
  readonly now: LockStep | null;
}

interface World {
  readonly files: Readonly<Record<string, string>>;
  readonly processes: readonly Process[];
  readonly crashes: number;
  readonly threadDeaths: number;
}

/** A lock line of the model: `number` 0… are the processes, 900… died before the start. */
export function line(number: number): string {
  return formatLockLine(holderOf(number));
}

/** Name of the claim on what process `number` held. */
export function claimOn(number: number): string {
  return `${LOCK}~n${number}`;
}

export function explore(options: ModelOptions): ModelResult {
  const protocol = options.step ?? step;
  const first: World = {
    files: options.files ?? { [LOCK]: line(DEAD) },
    processes: Array.from({ length: options.processes }, () => ({
      life: 'idle',
      round: 0,
      now: null,
    })),
    crashes: options.crashes,
    threadDeaths: options.threadDeaths ?? 0,
  };
  const parents = new Map<string, readonly [string, string] | null>([[keyOf(first), null]]);
  const queue = [first];
  let unsafe = 0;
  let stuck = 0;
  let trace: readonly string[] = [];
  for (let world = queue.pop(); world !== undefined; world = queue.pop()) {
    const key = keyOf(world);
    if (world.processes.filter(owns).length > 1) {
      if (unsafe++ === 0) trace = traceTo(parents, key);
      continue;
    }
    const next = successors(world, options.rounds, protocol);
    for (const [label, successor] of next) {
      const id = keyOf(successor);
      if (parents.has(id)) continue;
      parents.set(id, [key, label]);
      queue.push(successor);
    }
    if (next.length === 0 && !freshProcessOwns(world, protocol)) {
      if (stuck++ === 0 && unsafe === 0) trace = traceTo(parents, key);
    }
  }
  return { states: parents.size, unsafe, stuck, trace };
}

/** An owner counts until the system call that gives the lock up. */
function owns(process: Process): boolean {
  return process.life === 'owner' || process.life === 'sweeping' || process.life === 'releasing';
}

function successors(
  world: World,
  rounds: number,
  protocol: typeof step,
): readonly (readonly [string, World])[] {
  const next: (readonly [string, World])[] = [];
  for (const [number, process] of world.processes.entries()) {
    if (process.life === 'dead' || (process.life === 'idle' && process.round >= rounds)) continue;
    next.push([`${number} ${describe(process)}`, advance(world, number, protocol)]);
    if (process.life === 'idle') continue;
    if (world.crashes > 0) {
      const dead: Process = { life: 'dead', round: 0, now: null };
      const after = replace(world, number, dead, world.files);
      next.push([`${number} dies`, { ...after, crashes: world.crashes - 1 }]);
    }
    if (world.threadDeaths > 0) {
      const fresh: Process = { ...process, life: 'acquiring', now: acquire(selfOf(number)) };
      const after = replace(world, number, fresh, world.files);
      next.push([`${number} new thread`, { ...after, threadDeaths: world.threadDeaths - 1 }]);
    }
  }
  return next;
}

/** One process does its next thing: begins a round, executes one system call, or moves on as owner. */
function advance(world: World, number: number, protocol: typeof step): World {
  const process = world.processes[number] as Process;
  const self = selfOf(number);
  if (process.life === 'idle') {
    const begun: Process = { life: 'acquiring', round: process.round + 1, now: acquire(self) };
    return replace(world, number, begun, world.files);
  }
  if (process.life === 'owner') {
    return replace(world, number, { ...process, life: 'sweeping', now: sweep() }, world.files);
  }
  const files: Record<string, string> = { ...world.files };
  const at = process.now as LockStep;
  const alive = (holder: LockHolder): boolean =>
    holder.pid < DEAD && world.processes[holder.pid - RACER]?.life !== 'dead';
  const reply = execute(files, self, at.effect as LockEffect, alive);
  const now = protocol(self, at.state, reply);
  if (now.state.at !== 'done') return replace(world, number, { ...process, now }, files);
  const { result } = now.state.outcome;
  if (result === 'swept') {
    const releasing: Process = { ...process, life: 'releasing', now: release(self) };
    return replace(world, number, releasing, files);
  }
  const life = result === 'owner' ? 'owner' : 'idle';
  return replace(world, number, { ...process, life, now: null }, files);
}

function execute(
  files: Record<string, string>,
  self: LockSelf,
  effect: LockEffect,
  alive: (holder: LockHolder) => boolean,
): LockReply {
  switch (effect.do) {
    case 'read': {
      const content = files[effect.name];
      if (content === undefined) return { is: 'absent' };
      const holder = parseLockLine(content);
      return holder === null
        ? { is: 'malformed', key: `x${content}` }
        : { is: 'held', line: content, holder };
    }
    case 'judge':
      return { is: alive(effect.holder) ? 'alive' : 'dead' };
    case 'stage':
      files[self.temp] = self.line;
      return { is: 'ok' };
    case 'link':
      if (files[self.temp] === undefined) return { is: 'failed', why: 'no private file' };
      if (effect.name in files) return { is: 'exists' };
      files[effect.name] = self.line;
      return { is: 'ok' };
    case 'rename':
      if (files[self.temp] === undefined) return { is: 'failed', why: 'no private file' };
      files[effect.name] = self.line;
      delete files[self.temp];
      return { is: 'ok' };
    case 'unlink': {
      const there = effect.name in files;
      delete files[effect.name];
      return { is: there ? 'ok' : 'absent' };
    }
    case 'rmdir':
      return { is: 'failed', why: 'not a directory' };
    case 'list':
      return { is: 'names', names: Object.keys(files).filter((name) => name.startsWith('L~')) };
  }
}

/** Everybody else has ended, one way or the other. */
function freshProcessOwns(world: World, protocol: typeof step): boolean {
  const files: Record<string, string> = { ...world.files };
  const self = selfOf(50);
  for (let attempt = 0; attempt < 4; attempt++) {
    let at = acquire(self);
    while (at.effect !== null) {
      const living = (holder: LockHolder): boolean => {
        const other = world.processes[holder.pid - RACER];
        return holder.pid < DEAD && other !== undefined && other.life !== 'dead';
      };
      at = protocol(self, at.state, execute(files, self, at.effect, living));
    }
    if (at.state.at === 'done' && at.state.outcome.result === 'owner') return true;
  }
  return false;
}

function replace(
  world: World,
  number: number,
  process: Process,
  files: Readonly<Record<string, string>>,
): World {
  return {
    ...world,
    files,
    processes: world.processes.map((other, index) => (index === number ? process : other)),
  };
}

function holderOf(number: number): LockHolder {
  const pid = number >= DEAD ? number : RACER + number;
  return { pid, nonce: `n${number}`, start_time: '1', pid_ns: 'ns', boot_id: 'b' };
}

function selfOf(number: number): LockSelf {
  return { lock: LOCK, temp: `t${number}`, line: line(number) };
}

function keyOf(world: World): string {
  const names = Object.keys(world.files).sort();
  const files = names.map((name) => `${name}=${world.files[name]?.slice(0, 9) ?? ''}`).join('|');
  return `${files}#${JSON.stringify(world.processes)}#${world.crashes}#${world.threadDeaths}`;
}

function describe(process: Process): string {
  const effect = process.now?.effect;
  if (!effect) return process.life === 'owner' ? 'sweeps' : 'begins';
  return 'name' in effect ? `${effect.do} ${effect.name}` : effect.do;
}

function traceTo(
  parents: ReadonlyMap<string, readonly [string, string] | null>,
  end: string,
): readonly string[] {
  const labels: string[] = [];
  for (let at = parents.get(end); at; at = parents.get(at[0])) labels.push(at[1]);
  return labels.reverse();
}
