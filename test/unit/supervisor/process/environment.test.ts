import { describe, expect, test } from 'vitest';
import { buildChildEnv, withheldNames } from '#src/workers/supervisor/process/environment.ts';

const parent = {
  PATH: '/bin',
  HOME: '/home/me',
  LC_ALL: 'C',
  XDG_RUNTIME_DIR: '/run/me',
  HTTPS_PROXY: 'http://proxy',
  NODE_OPTIONS: '--inspect',
  SECRET: 's',
  GITHUB_TOKEN: 't',
  SHELL: '() { evil; }',
  UNSET: undefined,
};

describe('the environment of a child', () => {
  test('holds the listed variables of the gateway and nothing else', () => {
    expect({ ...buildChildEnv(parent, { env: {}, envPassthrough: [] }) }).toEqual({
      PATH: '/bin',
      HOME: '/home/me',
      LC_ALL: 'C',
      XDG_RUNTIME_DIR: '/run/me',
      HTTPS_PROXY: 'http://proxy',
    });
  });

  test('is extended by what is passed through, and set variables win', () => {
    const child = buildChildEnv(parent, {
      env: { PATH: '/opt/bin', SECRET: 'mine' },
      envPassthrough: ['SECRET', 'NODE_OPTIONS', 'UNSET', 'NOT_THERE'],
    });
    expect(child).toMatchObject({ PATH: '/opt/bin', SECRET: 'mine', NODE_OPTIONS: '--inspect' });
    expect(Object.keys(child)).not.toContain('UNSET');
    expect(Object.keys(child)).not.toContain('NOT_THERE');
  });

  test('names like __proto__ are names like any other', () => {
    const env = JSON.parse('{"__proto__": "x"}');
    const child = buildChildEnv({}, { env, envPassthrough: [] });
    expect(Object.keys(child)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('says which often needed variables it does not have, by name only', () => {
    const child = buildChildEnv(parent, { env: {}, envPassthrough: ['NODE_OPTIONS'] });
    expect(withheldNames(parent, child)).toEqual(['GITHUB_TOKEN']);
  });
});
