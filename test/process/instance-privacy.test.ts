/**
 * With `instances: session` a server may say what belongs to its one client: nothing that it says by
 * itself reaches another. A fence from the other client's own server follows each time, so that
 * whatever had leaked would have come before it.
 */
import { afterAll, expect, test, vi } from 'vitest';
import { type Heard, type HttpVisitor, visit } from '../support/http-client.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const FENCE = 'notifications/fence';

async function serve(server: ServerSpec): Promise<Rea> {
  return startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry({ own: { ...server, instances: 'session' } }),
    initialize: false,
  });
}

const say = (visitor: HttpVisitor, method: string, params: object) =>
  visitor.ask('tools/call', { name: 'own__say', arguments: { method, params } });

async function hears(visitor: HttpVisitor, what: (heard: Heard) => boolean): Promise<void> {
  await until(() => visitor.heard.some(what), { what: 'the notification' });
}

async function leave(rea: Rea, ...visitors: readonly HttpVisitor[]): Promise<void> {
  for (const visitor of visitors) await visitor.leave();
  expect((await rea.stop()).code).toBe(0);
}

test.concurrent.each([
  ['a log message', 'notifications/message', { level: 'error', data: 'private' }],
  ['a notification that the gateway does not know', 'notifications/own', { data: 'private' }],
])('%s stays with the client of the instance', async (_name, method, params) => {
  const rea = await serve(fixture('speaks', '--capabilities', JSON.stringify({ logging: {} })));
  const [one, two] = [await visit(rea), await visit(rea)];
  await say(one, method, params);
  await hears(one, (heard) => heard.method === method);
  await say(two, FENCE, {});
  await hears(two, (heard) => heard.method === FENCE);
  expect(two.heard.filter((heard) => heard.method === method)).toEqual([]);
  await leave(rea, one, two);
});

test.concurrent('an update of a resource stays with the client of the instance', async () => {
  const rea = await serve(fixture('resources'));
  const [one, two] = [await visit(rea), await visit(rea)];
  const updated = ({ method }: Heard) => method === 'notifications/resources/updated';
  const touch = (visitor: HttpVisitor, uri: string) =>
    visitor.ask('tools/call', { name: 'own__touch', arguments: { uri } });
  for (const visitor of [one, two]) await visitor.ask('resources/subscribe', { uri: 'res://a' });
  await touch(one, 'res://a');
  await hears(one, updated);
  await touch(two, 'res://b');
  await hears(two, ({ params }) => params?.data === 'touched res://b');
  expect(two.heard.filter(updated).map(({ params }) => params.uri)).not.toContain('res://a');
  await leave(rea, one, two);
});

test.concurrent('a change of its prompts is told to its client alone', async () => {
  const rea = await serve(fixture('list-changes', '--prompts'));
  const [one, two] = [await visit(rea), await visit(rea)];
  const changed = ({ method }: Heard) => method === 'notifications/prompts/list_changed';
  await one.ask('tools/call', { name: 'own__add-prompt', arguments: { name: 'private' } });
  await hears(one, changed);
  await two.ask('tools/call', { name: 'own__add-tool', arguments: { name: 'other' } });
  await hears(two, ({ method }) => method === 'notifications/tools/list_changed');
  expect(two.heard.filter(changed)).toEqual([]);
  expect((await two.client.listPrompts()).prompts).toEqual([]);
  await leave(rea, one, two);
});
