/** Masks and secrets among the arguments of calls. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DEFAULT_REDACT, type RedactRules } from '#src/shared/model/policy.ts';
import { OperatorPatterns } from '#src/shared/platform/operator-patterns.ts';
import { SecretsInText } from '#src/workers/supervisor/results/secrets-in-text.ts';
import { ArgumentRule } from '#src/workers/supervisor/rules/argument-rule.ts';
import { of } from '../../../support/token-samples.ts';

const MARK = '[REDACTED:github-token]';
const TOKEN = `ghp_${of(36)}`;
const OWN = 'Zq7x9Kd0/"vé';

function ruleOf(rules: Partial<RedactRules>) {
  const secrets = new SecretsInText([OWN]);
  const told: string[] = [];
  const unsearched: string[] = [];
  const rule = new ArgumentRule({
    rules: () => ({ ...DEFAULT_REDACT, ...rules }),
    secrets: () => secrets,
    onSecret: (where, kind) => told.push(`${where}: ${kind}`),
    onUnsearched: (why) => unsearched.push(why),
  });
  const judge = (message: unknown, writes: boolean) => {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    return rule.judge(Buffer.from(`${text}\n`), writes);
  };
  return { judge, told, unsearched };
}

function judge(message: unknown, writes: boolean, rules: Partial<RedactRules> = {}) {
  const rule = ruleOf(rules);
  return { refusal: rule.judge(message, writes), told: rule.told };
}

const call = (args: unknown, more: object = {}) => ({
  jsonrpc: '2.0',
  id: 2,
  method: 'tools/call',
  params: { name: 'write', arguments: args, ...more },
});

describe('a mask', () => {
  test.each<[string, unknown, string]>([
    ['a value', { content: `a\n${MARK}` }, 'arguments.content'],
    ['in a list', { edits: [{ old: 'x' }, { new: [`${MARK}`] }] }, 'arguments.edits[1].new[0]'],
    ['in JSON in a text', { body: JSON.stringify({ a: MARK }) }, 'arguments.body'],
    [
      'far behind',
      { content: `${'line\n'.repeat(50_000)}${MARK}${'x'.repeat(90_000)}` },
      'arguments.content',
    ],
    ['cut', { content: 'KEY=[REDACTED:' }, 'arguments.content'],
    ['of a pattern of the operator', { content: '[REDACTED:my own]' }, 'arguments.content'],
  ])('%s leaves for nothing that writes, and for what reads', (_, args, where) => {
    const { refusal } = judge(call(args), true);
    expect(refusal).toMatchObject({ code: 'ERR_DENIED_MASK', where });
    expect(refusal?.text).toContain('[REDACTED:');
    expect(judge(call(args), false).refusal).toBeNull();
  });

  test('is found however it is escaped', () => {
    const escaped = '\\u005b\\u0052EDACTED\\u003asecret]';
    const line = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x","arguments":{"a":"${escaped}"}}}`;
    expect(judge(line, true).refusal?.code).toBe('ERR_DENIED_MASK');
  });

  test.each([
    ['the name of a member', { '[REDACTED:x]': 1 }],
    ['other words', { content: 'REDACTED: all of it, [REDACTED] too' }],
  ])('%s is none', (_, args) => {
    expect(judge(call(args), true).refusal).toBeNull();
  });

  test('outside of the arguments it is none', () => {
    expect(judge(call({}, { _meta: { note: MARK } }), true).refusal).toBeNull();
    expect(judge({ jsonrpc: '2.0', id: 1, method: 'x/y' }, true).refusal).toBeNull();
  });

  test('of a method that the gateway does not know all parameters count', () => {
    const message = { jsonrpc: '2.0', id: 1, method: 'demo/put', params: { text: MARK } };
    expect(judge(message, true).refusal).toMatchObject({ code: 'ERR_DENIED_MASK', where: 'text' });
  });

  test('may leave where results are not looked at', () => {
    expect(judge(call({ a: MARK }), true, { results: 'off' }).refusal).toBeNull();
  });
});

describe('a secret', () => {
  test.each<[string, unknown, string, string]>([
    ['a token', { a: [TOKEN] }, 'arguments.a[0]', 'github-token'],
    ['a token behind an escape', { a: `x\n${TOKEN}` }, 'arguments.a', 'github-token'],
    ['a configured value', { b: { c: `it is ${OWN}` } }, 'arguments.b.c', 'secret'],
    ['one in JSON', { b: JSON.stringify({ c: OWN }) }, 'arguments.b', 'secret'],
    ['one in base64', { b: Buffer.from(OWN).toString('base64') }, 'arguments.b', 'secret'],
  ])(
    '%s is told once, denied where the policy says so, and passed over where it does not',
    (_, args, where, kind) => {
      for (const writes of [true, false]) {
        expect(judge(call(args), writes)).toEqual({ refusal: null, told: [`${where}: ${kind}`] });
        const { refusal, told } = judge(call(args), writes, { arguments: 'deny' });
        expect(refusal).toMatchObject({
          code: 'ERR_DENIED_SECRET',
          where,
          text: `[REDACTED:${kind}]`,
        });
        expect(JSON.stringify(refusal)).not.toContain(TOKEN);
        expect(told).toEqual([]);
        expect(judge(call(args), writes, { arguments: 'off' })).toEqual({
          refusal: null,
          told: [],
        });
      }
    },
  );

  test('nothing is told of a call without one', () => {
    const args = { path: '/a/b', password: 'hunter2', text: 'line\nline \\ "x"' };
    expect(judge(call(args), true)).toEqual({ refusal: null, told: [] });
  });
});

describe('patterns of the operator that cannot be looked for', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const patterns = (regex: string) => [{ name: 'mine', regex, flags: '', at: '/policy.yaml:2' }];
  /** Its memory is a few GiB, and a text that would need as much is never searched at once. */
  const outOfMemory = () =>
    vi.spyOn(OperatorPatterns.prototype, 'find').mockImplementation(() => {
      throw new Error('memory access out of bounds');
    });

  test.each<[string, string, string, () => unknown]>([
    ['they cannot be compiled', 'it-(', 'cannot be used', () => null],
    ['the engine runs out of memory', 'it-[0-9]+', 'memory access out of bounds', outOfMemory],
  ])('%s: deny refuses, warn says so once and goes on', (_, regex, why, begin) => {
    begin();
    const all = [{ text: 'plain' }, { text: 'a\n\\ "b"' }];
    const denying = ruleOf({ arguments: 'deny', patterns: patterns(regex) });
    for (const args of all) {
      expect(denying.judge(call(args), false)).toMatchObject({
        code: 'ERR_DENIED_SECRET',
        why: expect.stringMatching(`redact.patterns.*${why}`),
      });
    }
    expect(denying.unsearched).toEqual([]);
    const warning = ruleOf({ arguments: 'warn', patterns: patterns(regex) });
    for (const args of all) expect(warning.judge(call(args), true)).toBeNull();
    expect(warning.unsearched).toEqual([expect.stringContaining(why)]);
    // Whatever needs no pattern is found all the same.
    expect(warning.judge(call({ a: `x\n${TOKEN}` }), true)).toBeNull();
    expect(warning.told).toEqual(['arguments.a: github-token']);
    const off = ruleOf({ arguments: 'off', patterns: patterns(regex) });
    expect(off.judge(call({ text: 'plain' }), true)).toBeNull();
    expect(off.unsearched).toEqual([]);
  });

  test('an error that is none of the engine is not passed over', () => {
    const rule = new ArgumentRule({
      rules: () => DEFAULT_REDACT,
      secrets: () => {
        throw new Error('a mistake');
      },
      onSecret: () => {},
      onUnsearched: () => {},
    });
    expect(() => rule.judge(Buffer.from(JSON.stringify(call({ a: 'b' }))), true)).toThrow(
      'a mistake',
    );
  });
});
