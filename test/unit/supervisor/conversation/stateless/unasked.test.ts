/** What a client says in answer to nothing does not reach a server that would take it for an answer. */
import { expect, test, vi } from 'vitest';
import { ConversationWorld } from '../../../../support/conversation-world.ts';

test('responses that nobody asked for, and a state that nobody gave, are left out of a call', async () => {
  const world = new ConversationWorld();
  const refused = world.written.find(({ method }) => method === 'initialize')?.id;
  const error = { code: -32601, message: 'Method not found' };
  world.say(JSON.stringify({ jsonrpc: '2.0', id: refused, error }));
  await vi.waitFor(() => expect(world.methods).toContain('server/discover'));
  world.reply('server/discover', {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
  });
  const params = { inputResponses: { q: {} }, name: 'a', requestState: 's', arguments: {} };
  const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params };
  world.conversation.call(2, Buffer.from(`${JSON.stringify(call)}\n`), null, 0);
  const sent = world.written.find(({ method }) => method === 'tools/call');
  expect(Object.keys(sent?.params ?? {}).sort()).toEqual(['_meta', 'arguments', 'name']);
});
