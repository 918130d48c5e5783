/** The rest of the protocol through a real server: prompts, resources, completions, and what servers ask. */
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test, vi } from 'vitest';
import { startRea } from '../support/rea-process.ts';
import { connectSdkClient } from '../support/sdk-client.ts';
import { fixture, realServer, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const RESOURCE = 'demo://resource/dynamic/text/1';

test('prompts, resources, templates and completions reach the server they belong to', async () => {
  const rea = await startRea({
    config: registry({ every: realServer('everything'), echo: fixture('echo') }),
  });
  await rea.waitForPhase('every', 'ready');
  const client = await connectSdkClient(rea.wire);

  const { prompts } = await client.listPrompts();
  expect(prompts.map(({ name }) => name)).toContain('every__simple-prompt');
  const { messages } = await client.getPrompt({ name: 'every__simple-prompt' });
  expect(messages).toHaveLength(1);
  await expect(client.getPrompt({ name: 'every__missing' })).rejects.toMatchObject({
    code: -32602,
  });

  const { resources } = await client.listResources();
  expect(resources.length).toBeGreaterThan(0);
  const { resourceTemplates } = await client.listResourceTemplates();
  expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toContain(
    'demo://resource/dynamic/text/{resourceId}',
  );
  const listed = await client.readResource({ uri: resources[0]?.uri ?? '' });
  expect(listed.contents[0]?.uri).toBe(resources[0]?.uri);
  const templated = await client.readResource({ uri: RESOURCE });
  expect(templated.contents[0]?.uri).toBe(RESOURCE);
  await expect(client.readResource({ uri: 'nowhere://x' })).rejects.toMatchObject({
    code: expect.toSatisfy((code: number) => code === -32002 || code === -32602),
  });

  const prompt = await client.complete({
    ref: { type: 'ref/prompt', name: 'every__completable-prompt' },
    argument: { name: 'department', value: 'E' },
  });
  expect(prompt.completion.values).toEqual(['Engineering']);
  const resource = await client.complete({
    ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
    argument: { name: 'resourceId', value: '1' },
  });
  expect(resource.completion.values).toEqual(['1']);
});

test('a subscription brings updates, and again after the server has been restarted', async () => {
  const rea = await startRea({ config: registry({ every: realServer('everything') }) });
  const { pid } = await rea.waitForPhase('every', 'ready');
  const client = await connectSdkClient(rea.wire);
  const updated: string[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    updated.push(params.uri);
  });
  await client.subscribeResource({ uri: RESOURCE });
  await client.callTool({ name: 'every__toggle-subscriber-updates' });
  await until(() => updated.includes(RESOURCE), { what: 'an update' });

  killOne(pid ?? 0);
  await rea.waitForServer('every', (one) => one.phase === 'ready' && one.restarts === 1, {
    what: 'its restart',
  });
  const before = updated.length;
  await client.callTool({ name: 'every__toggle-subscriber-updates' });
  await until(() => updated.length > before, { what: 'an update after it' });
  expect(new Set(updated)).toEqual(new Set([RESOURCE]));
  await client.unsubscribeResource({ uri: RESOURCE });
});

test('a server asks its client for sampling, elicitation and roots', async () => {
  const rea = await startRea({
    initialize: false,
    config: registry({ every: realServer('everything'), echo: fixture('echo') }),
  });
  const client = await connectSdkClient(rea.wire, {
    sampling: {},
    elicitation: { form: {} },
    roots: { listChanged: true },
  });
  const asked: string[] = [];
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
    asked.push('sampling');
    expect(params.maxTokens).toBeGreaterThan(0);
    return { role: 'assistant', model: 'test', content: { type: 'text', text: 'sampled' } };
  });
  client.setRequestHandler(ElicitRequestSchema, () => {
    asked.push('elicitation');
    return { action: 'decline' };
  });
  client.setRequestHandler(ListRootsRequestSchema, () => {
    asked.push('roots');
    return { roots: [{ uri: 'file:///somewhere', name: 'somewhere' }] };
  });
  await rea.waitForPhase('every', 'ready');
  const { tools } = await client.listTools();
  const tool = (end: string) => tools.find(({ name }) => name.endsWith(end))?.name ?? end;
  const sampled = await client.callTool({
    name: tool('trigger-sampling-request'),
    arguments: { prompt: 'hello', maxTokens: 10 },
  });
  expect(JSON.stringify(sampled.content)).toContain('sampled');
  const elicited = await client.callTool({ name: tool('trigger-elicitation-request') });
  expect(JSON.stringify(elicited.content)).toContain('decline');
  const roots = await client.callTool({ name: tool('get-roots-list') });
  expect(JSON.stringify(roots.content)).toContain('file:///somewhere');
  expect(new Set(asked)).toEqual(new Set(['sampling', 'elicitation', 'roots']));
});

test('a request that the client cannot serve is refused to the server, not passed on', async () => {
  const rea = await startRea({ config: registry({ asks: fixture('asks-client') }) });
  await rea.waitForPhase('asks', 'ready');
  const { text } = await rea.call('asks__ask', { method: 'sampling/createMessage' });
  expect(text).toContain('does not support it');
  expect(rea.wire.frames.filter(({ message }) => message.method?.startsWith('sampling'))).toEqual(
    [],
  );
});
