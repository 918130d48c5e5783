import { expect, test } from 'vitest';
import { scanFrame } from '#src/shared/json/frame.ts';
import { needsOf } from '#src/workers/supervisor/conversation/needs.ts';

test.each([
  ['roots/list', '{}', ['roots']],
  ['sampling/createMessage', '{"messages":[]}', ['sampling']],
  ['sampling/createMessage', '{"includeContext":"allServers"}', ['sampling']],
  ['sampling/createMessage', '{"tools":[]}', ['sampling', 'sampling.tools']],
  ['sampling/createMessage', '{"toolChoice":{}}', ['sampling', 'sampling.tools']],
  ['elicitation/create', '{"message":"m"}', ['elicitation', 'elicitation.form']],
  ['elicitation/create', '{"mode":"form"}', ['elicitation', 'elicitation.form']],
  ['elicitation/create', '{"mode":"url"}', ['elicitation', 'elicitation.url']],
  ['elicitation/create', '{"mode":"of 2030"}', ['elicitation']],
  ['elicitation/create', '{"mode":5}', ['elicitation']],
  ['tasks/get', '{"taskId":"t"}', []],
  ['demo/ask', '{"mode":"url","tools":[]}', []],
])('%s with %s needs %j', (method, params, expected) => {
  const text = `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`;
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(text);
  expect(needsOf(frame, method)).toEqual(expected);
});
