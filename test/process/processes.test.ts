/** Process groups, guard and reaper with real processes: nothing that a gateway started outlives it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupsPath, signalGroup } from '#src/main/processes/groups.ts';
import { instancePath } from '#src/main/processes/instance.ts';
import { reapDeadGateways } from '#src/main/processes/reaper.ts';
import { groupAdded, groupsHeader } from '#src/shared/model/groups.ts';
import { identify } from '#src/shared/model/process-table.ts';
import { ownIdentity, systemLook, systemReader } from '#src/shared/platform/identity.ts';
import { groupMembers, livingGroup } from '../support/group-members.ts';
import { sourceArgs } from '../support/worker-url.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/processes/${name}`, import.meta.url));
const stubborn = { command: process.execPath, args: [fixture('stubborn.mjs')], ready: 1 };
const parent = { command: process.execPath, args: [fixture('stubborn-parent.mjs')], ready: 2 };
// Two commands, so that the shell stays in between as npx does.
const wrapped = {
  command: '/bin/sh',
  args: ['-c', '"$0" "$1"; true', process.execPath, fixture('stubborn.mjs')],
  ready: 1,
};
const CHILDREN = [
  { name: 'stubborn', ...stubborn },
  { name: 'wrapped', ...wrapped },
  { name: 'grandchild', ...parent },
];

let cwd: string;
const gateways: FakeGateway[] = [];
/** Process groups of this test, with the start times of their leaders. */
const groupsSeen = new Map<number, string>();
const guardsSeen = new Set<number>();

interface FakeGateway {
  readonly process: ChildProcess;
  readonly session: string;
  readonly groups: number[];
  guard: number;
  /** Its next line of JSON. */
  readonly next: () => Promise<Record<string, unknown>>;
}

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'rea-processes-'));
});

afterEach(async () => {
  for (const one of gateways.splice(0)) one.process.kill('SIGKILL');
  for (const pid of guardsSeen) await until(() => !alive(pid));
  for (const [pgid, started] of groupsSeen)
    signalGroup({ pgid, startTime: started }, systemLook(), 'SIGKILL');
  for (const pgid of groupsSeen.keys()) await until(() => !livingGroup(pgid));
  groupsSeen.clear();
  guardsSeen.clear();
  rmSync(cwd, { recursive: true, force: true });
});

async function startGateway(children: readonly object[] = CHILDREN): Promise<FakeGateway> {
  const session = randomUUID();
  const args = [...sourceArgs, fixture('fake-gateway.mjs'), cwd, session, JSON.stringify(children)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the fake gateway ended');
    const said = JSON.parse(value) as Record<string, unknown>;
    guardsSeen.add(Number(said['guard']));
    return said;
  };
  const gateway: FakeGateway = { process: child, session, groups: [], guard: 0, next };
  gateways.push(gateway);
  const said = await next();
  gateway.groups.push(...(said['groups'] as number[]));
  gateway.guard = Number(said['guard']);
  for (const pgid of gateway.groups) groupsSeen.set(pgid, startOf(pgid));
  return gateway;
}

async function kill(gateway: FakeGateway, ...also: number[]): Promise<number> {
  const gone = once(gateway.process, 'exit');
  // Neither learns of the end of the other.
  for (const pid of also) process.kill(pid, 'SIGSTOP');
  gateway.process.kill('SIGKILL');
  const at = performance.now();
  await gone;
  for (const pid of also) process.kill(pid, 'SIGKILL');
  return at;
}

const startOf = (pid: number): string => identify(systemReader(), pid)?.start_time ?? '0';
const dir = (): string => join(cwd, '.rea');
const alive = (pid: number): boolean => {
  const view = systemLook()(pid);
  return view.kind === 'present' && view.state !== 'Z';
};

/** Waits for a state of the process table, which sends no events. */
async function until(condition: () => boolean, limitMs = 60_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline)
      throw new Error(`not within ${limitMs} ms: ${condition.toString()}`);
    await delay(2);
  }
}

describe('the guard', { timeout: 180_000 }, () => {
  it('kills stubborn servers, wrapped ones and grandchildren when the gateway is killed', async () => {
    const gateway = await startGateway();
    expect(gateway.groups.map((pgid) => groupMembers(pgid).length)).toEqual([1, 2, 2]);
    const at = await kill(gateway);
    await until(() => gateway.groups.every((pgid) => !livingGroup(pgid)));
    console.info(`no process left ${(performance.now() - at).toFixed(0)} ms after SIGKILL`);
    await until(() => !existsSync(groupsPath(dir(), gateway.session)));
    await until(() => !existsSync(instancePath(dir(), gateway.session)));
    await until(() => !alive(gateway.guard));
  });

  it('is not stopped by the signals of a terminal or of a service manager', async () => {
    const gateway = await startGateway([CHILDREN[0] as object]);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.kill(gateway.guard, signal);
    }
    expect(alive(gateway.guard)).toBe(true);
    await kill(gateway);
    await until(() => gateway.groups.every((pgid) => !livingGroup(pgid)));
  });

  it('kills nothing after it was released, also when the gateway exits at once', async () => {
    const gateway = await startGateway([CHILDREN[0] as object]);
    gateway.process.stdin?.write('release\n');
    await once(gateway.process, 'exit');
    await until(() => !alive(gateway.guard));
    expect(gateway.groups.every((pgid) => livingGroup(pgid))).toBe(true);
    expect(existsSync(groupsPath(dir(), gateway.session))).toBe(true);
  });

  it('is told to have died, and its replacement knows the groups', async () => {
    const gateway = await startGateway([CHILDREN[0] as object]);
    process.kill(gateway.guard, 'SIGKILL');
    const said = await gateway.next();
    expect(said['died']).toBe('exit SIGKILL');
    await kill(gateway);
    await until(() => gateway.groups.every((pgid) => !livingGroup(pgid)));
    await until(() => !alive(Number(said['guard'])));
  });

  it('spares a group that was taken off, a reused number, and what a torn line names', async () => {
    const gateway = await startGateway([CHILDREN[0], CHILDREN[0], CHILDREN[0]] as object[]);
    const [gone, reused, torn] = gateway.groups as [number, number, number];
    const file = groupsPath(dir(), gateway.session);
    const header = readFileSync(file, 'utf8').split('\n', 1)[0];
    writeFileSync(
      file,
      `${header}\n` +
        groupAdded(gone, startOf(gone), 'gone') +
        `- ${gone}\n` +
        groupAdded(reused, '1', 'reused') +
        groupAdded(1, '1', 'init') +
        `+ * * *\n+ -1 0 x\n+ 0 0 x\n+ ${gone} ${startOf(gone)}\n` +
        `+ ${torn} ${startOf(torn)}`,
    );
    await kill(gateway);
    await until(() => !alive(gateway.guard));
    expect(gateway.groups.map((pgid) => livingGroup(pgid))).toEqual([true, true, true]);
    expect(existsSync(file)).toBe(false);
  });

  it('kills a group whose removal is only half written', async () => {
    const gateway = await startGateway([CHILDREN[0] as object]);
    appendFileSync(groupsPath(dir(), gateway.session), `- ${gateway.groups[0]}`);
    await kill(gateway);
    await until(() => gateway.groups.every((pgid) => !livingGroup(pgid)));
    await until(() => !alive(gateway.guard));
    expect(existsSync(groupsPath(dir(), gateway.session))).toBe(false);
  });

  it('finds the start time behind a command name with spaces, newlines and parentheses', async () => {
    const rename = `process.title = 'x) S 1\\n) R 2 (';`;
    const code = `${rename} setInterval(() => {}, 1000); console.log('ready')`;
    const odd = { name: 'odd', command: process.execPath, args: ['-e', code], ready: 1 };
    const gateway = await startGateway([odd]);
    expect(readFileSync(`/proc/${gateway.groups[0]}/comm`, 'utf8')).toContain(') R 2 (');
    await kill(gateway);
    await until(() => gateway.groups.every((pgid) => !livingGroup(pgid)));
  });
});

describe('the reaper', { timeout: 180_000 }, () => {
  it('kills what is left when gateway and guard were killed together, and removes the files', async () => {
    const gateway = await startGateway();
    await kill(gateway, gateway.guard);
    await until(() => !alive(gateway.guard));
    expect(gateway.groups.every((pgid) => livingGroup(pgid))).toBe(true);
    const at = performance.now();
    const reaped = await reapDeadGateways(dir(), ownIdentity(), systemLook());
    await until(() => gateway.groups.every((pgid) => !livingGroup(pgid)));
    console.info(
      `no process left ${(performance.now() - at).toFixed(0)} ms after the reaper began`,
    );
    expect(reaped.ended).toEqual(
      CHILDREN.map(({ name }, index) => ({ server: name, pgid: gateway.groups[index] })),
    );
    expect([...reaped.removed].sort()).toEqual([
      `${gateway.session}.groups`,
      `${gateway.session}.json`,
    ]);
    expect(reaped.problems).toEqual([]);
  });

  it('leaves a living gateway and its servers alone', async () => {
    const gateway = await startGateway([CHILDREN[0] as object]);
    const reaped = await reapDeadGateways(dir(), ownIdentity(), systemLook());
    expect(reaped).toEqual({ ended: [], removed: [], problems: [] });
    expect(gateway.groups.every((pgid) => livingGroup(pgid))).toBe(true);
    expect(existsSync(groupsPath(dir(), gateway.session))).toBe(true);
  });

  it('removes the files of another boot and of a reused number without killing', async () => {
    const gateway = await startGateway([CHILDREN[0] as object]);
    await kill(gateway, gateway.guard);
    const [pgid] = gateway.groups as [number];
    const me = ownIdentity();
    const dead = { ...me, start_time: '1' };
    const start = startOf(pgid);
    const file = groupsPath(dir(), gateway.session);
    for (const text of [
      groupsHeader({ ...dead, boot_id: 'another' }) + groupAdded(pgid, start, 'stubborn'),
      groupsHeader(dead) + groupAdded(pgid, '1', 'stubborn'),
    ]) {
      writeFileSync(file, text);
      const reaped = await reapDeadGateways(dir(), me, systemLook());
      expect(reaped.ended).toEqual([]);
      expect(reaped.removed).toContain(`${gateway.session}.groups`);
      expect(livingGroup(pgid)).toBe(true);
    }
  });
});

describe('signalGroup', { timeout: 180_000 }, () => {
  it('takes the number alone from a gateway that never learnt the start time', async () => {
    const child = spawn(process.execPath, stubborn.args, { detached: true });
    const pgid = child.pid as number;
    await once(child.stdout, 'data');
    groupsSeen.set(pgid, startOf(pgid));
    const gone = once(child, 'exit');
    expect(signalGroup({ pgid, startTime: null }, systemLook(), 'SIGKILL')).toBe('sent');
    await gone;
    expect(signalGroup({ pgid, startTime: null }, systemLook(), 'SIGKILL')).toBe('gone');
  });

  it('tells sent, gone and not ours apart', async () => {
    const child = spawn(process.execPath, stubborn.args, { detached: true });
    const pgid = child.pid as number;
    await once(child.stdout, 'data');
    const look = systemLook();
    const start = startOf(pgid);
    const kill = (number: number, startTime: string | null) =>
      signalGroup({ pgid: number, startTime }, look, 'SIGKILL');
    groupsSeen.set(pgid, start);
    expect(kill(pgid, `${start}1`)).toBe('not_ours');
    expect(kill(1, '0')).toBe('not_ours');
    expect(kill(-1, '0')).toBe('not_ours');
    expect(kill(1, null)).toBe('not_ours');
    expect(kill(pgid, '0')).toBe('not_ours');
    expect(livingGroup(pgid)).toBe(true);
    const gone = once(child, 'exit');
    expect(kill(pgid, start)).toBe('sent');
    await gone;
    expect(kill(pgid, start)).toBe('gone');
    expect(livingGroup(pgid)).toBe(false);
  });
});
