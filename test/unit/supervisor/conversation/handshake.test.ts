import { expect, test } from 'vitest';
import { rangeOf, scanFrame } from '#src/shared/json/frame.ts';
import { SLOT } from '#src/shared/json/json-scan.ts';
import { readHandshake } from '#src/workers/supervisor/conversation/handshake.ts';
import { profileOf, rememberedProfile } from '#src/workers/supervisor/conversation/profile.ts';

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
  const { description, features, leftOut } = answered(
    `{"protocolVersion":"2025-06-18","capabilities":${capabilities},"instructions":"Do \\u00e9.","serverInfo":{"name":"s","version":"1"}}`,
  );
  expect(description).toEqual({
    revision: '2025-06-18',
    capabilities,
    instructions: 'Do é.',
    instructionsLength: 5,
    name: 's',
    version: '1',
  });
  expect(features).toEqual({ tools: true, prompts: false, resources: false, logging: false });
  expect(leftOut).toBeNull();
});

test('knows a server that says nothing', () => {
  const { description } = answered('{"protocolVersion":"2025-11-25"}');
  expect(description).toEqual({
    revision: '2025-11-25',
    capabilities: '{}',
    instructions: '',
    instructionsLength: 0,
    name: '',
    version: '',
  });
});

test('bounds what a server can say of itself', () => {
  const long = 'x'.repeat(70_000);
  const { description, features, leftOut } = answered(
    `{"protocolVersion":"2025-11-25","capabilities":{"prompts":{},"experimental":{"x":"${long}"}},"instructions":"${long}","serverInfo":{"name":"${long.slice(0, 900)}"}}`,
  );
  expect(description.capabilities).toBe('{}');
  expect(features.prompts).toBe(true);
  expect(leftOut).toMatch(/70\d\d\d bytes, 65536 are allowed/);
  const { instructions, name } = profileOf(description, (text) => text);
  expect(instructions).toBe(`${long.slice(0, 8192)}\n[clipped: 8192 of 70000 characters]`);
  expect(name).toHaveLength(200);
});

test('writes down no secret of what a server says of itself, whole or cut', () => {
  const secret = 'Zq7canary9Kd0vPw3Lm5Rt';
  const hide = (text: string) => text.replaceAll(secret, '[REDACTED]');
  const at = (before: number) => `${'x'.repeat(before)}${secret}${'y'.repeat(60_000)}`;
  for (const before of [0, 190, 199, 8180, 8191, 8192, 32_760]) {
    const { description } = answered(
      JSON.stringify({
        protocolVersion: '2025-11-25',
        capabilities: { experimental: { [secret]: {} } },
        instructions: at(before),
        serverInfo: { name: at(before), version: secret },
      }),
    );
    const profile = profileOf(description, hide);
    const remembered = rememberedProfile(profile, description, hide);
    const cut = secret.slice(0, 4);
    for (const shown of [profile.name, profile.version, ...Object.values(remembered)]) {
      expect(shown).not.toContain(cut);
    }
    // Clients are told what the server says.
    expect(profile.capabilities).toContain(secret);
    expect(remembered.instructions).toMatch(/\n\[clipped: 8192 of \d+ characters\]$/);
  }
});
