/** The kill switch at the gate, tried a million times: nothing is made, and nobody asked, once main has seen it. */
import { afterEach, expect, it } from 'vitest';
import type { Audit } from '#src/main/calls/audit.ts';
import type { Call } from '#src/main/calls/call.ts';
import { forbidden } from '#src/main/calls/gate/asks.ts';
import { decide, type GateView } from '#src/main/calls/gate/gate.ts';
import { RateLimit } from '#src/main/calls/gate/rate.ts';
import { LEVELS, NO_RULES } from '#src/shared/model/policy.ts';
import { closeClients, house } from '../../../support/calls-house.ts';
import { seeded } from '../../../support/path-spellings.ts';
import { serverConfig } from '../../../support/supervisor-thread.ts';

afterEach(closeClients);

const HALTED = { active: true, reason: 'enough' } as const;

it('a million calls, whatever else is so: each is refused, not sent', { timeout: 60_000 }, () => {
  const random = seeded(1);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const configs = LEVELS.map((level) => ({
    ...serverConfig('echo'),
    rules: { ...NO_RULES, level },
  }));
  const tools = ['get_x', 'set_x', 'drop_x'].map((key) => ({
    key,
    json: Buffer.from(JSON.stringify({ name: key })),
    keyAt: [8, 10 + key.length] as const,
  }));
  const states: GateView['availability'][] = [
    { kind: 'ready' },
    { kind: 'held' },
    { kind: 'down', phase: 'backoff', nextStartAt: 5 },
    { kind: 'down', phase: 'failed', nextStartAt: null },
  ];
  const rate = new RateLimit();
  let wrong = 0;
  for (let count = 0; count < 1_000_000; count += 1) {
    const view = {
      halted: HALTED,
      availability: pick(states),
      breakerOpenUntil: random() < 0.5 ? null : 10,
      inFlight: Math.floor(random() * 100),
      queued: Math.floor(random() * 100),
      config: pick(configs),
    };
    const tool = random() < 0.1 ? null : pick(tools);
    const method = pick(['tools/call', 'prompts/get', 'own/method']);
    const name = tool?.key ?? null;
    const subject = { method, tool, prompt: null, name, approved: random() < 0.5 };
    const deadline = random() * 100;
    const asked = { deadline, subject: random() < 0.1 ? null : subject, rate };
    const decision = decide(view, random() * 100, asked);
    if (decision.kind !== 'refuse' || decision.code !== 'ERR_HALTED') wrong += 1;
  }
  expect(wrong).toBe(0);
});

it.each(['elicitation/create', 'sampling/createMessage', 'tasks/get', 'own/ask'])(
  'nobody is asked by %s, however freely the server may ask',
  (method) => {
    const free = { elicitation: 'allow', sampling: 'allow', unsolicited: 'allow' } as const;
    expect(forbidden(method, free, HALTED)).toMatchObject({ halted: true });
    expect(forbidden(method, free, { active: false, reason: null })).toBeNull();
  },
);

/** Keeps calls that write until it is told to let them go. */
class Disk implements Audit {
  asked: Call[] = [];
  begins(call: Call): boolean {
    if (call.tier === 'read') return false;
    call.record = 'asked';
    this.asked.push(call);
    return true;
  }
  ended(): void {}
  refused(): void {}
  event(): void {}
  settle(): void {
    const calls = this.asked.splice(0);
    for (const call of calls) call.record = 'kept';
    for (const target of new Set(calls.map((call) => call.target))) target.recordsKept();
  }
}

it('in 60,000 events of a server and its clients nothing is posted while it is set', {
  timeout: 60_000,
}, () => {
  const random = seeded(2);
  const disk = new Disk();
  const all = house({ maxConcurrency: 3, maxQueue: 6 }, 1e9, disk);
  const other = all.connect();
  let incarnation = 1;
  let isUp = true;
  let isHalted = false;
  let id = 0;
  const open: number[] = [];
  let posted = 0;
  let tried = 0;
  const happen: readonly (() => void)[] = [
    () => all.call((id += 1)),
    () => all.first.call((id += 1), { name: 'echo__look' }),
    () => other.call((id += 1)),
    () => disk.settle(),
    () => open.length > 0 && all.reply(open.shift() as number, '', { incarnation }),
    () => other.receive({ method: 'notifications/cancelled', params: { requestId: id } }),
    () => {
      if (!isUp || random() > 0.05) return;
      // One has not left, the others are lost.
      if (open.length > 0) all.unsent(open.shift() as number, incarnation);
      all.died(incarnation);
      isUp = false;
      open.length = 0;
      incarnation += 1;
      all.starting(incarnation);
    },
    () => {
      if (!isUp) all.ready(incarnation);
      isUp = true;
    },
  ];
  all.ready(incarnation);
  for (let count = 0; count < 60_000; count += 1) {
    if (random() < 0.02) {
      isHalted = !isHalted;
      all.set({ halted: isHalted });
    }
    happen[Math.floor(random() * happen.length)]?.();
    const calls = all.calls().map(({ call }) => call);
    all.posted.length = 0;
    all.answers.length = 0;
    open.push(...calls);
    if (isHalted) {
      tried += 1;
      expect([count, calls]).toEqual([count, []]);
    } else posted += calls.length;
  }
  // Else nothing was tried.
  expect(tried).toBeGreaterThan(10_000);
  expect(posted).toBeGreaterThan(3000);
});
