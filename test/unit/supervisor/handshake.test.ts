import { expect, test } from 'vitest';
import { rangeOf, scanFrame } from '#src/shared/wire/frame.ts';
import { SLOT } from '#src/shared/wire/json-scan.ts';
import { readHandshake } from '#src/workers/supervisor/handshake.ts';

function answered(result: string) {
  const frame = scanFrame(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`));
  if ('error' in frame) throw new Error(result);
  const handshake = readHandshake({
    ok: true,
    line: frame.line,
    result: rangeOf(frame, SLOT.result) ?? [0, 0],
  });
  if (!handshake.ok) throw new Error(handshake.problem);
  return handshake;
}

test('keeps capabilities as they were written, and what the server calls itself', () => {
  const capabilities = '{"tools":{},"logging":null,"extensions":{"a.b/c":{"n":9007199254740993}}}';
  const { profile, features, leftOut } = answered(
    `{"protocolVersion":"2025-06-18","capabilities":${capabilities},"instructions":"Do \\u00e9.","serverInfo":{"name":"s","version":"1"}}`,
  );
  expect(profile).toEqual({ capabilities, instructions: 'Do é.', name: 's', version: '1' });
  expect(features).toEqual({ tools: true, prompts: false, resources: false, logging: false });
  expect(leftOut).toBeNull();
});

test('knows a server that says nothing', () => {
  const { profile } = answered('{"protocolVersion":"2025-11-25"}');
  expect(profile).toEqual({ capabilities: '{}', instructions: '', name: '', version: '' });
});

test('bounds what a server can say of itself', () => {
  const long = 'x'.repeat(70_000);
  const { profile, features, leftOut } = answered(
    `{"protocolVersion":"2025-11-25","capabilities":{"prompts":{},"experimental":{"x":"${long}"}},"instructions":"${long}","serverInfo":{"name":"${long.slice(0, 900)}"}}`,
  );
  expect(profile.capabilities).toBe('{}');
  expect(features.prompts).toBe(true);
  expect(leftOut).toMatch(/70\d\d\d bytes, 65536 are allowed/);
  expect(profile.instructions).toBe(`${long.slice(0, 8192)}\n[clipped: 8192 of 70000 characters]`);
  expect(profile.name).toHaveLength(200);
});
