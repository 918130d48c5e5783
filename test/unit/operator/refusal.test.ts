/** What a command says of an answer that is no result. */
import { expect, test } from 'vitest';
import { oneOf, refusalOf } from '#src/main/commands/acting.ts';
import type { Found } from '#src/main/operator/reach.ts';

const gateway = (pid: number, startedAt: string | null, isOpen = true): Found => ({
  sessionId: String(pid),
  identity: { pid, start_time: '1', boot_id: 'b', pid_ns: 'n' },
  startedAt,
  config: null,
  door: isOpen
    ? { open: true, socket: '/s', token: 't' }
    : { open: false, why: 'closed', soon: false },
});

const refusal = (status: number, value: object, version: string | null = '9.9.9') =>
  refusalOf(gateway(7, null), { status, version, value: { ...value } });

test('a gateway that does not know the command is another version', () => {
  for (const value of [{}, { error: 'not known here' }]) {
    const { code, text } = refusal(404, value);
    expect(code).toBe(1);
    expect(text).toMatch(
      /^the gateway \(pid 7\) is rea 9\.9\.9 and does not know this; this is .*: restart it$/,
    );
  }
  expect(refusal(404, {}, null).text).toContain('is rea of another version');
});

test('one that does not have the server is a stranger to it; all else is its own words', () => {
  expect(refusal(404, { error: 'there is no server "x"' })).toEqual({
    code: 2,
    text: 'there is no server "x"',
    isStranger: true,
  });
  expect(refusal(409, { error: 'it is off' })).toMatchObject({
    code: 1,
    text: 'it is off',
    isStranger: false,
  });
  expect(refusal(500, {}).text).toBe('it answers with status 500');
});

test('of several gateways the oldest is asked that can be', () => {
  const [old, young, shut] = [
    gateway(1, '2026-01-01T00:00:00.000Z'),
    gateway(2, '2026-02-01T00:00:00.000Z'),
    gateway(3, '2025-01-01T00:00:00.000Z', false),
  ];
  expect(oneOf([young, old, shut])).toBe(old);
  expect(oneOf([shut])).toBe(shut);
  expect(oneOf([])).toBeNull();
});
