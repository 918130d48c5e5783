import { describe, expect, it } from 'vitest';
import { load, problemsOf } from './files.ts';

const registry = (server: string) => `version: "1"\nservers:\n  - {name: a, ${server}}\n`;

function endpoint(server: string, env: NodeJS.ProcessEnv = {}) {
  const result = load(registry(server), env);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config.servers[0];
}

describe('a server with url', () => {
  it('has its address, headers and token file, expanded', () => {
    const server = endpoint(
      'url: "https://${HOST}/mcp#part", headers: {X-Key: "${KEY}"}, token_file: token',
      { HOST: 'Example.com', KEY: 'k-1' },
    );
    expect(server).toMatchObject({
      command: '',
      env: {},
      endpoint: {
        url: 'https://example.com/mcp',
        headers: { 'X-Key': 'k-1' },
        tokenFile: expect.stringMatching(/^\/.*\/token$/),
      },
    });
  });

  it.each([
    'http://127.0.0.1:3000/mcp',
    'http://127.1.2.3/mcp',
    'http://localhost:3000/mcp',
    'http://[::1]:3000/mcp',
    'http://0x7f.1/mcp',
  ])('may be on this machine without encryption: %s', (url) => {
    expect(endpoint(`url: "${url}"`)?.unavailable).toBeNull();
  });

  it.each([
    [
      'url: "http://example.com/mcp"',
      '.url: would send everything to example.com unencrypted; write https',
    ],
    [
      'url: "http://127.0.0.1.example.com/"',
      '.url: would send everything to 127.0.0.1.example.com',
    ],
    [
      'url: "http://localhost.example.com/"',
      '.url: would send everything to localhost.example.com',
    ],
    ['url: "http://192.168.1.2/"', '.url: would send everything to 192.168.1.2'],
    ['url: "http://[::ffff:127.0.0.1]/"', '.url: would send everything to'],
    ['url: "https://me:hunter2@example.com/"', '.url: holds credentials; move them to headers'],
    ['url: "ftp://example.com/"', '.url: begins with "ftp:"; write https://host/path'],
    ['url: "example.com/mcp"', '.url: is no address; write https://host/path'],
    ['url: ""', '.url: is not allowed; write the address'],
    ['url: "https://x", command: y', '.url: stands beside command; keep one of the two'],
    ['prefix: b', '.command: is missing; write the program to start, or url'],
    ['url: "https://x", args: [1]', ''],
    ['url: "https://x", args: [a]', '.args: has no meaning for a server with url; remove this key'],
    ['url: "https://x", cwd: "."', '.cwd: has no meaning'],
    ['url: "https://x", env: {A: b}', '.env: has no meaning'],
    ['url: "https://x", env_passthrough: [A]', '.env_passthrough: has no meaning'],
    ['url: "https://x", env_file: f', '.env_file: has no meaning'],
    ['command: x, headers: {A: b}', '.headers: has no meaning for a server with command'],
    ['command: x, token_file: t', '.token_file: has no meaning for a server with command'],
    [
      'url: "https://x", oauth: {client_id: a, client_secret: "${B}"}',
      '.oauth.client_secret: stands without issuer; write which authorization server gave it',
    ],
    [
      'url: "https://x", oauth: {client_secret: "${B}", issuer: "https://as.example"}',
      '.oauth.client_secret: stands without client_id; write both, or neither',
    ],
    [
      'url: "https://x", headers: {"a b": c}',
      '.headers["a b"]: is no valid name; use the name of a header',
    ],
    ['url: "https://x", headers: {A: 1}', '.headers.A: is a number'],
    ['url: "https://x", headers: {A: "b\\nc"}', '.headers.A: cannot be sent; use one line'],
    ['url: "https://x", headers: {A: " b"}', '.headers.A: cannot be sent'],
    ['url: "https://x", headers: {A: "über€"}', '.headers.A: cannot be sent'],
    ['url: "https://x", headers: {A: b, a: c}', '.headers: has "a" twice'],
    ['url: "https://x", headers: {authorization: b}, token_file: t', '.token_file: stands beside'],
    [
      'url: "https://x", headers: x',
      '.headers: is not allowed; write a mapping like {Authorization',
    ],
  ])('is refused with one clear line: %s', (server, expected) => {
    const problems = problemsOf(registry(server));
    expect(problems.join('\n')).toContain(expected);
    expect(problems.join('\n')).not.toContain('hunter2');
    if (expected !== '') expect(problems).toHaveLength(1);
  });

  it('is not sent headers that the gateway sets itself, and a warning says so', () => {
    const result = load(registry('url: "https://x", headers: {Host: c, mcp-session-id: d, A: b}'));
    if (!result.ok) throw new Error('not accepted');
    expect(result.mistakes.problems).toEqual([]);
    expect(result.config.servers[0]?.endpoint?.headers).toEqual({ A: 'b' });
    expect(result.config.warnings).toEqual([
      expect.stringMatching(/\.headers\.Host: not sent; the gateway sets this header itself$/),
      expect.stringMatching(/\.headers\.mcp-session-id: not sent; the gateway sets/),
    ]);
  });

  it('ignores what defaults say about programs', () => {
    const text = `version: "1"\ndefaults: {cwd: x, env: {A: b}}\nservers:\n  - {name: a, url: "https://x"}\n`;
    const result = load(text);
    expect(result).toMatchObject({
      ok: true,
      config: { servers: [{ env: {}, unavailable: null }] },
    });
  });

  it('is another one with another address or other headers, not with other values', () => {
    const print = (server: string, env: NodeJS.ProcessEnv = {}) =>
      endpoint(server, env)?.fingerprint;
    const base = print('url: "https://x/a", headers: {A: "${V}"}', { V: '1' });
    expect(print('url: "https://x/a", headers: {a: "${V}"}', { V: '2' })).toBe(base);
    expect(print('url: "https://x/b", headers: {A: x}')).not.toBe(base);
    expect(print('url: "https://x/a", headers: {B: x}')).not.toBe(base);
    expect(print('url: "https://x/a", token_file: t')).toBe(
      print('url: "https://x/a", headers: {Authorization: x}'),
    );
  });
});
