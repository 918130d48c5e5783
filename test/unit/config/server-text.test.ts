/** A server of a client's file in one line: no secret is in it, wherever its writer has put one. */
import { expect, test } from 'vitest';
import { serverText } from '#src/main/config/server-text.ts';

const program = (...args: string[]) =>
  serverText({ endpoint: null, command: 'x', args, options: {} });
const address = (url: string) => {
  return serverText({ endpoint: { url, headers: {} }, command: '', args: [], options: {} });
};

test.each([
  [program('postgres://u:pw@db/app'), "x 'postgres://[REDACTED:secret]@db/app'"],
  [program('--dsn=postgres://u:p@w@db/app'), "x '--dsn=[REDACTED:secret]'"],
  [
    program('--header', 'Authorization: Bearer abc'),
    "x --header 'Authorization: [REDACTED:secret]'",
  ],
  [program('--header', 'X-Key:abc'), "x --header 'X-Key: [REDACTED:secret]'"],
  [program('-H', '0.0.0.0'), 'x -H 0.0.0.0'],
  [program('--header=X-Key: abc'), "x '--header=X-Key: [REDACTED:secret]'"],
  [program('-HX-Key: abc'), "x '-HX-Key: [REDACTED:secret]'"],
  [program('--header', 'Authorization: ${AUTH}'), "x --header 'Authorization: ${AUTH}'"],
  [program('-e', 'GITHUB_TOKEN=barracuda'), "x -e 'GITHUB_TOKEN=[REDACTED:secret]'"],
  [program('{"password": "moray-eel"}'), `x '{"password": "[REDACTED:secret]"}'`],
  [
    program('-y', '@scope/server@1.2.3', '--header-size', '5'),
    'x -y @scope/server@1.2.3 --header-size 5',
  ],
  [address('https://me:pw@x.example/mcp'), "'https://[REDACTED:secret]@x.example/mcp'"],
  [address('https://${U}:pw@x.example/mcp'), "'https://[REDACTED:secret]@x.example/mcp'"],
  [address('https://x.example/mcp?key=tigerfish'), "'https://x.example/mcp?key=[REDACTED:secret]'"],
])('%s', (shown, wanted) => {
  expect(shown).toBe(wanted);
});
