/** When a server of a registry stands for one of a client's file, so that it may be taken out there. */
import { expect, test } from 'vitest';
import { type Launched, standsFor } from '#src/main/config/same-server.ts';

const program = (...words: string[]): Launched => {
  return { words, isAddress: false, values: {}, rest: [] };
};
const address = (url: string): Launched => ({ ...program(url), isAddress: true });
const withHeader = (Authorization: string): Launched => {
  return { ...address('https://x.example/mcp'), values: { Authorization } };
};

test.each<[registry: Launched, client: Launched, is: boolean]>([
  [program('gh', '--token=${T}'), program('gh', '--token=abc'), true],
  [program('gh', '--token=${T}'), program('gh', '--root=/'), false],
  [program('gh', '${T}'), program('gh', 'abc'), true],
  [program('gh', 'a${A}-${B}z'), program('gh', 'a1-2z'), true],
  [program('gh', 'a${A}-${B}z'), program('gh', 'a12z'), false],
  [program('gh', 'ab${A}bc'), program('gh', 'abc'), false],
  [program('gh', '$${T}'), program('gh', 'abc'), false],
  [program('${T}'), program('gh'), false],
  [program('${T}/bin/gh'), program('/opt/bin/gh'), false],
  [program('${T}/bin/gh'), program('${T}/bin/gh'), true],
  [program('sh', '-c', '${T} x'), program('sh', '-c', 'rm -r /'), false],
  [address('https://x.example/${T}/mcp'), address('https://x.example/abc/mcp'), true],
  [address('https://x.example/mcp?key=${T}'), address('https://x.example/mcp?key=abc'), true],
  [address('https://u:${P}@x.example/mcp'), address('https://u:pw@x.example/mcp'), true],
  [address('https://${T}/mcp'), address('https://x.example/mcp'), false],
  [address('https://x.example${T}'), address('https://x.example.evil.example'), false],
  [address('https://${T}@x.example/mcp'), address('https://evil.example/@x.example/mcp'), false],
  [address('https://x.example/${T}'), address('https://y.example/abc'), false],
  [address('${T}'), address('https://x.example/mcp'), false],
  [withHeader('${T}'), withHeader('Bearer abc'), true],
  [withHeader('Bearer ${T}'), withHeader('Bearer abc'), true],
  [withHeader('Bearer ${T}'), withHeader('Basic abc'), false],
])('%j stands for %j: %s', (registry, client, is) => {
  expect(standsFor(registry, client)).toBe(is);
});
