/** What a server is told that its client can do, beside what it may ask for. */
import { expect, test } from 'vitest';
import { toldCapabilities } from '#src/workers/supervisor/conversation/told-capabilities.ts';

const ALL =
  '{"roots":{},"sampling":{"tools":{}},"elicitation":{},"tasks":{"list":{},"requests":{"elicitation":{"create":{}},"sampling":{}}}}';
const ALLOWED = { elicitation: 'allow', sampling: 'allow', unsolicited: 'deny' } as const;

test('all that the client said, as it said it', () => {
  expect(toldCapabilities(' {"a" : 1}', ALLOWED)).toBe(' {"a" : 1}');
});

test('without what is denied, also where tasks are made of it', () => {
  expect(JSON.parse(toldCapabilities(ALL, { ...ALLOWED, sampling: 'deny' }))).toEqual({
    roots: {},
    elicitation: {},
    tasks: { list: {}, requests: { elicitation: { create: {} } } },
  });
  expect(
    JSON.parse(toldCapabilities(ALL, { ...ALLOWED, sampling: 'deny', elicitation: 'deny' })),
  ).toEqual({ roots: {}, tasks: { list: {}, requests: {} } });
});

test.each(['{}', '[]', '{"tasks":null}', '{"tasks":{"requests":5}}', '{"tasks":"x"}'])(
  'odd capabilities stay what they are: %s',
  (odd) => {
    const told = toldCapabilities(odd, { ...ALLOWED, sampling: 'deny', elicitation: 'deny' });
    expect(JSON.parse(told)).toEqual(JSON.parse(odd));
  },
);
