/** A tool that is tried from the page: whatever a server answers, the gateway goes on and says something. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import type { Found } from '#src/main/operator/reach.ts';
import { tryTool } from '#src/main/ui/try-tool.ts';
import { fakeGateway } from '../../support/fake-gateway.ts';

const dir = mkdtempSync(join(tmpdir(), 'rea-try-'));
afterAll(() => rmSync(dir, { recursive: true }));

const NO_STRING = { toString: 1 };

/** Tries a tool of it. @returns the response, as the page gets it. */
async function tryOn(gateway: Found, signal?: AbortSignal): Promise<Response> {
  const server = createServer((_request, response) =>
    tryTool(gateway, '0', { tool: 'one', args: {} }, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return fetch(`http://127.0.0.1:${port}`, { ...(signal && { signal }) });
}

async function tried(...messages: readonly object[]) {
  const gateway = await fakeGateway(dir, (response) => {
    for (const one of messages) response.write(`data: ${JSON.stringify(one)}\n\n`);
    response.end();
  });
  const text = await (await tryOn(gateway)).text();
  return JSON.parse(text.trim().split('\n').at(-1) ?? '').done;
}

const answer = (result: unknown) => ({ id: 2, result });

test('what cannot be made a text is told as what it is', async () => {
  expect(
    await tried(answer({ content: [{ type: NO_STRING }, null, { text: NO_STRING }] })),
  ).toEqual({ ok: true, text: '[unknown]\n[unknown]\n[unknown]' });
  const content = [
    { type: 'image', mimeType: 'image/png' },
    { type: 'text', text: 'seen' },
  ];
  expect(await tried(answer({ content }))).toEqual({ ok: true, text: '[image image/png]\nseen' });
  // With spaces a person can read it; many levels would make too many of them.
  const shown = async (structuredContent: unknown) =>
    (await tried(answer({ content: [], structuredContent }))).text;
  expect(await shown({ a: 1 })).toBe('{\n  "a": 1\n}');
  const levels = JSON.parse(`${'['.repeat(1000)}${'2,'.repeat(20_000)}3${']'.repeat(1000)}`);
  expect(await shown(levels)).toBe(JSON.stringify(levels));
  const cut = `"${'x'.repeat(64 * 1024 - 1)}\n… (the rest: rea call)`;
  expect(await shown('x'.repeat(100_000))).toBe(cut);
  const progress = [{ progress: NO_STRING, message: NO_STRING, total: NO_STRING }, null, 'x'];
  const told = progress.map((params) => ({ method: 'notifications/progress', params }));
  const done = answer({ content: [{ type: 'text', text: 'done' }] });
  expect(await tried(...told, done)).toEqual({ ok: true, text: 'done' });
});

test('an answer of any shape ends the try, and says why it failed', async () => {
  expect(await tried({ id: 2, error: {} })).toEqual({
    ok: false,
    text: 'it failed, and nothing says why',
  });
  expect(await tried({ id: 2, error: { message: NO_STRING, data: { a: 1 } } })).toEqual({
    ok: false,
    text: '{"a":1}',
  });
  expect(await tried()).toMatchObject({
    ok: false,
    text: expect.stringMatching(/outcome is unkn/),
  });
  // Deeper than the stack of whoever writes it down again.
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const gateway = await fakeGateway(dir, (response) =>
    response.end(`data: {"id":2,"result":{"structuredContent":${deep}}}\n\n`),
  );
  expect((await (await tryOn(gateway)).text()).trim()).toMatch(
    /\{"done":\{"ok":(?:true|false),.*$/,
  );
});

test('a long answer is not read to its end', async () => {
  const gateway = await fakeGateway(dir, (response) => {
    response.write(`data: ${'x'.repeat(5 * 1024 * 1024)}`);
  });
  expect(await (await tryOn(gateway)).text()).toContain(
    '"its answer is longer than 4 MiB and is not read here: rea call"',
  );
});

test('whoever leaves cancels the call', async () => {
  const leave = new AbortController();
  const gateway = await fakeGateway(dir, (response) => {
    response.write(': called\n\n');
    leave.abort();
  });
  await tryOn(gateway, leave.signal).catch(() => undefined);
  await expect(gateway.cancelled).resolves.toBe('cancelled');
});
