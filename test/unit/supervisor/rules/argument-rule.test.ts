/** Masks and secrets among the arguments of calls. */
import { describe, expect, test } from 'vitest';
import { DEFAULT_REDACT, type RedactRules } from '#src/shared/model/policy.ts';
import { SecretsInText } from '#src/workers/supervisor/results/secrets-in-text.ts';
import { ArgumentRule } from '#src/workers/supervisor/rules/argument-rule.ts';
import { of } from '../../../support/token-samples.ts';

const MARK = '[REDACTED:github-token]';
const TOKEN = `ghp_${of(36)}`;
const OWN = 'Zq7x9Kd0/"vé';

function judge(message: unknown, writes: boolean, rules: Partial<RedactRules> = {}) {
  const secrets = new SecretsInText([OWN]);
  const told: string[] = [];
  const rule = new ArgumentRule({
    rules: () => ({ ...DEFAULT_REDACT, ...rules }),
    secrets: () => secrets,
    onSecret: (where, kind) => told.push(`${where}: ${kind}`),
  });
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  return { refusal: rule.judge(Buffer.from(`${text}\n`), writes), told };
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
