/**
 * Every level, tier, source of the tier, trusted server or not, and whatever becomes of the question: one decision
 * each, nothing without a yes, and what reaches the server is what was shown.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test, vi } from 'vitest';
import { auditRecords, type Kept } from '../support/audit.ts';
import { type HttpVisitor, visit } from '../support/http-client.ts';
import { writePolicy } from '../support/policy-house.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

type Tier = 'read' | 'write' | 'destructive';
const LEVELS = ['L0', 'L1', 'L2', 'L3'] as const;
/** By the tool: its tier where the server is not trusted, and where it is. */
const TOOLS: Readonly<Record<string, readonly [Tier, Tier]>> = {
  // By its name.
  get_thing: ['read', 'read'],
  setThing: ['write', 'write'],
  'delete-thing': ['destructive', 'destructive'],
  // Nothing says anything.
  thing: ['write', 'write'],
  // By its annotations, which lower only where the server is trusted.
  thing_hinted: ['write', 'read'],
  get_hinted_write: ['write', 'write'],
  delete_hinted: ['destructive', 'read'],
  get_hinted_destructive: ['destructive', 'destructive'],
  // By the operator.
  set_overridden: ['read', 'read'],
  delete_overridden: ['write', 'write'],
  get_overridden: ['destructive', 'destructive'],
};
const OVERRIDES = {
  set_overridden: 'read',
  delete_overridden: 'write',
  get_overridden: 'destructive',
};
const SERVERS = ['plain', 'trusted'] as const;
const ANSWERS = ['yes', 'no', 'late', 'gone', 'unable'] as const;
type Answer = (typeof ANSWERS)[number];

/** What is to be, written down once more. */
function verdict(level: (typeof LEVELS)[number], tier: Tier): 'pass' | 'ask' | 'deny' {
  if (level === 'L3' || tier === 'read') return 'pass';
  if (tier === 'write') return level === 'L0' ? 'deny' : 'pass';
  return level === 'L2' ? 'ask' : 'deny';
}

interface Made {
  readonly server: string;
  readonly tool: string;
  readonly answer: Answer;
  readonly expected: 'pass' | 'ask' | 'deny';
  /** Makes it tell one call from another. */
  readonly mark: string;
}

const args = ({ mark }: Pick<Made, 'mark'>) => ({ mark, big: 1e21, text: `"${mark}" \\ /` });

function callsOf(level: (typeof LEVELS)[number]): Made[] {
  return SERVERS.flatMap((server, trusted) =>
    Object.entries(TOOLS).flatMap(([tool, tiers]) =>
      ANSWERS.map((answer) => ({
        server,
        tool,
        answer,
        expected: verdict(level, tiers[trusted] as Tier),
        mark: [level, server, tool, answer].join(),
      })),
    ),
  );
}

test.each(LEVELS)('at %s', async (level) => {
  const dir = makeDirectory();
  const journals = Object.fromEntries(SERVERS.map((name) => [name, join(dir, `${name}.journal`)]));
  writePolicy(dir, `autonomy_level: ${level}\n`);
  const server = (name: (typeof SERVERS)[number]) => ({
    ...fixture('tiers', '--all', '--journal', journals[name] as string),
    tier_overrides: OVERRIDES,
    trusted: name === 'trusted',
  });
  const rea = await startRea({
    cwd: dir,
    config: registry({ plain: server('plain'), trusted: server('trusted') }),
    args: ['--http', '0', '--no-token'],
    initialize: false,
  });
  for (const name of SERVERS) await rea.waitForPhase(name, 'ready');
  /** The lines of calls that have reached a server. */
  const received = (): string[] =>
    Object.values(journals)
      .flatMap((path) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []))
      .filter((line) => line.includes('"tools/call"'));

  const shown = new Map<string, string>();
  /** A client whose person answers as the call says. */
  const able = async (): Promise<HttpVisitor> => {
    const visitor = await visit(rea, { elicitation: {} });
    visitor.client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      const meta = params._meta as { 'rea/ask': { arguments: string } };
      const { arguments: asked } = meta['rea/ask'];
      const { mark } = JSON.parse(asked);
      // Asked twice it would not be one decision.
      expect([mark, shown.has(mark)]).toEqual([mark, false]);
      shown.set(mark, asked);
      if (mark.endsWith(',yes')) return { action: 'accept', content: { decision: 'once' } };
      if (mark.endsWith(',no')) return { action: 'decline' };
      return new Promise(() => {});
    });
    await visitor.client.listTools();
    return visitor;
  };
  const person = await able();
  const nobody = await visit(rea, {});
  await nobody.client.listTools();
  const call = async ({ client }: HttpVisitor, made: Made): Promise<Kept> =>
    client.callTool({ name: `${made.server}__${made.tool}`, arguments: args(made) });

  const all = callsOf(level);
  expect(all).toHaveLength(2 * 11 * 5);
  const outcome = async (made: Made, visitor: HttpVisitor): Promise<void> => {
    const { expected, answer, mark } = made;
    const result = await call(visitor, made);
    const isMade = expected === 'pass' || (expected === 'ask' && answer === 'yes');
    expect([mark, result.isError === true]).toEqual([mark, !isMade]);
    if (isMade) return;
    const error = result._meta['rea/error'];
    expect([mark, error.code, error.outcome]).toEqual([mark, 'ERR_DENIED_TIER', 'not_sent']);
  };
  const isAsked = ({ expected }: Made) => expected === 'ask';
  for (const made of all) {
    if (made.answer === 'unable') await outcome(made, nobody);
    else if (!isAsked(made)) await outcome(made, person);
    else if (made.answer === 'yes' || made.answer === 'no') await outcome(made, person);
    else if (made.answer === 'gone') {
      const leaver = await able();
      const left = call(leaver, made).catch(() => null);
      await until(() => shown.has(made.mark), { what: `the question about ${made.mark}` });
      await leaver.leave();
      await left;
    }
  }
  if (level === 'L2') {
    writePolicy(dir, `autonomy_level: ${level}\nask_timeout_ms: 300\n`);
    await rea.waitForLog('the configuration is in force');
    const late = all.filter((made) => isAsked(made) && made.answer === 'late');
    expect(late).toHaveLength(7);
    await Promise.all(late.map((made) => outcome(made, person)));
  }
  for (const visitor of [person, nobody]) await visitor.leave();
  await rea.stop();

  const made = all.filter(
    ({ expected, answer }) => expected === 'pass' || (expected === 'ask' && answer === 'yes'),
  );
  const marks: string[] = received().map((line) => JSON.parse(line).params.arguments.mark);
  expect(marks.toSorted()).toEqual(made.map(({ mark }) => mark).toSorted());
  // What was shown is what went out, byte for byte.
  for (const one of all.filter(isAsked)) {
    const asked = shown.get(one.mark);
    expect([one.mark, asked !== undefined]).toEqual([one.mark, one.answer !== 'unable']);
    if (one.answer !== 'yes') continue;
    const line = received().find((text) => text.includes(one.mark));
    expect(line).toContain(`"arguments":${asked}`);
    expect(asked).toBe(JSON.stringify(args(one)));
  }
  const decided = auditRecords(dir).filter(
    ({ metadata, tool_name }) =>
      tool_name in TOOLS && (metadata.event === 'end' || metadata.event === 'refused'),
  );
  // What a person has not said yes to was no call.
  if (level !== 'L2') expect(decided).toHaveLength(all.length);
  expect(decided.filter(({ outcome }) => outcome === 'answered')).toHaveLength(made.length);
});
