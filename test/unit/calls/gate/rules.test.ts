/** The rules of the gate: every level, tier and source, the limit of calls in a minute, and their order. */
import { expect, test } from 'vitest';
import { byRules, decide, type GateView } from '#src/main/calls/gate/gate.ts';
import { RateLimit } from '#src/main/calls/gate/rate.ts';
import { subjectOf } from '#src/main/calls/gate/subject.ts';
import { hold } from '#src/main/catalog/held-definitions.ts';
import { isOffered, ruleOf } from '#src/main/catalog/tool-rule.ts';
import type { ServerConfig } from '#src/shared/model/config.ts';
import type { CatalogEntry } from '#src/shared/model/mcp.ts';
import { LEVELS, NO_RULES } from '#src/shared/model/policy.ts';
import { TIERS, type Tier } from '#src/shared/model/tier.ts';
import { serverConfig } from '../../../support/supervisor-thread.ts';

const RUNNING = { active: false, reason: null };
const HINTS: Readonly<Record<Tier, object>> = {
  read: { readOnlyHint: true },
  write: { readOnlyHint: false },
  destructive: { destructiveHint: true },
};
const NAMES: Readonly<Record<Tier, string>> = {
  read: 'get_x',
  write: 'set_x',
  destructive: 'drop_x',
};

function toolOf(name: string, annotations?: object): CatalogEntry {
  const json = Buffer.from(JSON.stringify({ name, ...(annotations && { annotations }) }));
  return { key: name, json, keyAt: [8, 8 + name.length + 2] };
}

function configOf(changes: Partial<ServerConfig>): ServerConfig {
  return { ...serverConfig('echo'), ...changes };
}

/** What is to be, written down once more: by the source that says something first. */
function expected(tier: Tier, level: string): 'pass' | 'ask' | 'deny' {
  if (level === 'L3' || tier === 'read') return 'pass';
  if (tier === 'write') return level === 'L0' ? 'deny' : 'pass';
  return level === 'L2' ? 'ask' : 'deny';
}

test('one decision for each level, tier, source and trust', () => {
  let count = 0;
  for (const level of LEVELS) {
    for (const named of TIERS) {
      for (const hinted of [null, ...TIERS]) {
        for (const overridden of [null, ...TIERS]) {
          for (const trusted of [false, true]) {
            const name = NAMES[named];
            const tool = toolOf(name, hinted === null ? undefined : HINTS[hinted]);
            const raised =
              hinted !== null && (trusted || TIERS.indexOf(hinted) > TIERS.indexOf(named));
            const tier = overridden ?? (raised ? hinted : named);
            const config = configOf({
              trusted,
              tierOverrides: overridden === null ? {} : { [name]: overridden },
              rules: { ...NO_RULES, level, levelAt: 'autonomy_level, p.yaml:1' },
            });
            const what = JSON.stringify({ level, named, hinted, overridden, trusted });
            const { verdict, tier: found } = ruleOf(tool, config);
            expect([what, found.tier]).toEqual([what, tier]);
            const decision = typeof verdict === 'object' ? 'deny' : verdict;
            expect([what, decision]).toEqual([what, expected(tier, level)]);
            expect([what, isOffered(tool, config)]).toEqual([what, decision !== 'deny']);
            const view = { halted: RUNNING, config };
            const subject = {
              method: 'tools/call',
              tool,
              prompt: null,
              name: tool.key,
              approved: false,
            };
            expect(byRules(view, subject) === null).toBe(decision === 'pass');
            expect(byRules(view, { ...subject, approved: true }) === null).toBe(
              decision !== 'deny',
            );
            count += 1;
          }
        }
      }
    }
  }
  expect(count).toBe(4 * 3 * 4 * 4 * 2);
});

test.each([
  [{ destructiveHint: false }, false, 'destructive'],
  [{ destructiveHint: false }, true, 'write'],
  [{ readOnlyHint: true, destructiveHint: true }, true, 'destructive'],
  [{ readOnlyHint: 'true' }, true, 'destructive'],
  [{ readOnlyHint: null }, true, 'destructive'],
] as const)(
  'of a tool that destroys by its name %j, trusted: %s, makes %s',
  (hints, trusted, tier) => {
    expect(ruleOf(toolOf('delete_x', hints), configOf({ trusted })).tier.tier).toBe(tier);
  },
);

test('a hint that says only what a tool does not do raises nothing', () => {
  const tool = toolOf('get_x', { destructiveHint: false });
  expect(ruleOf(tool, configOf({ trusted: true })).tier.tier).toBe('read');
});

test('of members that come twice the sterner one counts, and long definitions are not looked at', () => {
  const json = Buffer.from(
    '{"name":"get_x","annotations":{"destructiveHint":true},"annotations":{"readOnlyHint":true,"destructiveHint":false}}',
  );
  const config = configOf({ trusted: true });
  expect(ruleOf({ key: 'get_x', json }, config).tier.tier).toBe('destructive');
  const long = toolOf('get_x', { x: 'y'.repeat(300_000) });
  expect(ruleOf(long, config).tier).toMatchObject({ tier: 'destructive', source: 'size' });
});

test('the order: halt, lists, tier, rate, and only then the server', () => {
  const rate = new RateLimit();
  const rules = { ...NO_RULES, level: 'L1', levelAt: 'autonomy_level, p.yaml:1' } as const;
  const down = { kind: 'down', phase: 'failed', nextStartAt: null } as const;
  const config = configOf({
    tools: { allow: ['*'], deny: ['denied_*'] },
    maxCallsPerMinute: 1,
    rules,
  });
  const view: GateView = {
    halted: RUNNING,
    availability: down,
    breakerOpenUntil: null,
    inFlight: 0,
    queued: 0,
    config,
  };
  const codeOf = (name: string, halted = RUNNING) => {
    const subject = {
      method: 'tools/call',
      tool: toolOf(name),
      prompt: null,
      name,
      approved: false,
    };
    const decision = decide({ ...view, halted }, 1000, { deadline: 9e9, subject, rate });
    return decision.kind === 'refuse' ? decision.code : decision.kind;
  };
  expect(codeOf('denied_drop', { active: true, reason: null })).toBe('ERR_HALTED');
  expect(codeOf('denied_drop')).toBe('ERR_DENIED_TOOL');
  expect(codeOf('drop_x')).toBe('ERR_DENIED_TIER');
  // What was denied has not been counted.
  expect(codeOf('get_x')).toBe('ERR_DOWNSTREAM_DOWN');
  expect(codeOf('get_x')).toBe('ERR_RATE_LIMITED');
  const own = decide(view, 1000, { deadline: 9e9, subject: null, rate });
  expect(own).toMatchObject({ code: 'ERR_DOWNSTREAM_DOWN' });
  const unknown = { ...view, config: configOf({ rules: { ...rules, level: 'L0' } }) };
  expect(byRules(unknown, subjectOf('resources/read'))).toBeNull();
  expect(byRules(unknown, subjectOf('demo/anything'))).toMatchObject({ code: 'ERR_DENIED_TIER' });
});

test('a program that is not pinned is refused before every other rule but HALT, with what to type', () => {
  const why = 'its program is new and not pinned; to accept it: rea pins accept echo';
  const config = configOf({ blocked: why, tools: { allow: ['*'], deny: ['*'] } });
  const named = { method: 'tools/call', name: 'get_x', approved: false };
  const subject = { ...named, tool: toolOf('get_x'), prompt: null };
  const decision = byRules({ halted: RUNNING, config }, subject);
  expect(decision).toMatchObject({ kind: 'refuse', code: 'ERR_PIN_DRIFT' });
  expect(decision?.why).toContain(why);
  expect(byRules({ halted: RUNNING, config }, null)?.code).toBe('ERR_PIN_DRIFT');
  const halted = { active: true, reason: null };
  expect(byRules({ halted, config }, subject)?.code).toBe('ERR_HALTED');
});

test('a definition that is withheld is refused before every other rule but HALT, of a prompt as of a tool', () => {
  const why = 'tool "get_x" is withheld; to accept: rea pins accept echo get_x';
  const config = configOf({ tools: { allow: ['*'], deny: ['*'] } });
  const entry = toolOf('get_x');
  const named = { name: 'get_x', approved: true };
  const tool = { ...named, method: 'tools/call', tool: entry, prompt: null };
  const prompt = { ...named, method: 'prompts/get', tool: null, prompt: entry };
  hold(entry, why);
  for (const subject of [tool, prompt]) {
    const decision = byRules({ halted: RUNNING, config }, subject);
    expect(decision).toMatchObject({ code: 'ERR_PIN_DRIFT', why });
    const halted = { active: true, reason: null };
    expect(byRules({ halted, config }, subject)?.code).toBe('ERR_HALTED');
  }
  hold(entry, null);
  expect(byRules({ halted: RUNNING, config }, tool)?.code).toBe('ERR_DENIED_TOOL');
  expect(byRules({ halted: RUNNING, config }, prompt)).toBeNull();
});

test('in no minute there are more calls than allowed, and as many as allowed', () => {
  const limit = new RateLimit();
  const made: number[] = [];
  let state = 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  let allowed = 5;
  for (let now = 0, count = 0; count < 5000; count++) {
    now += random() * (random() < 0.1 ? 60_000 : 4000);
    if (count % 500 === 499) allowed = 1 + Math.floor(random() * 9);
    const within = made.filter((at) => now - at < 60_000);
    const retryAt = limit.take({ name: 'x', maxCallsPerMinute: allowed }, now);
    expect(retryAt === null).toBe(within.length < allowed);
    if (retryAt === null) made.push(now);
    else expect(retryAt).toBeGreaterThan(now);
  }
  expect(limit.take({ name: 'x', maxCallsPerMinute: 0 }, 0)).toBeNull();
});
