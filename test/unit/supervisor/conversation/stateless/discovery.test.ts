/** What an answer to `server/discover` means. */
import { expect, test } from 'vitest';
import { scanFrame } from '#src/shared/json/frame.ts';
import { OwnRequests } from '#src/workers/supervisor/conversation/own-requests.ts';
import type { Reply } from '#src/workers/supervisor/conversation/reply.ts';
import {
  discoveryOf,
  namesItself,
  unspoken,
} from '#src/workers/supervisor/conversation/stateless/discovery.ts';
import type { Line } from '#src/workers/supervisor/link.ts';

const NOWHERE = { write: () => {} } as unknown as Line;

/** As a conversation reads it. @param lost the text of what came in place of an answer. */
function replyTo(outcome: object, lost: string | null = null): Reply {
  const requests = new OwnRequests(NOWHERE);
  let reply: Reply | null = null;
  const id = requests.send('server/discover', null, (one) => {
    reply = one;
  });
  if (lost !== null) requests.fail(id, 'HTTP 400', Buffer.from(lost));
  else {
    const text = JSON.stringify({ jsonrpc: '2.0', id: Number(id), ...outcome });
    const frame = scanFrame(Buffer.from(text));
    if ('error' in frame) throw new Error(`refused: ${text}`);
    requests.settle(id, frame);
  }
  if (reply === null) throw new Error('no reply');
  return reply;
}

const result = (supportedVersions: unknown) => ({ result: { supportedVersions } });
const error = (code: number, data?: unknown) => ({ error: { code, message: 'no', data } });

test.each([
  [result(['2026-07-28']), 'stateless'],
  [result(['2027-01-01', '2026-07-28', '2025-11-25']), 'stateless'],
  [result(['2025-11-25']), '2025-11-25'],
  [result(['2027-01-01', 'draft', 5, null, '2027-13-99x']), '2027-01-01'],
  [result([]), 'unknown'],
  [result(null), 'unknown'],
  [result('2026-07-28'), 'unknown'],
  [result({ 0: '2026-07-28' }), 'unknown'],
  [result(['"2026-07-28"', '2026-7-28', '2026-07-28 ']), 'unknown'],
  [{ result: {} }, 'unknown'],
  [{ result: null }, 'unknown'],
  [{ result: [] }, 'unknown'],
  [error(-32_601), 'unknown'],
  [error(-32_602), 'unknown'],
  [error(-32_000, { supported: '2027-01-01' }), 'unknown'],
  [error(-32_022, { supported: ['2027-01-01'] }), '2027-01-01'],
  [error(-32_022, { supported: ['2025-11-25', '2024-11-05'] }), '2025-11-25,2024-11-05'],
  // It speaks what it was asked in, and says that it does not.
  [error(-32_022, { supported: ['2026-07-28'] }), 'unknown'],
  [
    error(-32_022, { supported: Array.from({ length: 20 }, () => '2030-01-01') }),
    /^(2030-01-01,?){16}$/,
  ],
  [error(-32_020), 'unknown'],
])('%j is %s', (outcome, expected) => {
  const found = discoveryOf(replyTo(outcome));
  const text = found.kind === 'others' ? found.revisions.join(',') : found.kind;
  if (typeof expected === 'string') expect(text).toBe(expected);
  else expect(text).toMatch(expected);
});

test('an HTTP error may say it, too', () => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: null,
    ...error(-32_022, { supported: ['2027-01-01'] }),
  });
  expect(discoveryOf(replyTo({}, body))).toEqual({ kind: 'others', revisions: ['2027-01-01'] });
  expect(discoveryOf(replyTo({}, '<html>'))).toEqual({ kind: 'unknown' });
});

test('a server describes itself as in a handshake, but for tasks of other revisions', () => {
  const found = discoveryOf(
    replyTo({
      result: {
        supportedVersions: ['2026-07-28'],
        capabilities: {
          tools: {},
          tasks: {},
          extensions: { 'io.modelcontextprotocol/tasks': {}, 'io.modelcontextprotocol/ui': {} },
        },
        instructions: 'Ask.',
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'n', version: '1' } },
      },
    }),
  );
  expect(found).toMatchObject({
    opened: {
      features: { tools: true, prompts: false, resources: false, logging: false },
      description: { name: 'n', version: '1', instructions: 'Ask.' },
    },
  });
  const { capabilities } =
    found.kind === 'stateless' ? found.opened.description : { capabilities: '' };
  expect(JSON.parse(capabilities)).toEqual({
    tools: {},
    extensions: { 'io.modelcontextprotocol/ui': {}, 'io.modelcontextprotocol/tasks': {} },
  });
});

test('a server speaks something here unless it lists only other revisions', () => {
  expect(unspoken([])).toBeNull();
  expect(unspoken(['2999-01-01', '2024-11-05'])).toBeNull();
  expect(unspoken(['2999-01-01', '2998-01-01'])).toMatch(
    /^speaks only MCP 2999-01-01, 2998-01-01; this gateway speaks/,
  );
});

test('a server that refuses what it names is to be asked once more, and no other', () => {
  const outcomes = [
    error(-32_022, { supported: ['2026-07-28'] }),
    error(-32_022, { supported: ['2025-11-25'] }),
    error(-32_601),
    result(['2026-07-28']),
  ];
  expect(outcomes.map((one) => namesItself(replyTo(one)))).toEqual([true, false, false, false]);
});
