/** What a server's messages say of tasks and of whom they concern. */
import { expect, test } from 'vitest';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import type { TaskAnswer } from '#src/shared/model/mcp.ts';
import { concernOf, elicitationsOf } from '#src/workers/supervisor/conversation/concern.ts';
import { TaskCalls } from '#src/workers/supervisor/conversation/task-calls.ts';
import { tasksOfAnswer } from '#src/workers/supervisor/conversation/task-notes.ts';

const RELATED = '"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}}';

function frameOf(text: string): Frame {
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(text);
  return frame;
}

const answer = (result: string) => frameOf(`{"jsonrpc":"2.0","id":1,"result":${result}}`);
const notification = (method: string, params: string) =>
  frameOf(`{"jsonrpc":"2.0","method":"${method}","params":${params}}`);

test.each<[TaskAnswer, string, [string, boolean, number | null][]]>([
  ['created', '{"task":{"taskId":"t","status":"working","ttl":60}}', [['t', false, 60]]],
  ['created', '{"task":{"taskId":"\\u0074","status":"failed","ttl":null}}', [['t', true, null]]],
  ['created', '{"content":[]}', []],
  ['created', '{"task":{"taskId":5}}', []],
  ['created', `{"task":{"taskId":"${'x'.repeat(1025)}"}}`, []],
  ['handle', '{"resultType":"task","taskId":"t","status":"working","ttlMs":9}', [['t', false, 9]]],
  ['handle', '{"resultType":"complete","taskId":"t","status":"working"}', []],
  ['handle', '{"taskId":"t","status":"working"}', []],
  ['handle', '{"resultType":"task","taskId":5}', []],
  ['status', '{"taskId":"t","status":"working","ttlMs":null,"ttl":5}', [['t', false, null]]],
  ['status', '{"taskId":"t","status":"cancelled"}', [['t', true, null]]],
  ['status', '{"status":"cancelled"}', []],
  ['result', `{"content":[],${RELATED}}`, [['t', true, null]]],
  ['result', '{"content":[]}', []],
  [
    'list',
    '{"tasks":[{"taskId":"a","status":"working"},5,{"taskId":"b"}]}',
    [
      ['a', false, null],
      ['b', false, null],
    ],
  ],
  ['list', '{"tasks":{}}', []],
])('the answer that tells what was %s: %s', (expected, result, notes) => {
  const frame = answer(result);
  const found = tasksOfAnswer(frame, expected).notes;
  expect(found.map(({ id, ended, ttlMs }) => [id, ended, ttlMs])).toEqual(notes);
  for (const { id, idAt } of found) {
    expect(JSON.parse(Buffer.from(frame.line.slice(...idAt)).toString())).toBe(id);
  }
});

test('a page of tasks is bounded, and its cursor kept as it is', () => {
  const many = Array.from({ length: 3000 }, (_, at) => `{"taskId":"${at}"}`).join(',');
  const { notes, nextCursor } = tasksOfAnswer(
    answer(`{"nextCursor":"\\u00e9","tasks":[${many}]}`),
    'list',
  );
  expect(notes).toHaveLength(1000);
  expect(nextCursor).toBe('"\\u00e9"');
  expect(tasksOfAnswer(answer('{"tasks":[],"nextCursor":5}'), 'list').nextCursor).toBeNull();
});

test('an error tells of no task', () => {
  const frame = frameOf('{"jsonrpc":"2.0","id":1,"error":{"task":{"taskId":"t"}}}');
  expect(tasksOfAnswer(frame, 'created').notes).toEqual([]);
});

const made = answer('{"task":{"taskId":"t","status":"working"}}');

test('the token of a call lives until its task has ended', () => {
  const calls = new TaskCalls();
  calls.sent(7, 'created');
  calls.sent(8, null);
  expect(calls.answered(8, made)).toBeUndefined();
  expect(calls.runs(7)).toBe(false);
  expect(calls.answered(7, made)?.notes).toHaveLength(1);
  expect(calls.runs(7)).toBe(true);
  const [note] = tasksOfAnswer(made, 'created').notes;
  if (note === undefined) throw new Error('no task');
  expect(calls.told(note)).toBeNull();
  expect(calls.told({ ...note, ended: true })).toBe(7);
  expect(calls.runs(7)).toBe(false);
});

test('a task that nobody waited for is named once, unless it never was made', () => {
  const calls = new TaskCalls();
  for (const call of [1, 2, 3, 4]) calls.sent(call, call === 3 ? 'status' : 'created');
  calls.cancelled(1, true);
  calls.cancelled(2, false);
  calls.cancelled(3, true);
  calls.cancelled(4, true);
  expect([1, 1, 2, 3].map((call) => calls.orphan(call, made))).toEqual(['t', null, null, null]);
  expect(calls.orphan(4, answer('{"content":[]}'))).toBeNull();
});

test.each([
  ['notifications/tasks/status', '{"taskId":"t","status":"working"}', { kind: 'task' }],
  ['notifications/tasks/status', '{}', null],
  ['notifications/tasks', '{"taskId":"t","status":"working"}', { kind: 'task' }],
  ['notifications/tasks', '{}', null],
  ['notifications/message', `{"data":1,${RELATED}}`, { kind: 'task', note: { id: 't' } }],
  ['notifications/message', '{"data":1}', { kind: 'all' }],
  ['notifications/elicitation/complete', '{"elicitationId":"e"}', { kind: 'elicitation', id: 'e' }],
  ['notifications/elicitation/complete', '{}', null],
  ['notifications/x', '{"progressToken":"7"}', { kind: 'call', call: 7 }],
  ['notifications/x', '{"progressToken":"of nobody"}', null],
  ['notifications/x', '{"elicitationId":"e"}', { kind: 'all' }],
])('%s with %s concerns %j', (method, params, expected) => {
  const concern = concernOf(notification(method, params), method);
  if (expected === null) expect(concern).toBeNull();
  else expect(concern).toMatchObject(expected);
});

test.each([
  [
    '{"code":-32042,"data":{"elicitations":[{"elicitationId":"a"},{},{"elicitationId":"b"}]}}',
    ['a', 'b'],
  ],
  ['{"code":-32041,"data":{"elicitations":[{"elicitationId":"a"}]}}', []],
  ['{"code":-32042}', []],
  ['"an error that is none"', []],
])('the error %s asks to visit %j', (error, ids) => {
  expect(elicitationsOf(frameOf(`{"jsonrpc":"2.0","id":1,"error":${error}}`))).toEqual(ids);
});

test('a call that was given up may be answered with a task, also in a later round', () => {
  const calls = new TaskCalls();
  const handle = answer('{"resultType":"task","taskId":"t","status":"working"}');
  calls.sent(2, 'handle');
  expect([calls.takesTask(2), calls.takesTask(4)]).toEqual([true, false]);
  calls.cancelled(2, true, 7);
  expect(calls.orphan(2, handle)).toBeNull();
  expect(calls.orphan(7, answer('{"content":[]}'))).toBeNull();
  calls.sent(2, 'handle');
  calls.cancelled(2, true, 7);
  expect(calls.orphan(7, handle)).toBe('t');
  expect(calls.orphan(7, handle)).toBeNull();
});
