import { expect, test } from 'vitest';
import { serversFor } from '#src/main/catalog/extensions.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

const servers = Object.entries({
  plain: '{"tools":{},"resources":{}}',
  ui: '{"tools":{},"extensions":{"io.modelcontextprotocol/ui":{"x":1}}}',
  vendor: '{"experimental":{"com.example/search":{},"odd":{}},"own":{}}',
  broken: '{"extensions":5,"experimental":null,"":{}}',
}).map(([name, capabilities]) => ({
  config: serverConfig(name),
  profile: { capabilities, instructions: '', name, version: '' },
}));

test.each([
  ['ui/open', ['ui']],
  ['io.modelcontextprotocol/ui/open', ['ui']],
  ['notifications/ui/sized', ['ui']],
  ['com.example/search/run', ['vendor']],
  ['search/run', ['vendor']],
  ['search', ['vendor']],
  ['odd/x', ['vendor']],
  ['own/x', ['vendor']],
  ['tools/validate', ['plain', 'ui']],
  ['uid/open', []],
  ['extensions/x', []],
  ['com.example/other', []],
  ['/x', []],
])('%s belongs to %j', (method, expected) => {
  expect(serversFor(method, servers)).toEqual(expected);
});
