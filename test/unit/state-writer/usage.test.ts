import { describe, expect, it } from 'vitest';
import { parseProcStat } from '#src/shared/model/process-identity.ts';
import type { TableEntry } from '#src/shared/model/process-tree.ts';
import { processTrees } from '#src/shared/model/process-tree.ts';
import { UsageMeter } from '#src/workers/state-writer/usage-meter.ts';

function entry(pid: number, ppid: number, changes: Partial<TableEntry> = {}): TableEntry {
  return {
    pid,
    ppid,
    pgid: pid,
    session: pid,
    state: 'S',
    startTime: String(pid),
    cpuTicks: 0,
    rssPages: 0,
    ...changes,
  };
}

const GATEWAY = entry(10, 1);
const LEADER = entry(20, 10);

function pidsOf(table: readonly TableEntry[], ...pgids: number[]): Record<number, number[]> {
  const trees = processTrees(table, new Set(pgids));
  return Object.fromEntries([...trees].map(([pgid, tree]) => [pgid, tree.map(({ pid }) => pid)]));
}

describe('the line of /proc/<pid>/stat', () => {
  it('is read past a command with spaces and parentheses', () => {
    const numbers = '20 21 22 0 -1 4194560 1 2 3 4 500 60 7 8 20 0 3 0 9999 1000 250';
    expect(parseProcStat(`19 (a) b (c) S ${numbers} 18446744073709551615`)).toEqual({
      state: 'S',
      ppid: 20,
      pgid: 21,
      session: 22,
      cpuTicks: 560,
      childTicks: 15,
      threads: 3,
      startTime: '9999',
      rssPages: 250,
    });
  });
});

describe('a process tree', () => {
  it('is the group and what its members have started in groups of their own', () => {
    const member = entry(21, 20, { pgid: 20, session: 20 });
    const browser = entry(30, 21);
    const tab = entry(31, 30, { pgid: 30, session: 30 });
    const stranger = entry(40, 1);
    const table = [entry(1, 0), GATEWAY, LEADER, member, browser, tab, stranger];
    expect(pidsOf(table, 20)).toEqual({ 20: [20, 21, 30, 31] });
  });

  it('keeps a member whose parent is gone, and loses a descendant whose parent is gone', () => {
    const orphanInGroup = entry(21, 1, { pgid: 20, session: 20 });
    const orphanOutside = entry(30, 1);
    expect(pidsOf([GATEWAY, LEADER, orphanInGroup, orphanOutside], 20)).toEqual({ 20: [20, 21] });
  });

  it('ends where the tree of another server begins', () => {
    const other = entry(30, 20);
    const below = entry(31, 30);
    expect(pidsOf([GATEWAY, LEADER, other, below], 20, 30)).toEqual({ 20: [20], 30: [30, 31] });
  });

  it('does not go round in a table read while parents changed', () => {
    expect(pidsOf([entry(50, 51), entry(51, 50)], 20)).toEqual({});
  });
});

describe('the usage meter', () => {
  const groups = new Set([20]);
  const used = (cpuTicks: number, rest: readonly TableEntry[] = []): TableEntry[] => [
    { ...LEADER, cpuTicks },
    ...rest,
  ];

  it('tells CPU time in all, and per cent of a core since the look before', () => {
    const meter = new UsageMeter();
    expect(meter.measure(used(100), groups, 0).get(20)).toMatchObject({
      cpuMs: 1000,
      cpuPercent: null,
    });
    expect(meter.measure(used(250), groups, 2000).get(20)).toMatchObject({
      cpuMs: 2500,
      cpuPercent: 75,
    });
  });

  it('never goes back when a process ends that nobody of the tree waits for', () => {
    const meter = new UsageMeter();
    const child = entry(21, 20, { pgid: 20, cpuTicks: 500 });
    meter.measure(used(100, [child]), groups, 0);
    expect(meter.measure(used(150), groups, 1000).get(20)).toMatchObject({
      cpuMs: 6000,
      cpuPercent: 0,
    });
    expect(meter.measure(used(160), groups, 2000).get(20)).toMatchObject({
      cpuMs: 6100,
      cpuPercent: 10,
    });
  });

  it('counts what a busy tree waits for, from when it is busy', () => {
    let waited = 5000;
    const meter = new UsageMeter(() => waited);
    const wanted = (ticks: number, now: number): number | undefined =>
      meter.measure(used(ticks), groups, now).get(20)?.wantedMs;
    expect(wanted(100, 0)).toBe(1000);
    expect(wanted(110, 1000)).toBe(1100);
    waited += 800;
    expect(wanted(130, 2000)).toBe(2100);
    // A thread that has waited is gone.
    waited -= 700;
    expect(wanted(150, 3000)).toBe(2300);
    waited += 900;
    expect(wanted(151, 4000)).toBe(2310);
    expect(wanted(161, 5000)).toBe(2410);
  });

  it('goes on to count what one waits for that wanted much and gets little now', () => {
    let waited = 0;
    const meter = new UsageMeter(() => waited);
    const wanted = (ticks: number, now: number): number | undefined =>
      meter.measure(used(ticks), groups, now).get(20)?.wantedMs;
    wanted(0, 0);
    expect(wanted(50, 1000)).toBe(500);
    waited += 990;
    expect(wanted(51, 2000)).toBe(1500);
    waited += 990;
    expect(wanted(52, 3000)).toBe(2500);
    expect(wanted(53, 4000)).toBe(2510);
    // It is calm now: nobody asks any more.
    waited += 990;
    expect(wanted(54, 5000)).toBe(2520);
  });

  it('forgets a group that is gone: its number may come back', () => {
    const meter = new UsageMeter();
    meter.measure(used(500), groups, 0);
    expect(meter.measure([], groups, 1000).size).toBe(0);
    expect(meter.measure(used(3), groups, 2000).get(20)).toMatchObject({
      cpuMs: 30,
      cpuPercent: null,
    });
  });

  it('names one living process of each session, the own one first', () => {
    const browser = entry(15, 20, { startTime: '77' });
    const tab = entry(16, 15, { session: 15 });
    const dead = entry(30, 20, { state: 'Z' });
    const usage = new UsageMeter().measure([browser, tab, dead, LEADER], groups, 0).get(20);
    expect(usage?.sessions).toEqual([
      { id: 20, pid: 20, startTime: '20' },
      { id: 15, pid: 15, startTime: '77' },
    ]);
  });
});
