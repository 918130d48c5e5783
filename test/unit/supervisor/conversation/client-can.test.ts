/** What a client can be asked goes along with its calls as a number, and is what it declared, within limits. */
import { expect, test } from 'vitest';
import { canOf, capabilitiesOf, TAKES_TASKS } from '#src/shared/model/client-can.ts';
import { ToldCapabilities } from '#src/workers/supervisor/conversation/told-capabilities.ts';

const ALL = {
  roots: {},
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
};

test.each([
  [{}, {}],
  [ALL, ALL],
  [{ elicitation: {} }, { elicitation: { form: {} } }],
  [{ elicitation: { url: {} } }, { elicitation: { url: {} } }],
  [
    { sampling: { context: {}, other: {} }, roots: { listChanged: true } },
    { sampling: { context: {} }, roots: {} },
  ],
  [{ elicitation: true, sampling: null }, {}],
])('of a client that declares %j servers are told %j', (declared, expected) => {
  const told = { tasks: {}, extensions: { x: {} }, sampling: { other: {} } };
  expect(JSON.parse(capabilitiesOf(JSON.stringify(told), canOf(declared), false))).toEqual({
    extensions: { x: {} },
    ...expected,
  });
});

test.each([
  [{}, ALL, {}],
  [{ elicitation: {} }, ALL, { elicitation: { form: {} } }],
  [{ elicitation: {} }, { elicitation: { url: {} } }, {}],
  [
    { elicitation: { url: {} }, sampling: {}, roots: {} },
    ALL,
    { elicitation: { url: {} }, sampling: {}, roots: {} },
  ],
  [ALL, { sampling: {} }, { sampling: {} }],
  [ALL, {}, {}],
])('configured %j and declared %j make %j', (configured, declared, expected) => {
  const told = capabilitiesOf(JSON.stringify(configured), canOf(declared), true);
  expect(JSON.parse(told)).toEqual(expected);
});

test('what is denied is told of nobody, also when it is denied later', () => {
  const allowed = { elicitation: 'allow', sampling: 'allow', unsolicited: 'deny' } as const;
  const told = new ToldCapabilities(null, '{}', allowed);
  const can = canOf(ALL);
  expect(JSON.parse(told.ofCall(can))).toEqual(ALL);
  expect(told.all).toBe('{}');
  told.change('{"roots":{}}', { ...allowed, elicitation: 'deny' });
  const { elicitation: _, ...rest } = ALL;
  expect(JSON.parse(told.ofCall(can))).toEqual(rest);
  expect(JSON.parse(told.ofCall(canOf({})))).toEqual({});
  expect(told.all).toBe('{"roots":{}}');
});

test('that a client takes tasks is told with its own calls, whatever others have said in handshakes', () => {
  const tasks = { 'io.modelcontextprotocol/tasks': {} };
  const of = (told: object, can: number) =>
    JSON.parse(capabilitiesOf(JSON.stringify(told), can, false));
  expect(of({}, TAKES_TASKS)).toEqual({ extensions: tasks });
  expect(of({ extensions: { x: {}, ...tasks } }, 0)).toEqual({ extensions: { x: {} } });
  expect(of({ extensions: { x: {} } }, TAKES_TASKS)).toEqual({ extensions: { x: {}, ...tasks } });
  expect(canOf({ extensions: tasks })).toBe(0);
});
