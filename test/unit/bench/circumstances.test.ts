/** What a figure must not depend on: the caller's environment, and who else uses the machine. */
import { execFileSync } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { untilCalm } from '../../../bench/lib/calm.ts';
import { cleanEnvironment } from '../../../bench/lib/environment.ts';

test('gateways and servers get nothing of the caller’s environment', () => {
  for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'HTTPS_PROXY', 'no_proxy', 'PATH']) {
    vi.stubEnv(name, '/of/the/caller');
  }
  try {
    const env = cleanEnvironment('/tmp/run', process.execPath);
    expect(env).toMatchObject({ HOME: '/tmp/home', TMPDIR: '/tmp' });
    expect(Object.keys(env).toSorted()).toEqual([
      'HOME',
      'LANG',
      'NODE_NO_WARNINGS',
      'PATH',
      'REA_LOG_LEVEL',
      'TMPDIR',
    ]);
    expect(JSON.stringify(env)).not.toContain('/of/the/caller');
    // And a bare `node` is the one under test.
    const found = execFileSync('/bin/sh', ['-c', 'command -v node'], { env, encoding: 'utf8' });
    expect(found.trim()).toBe(process.execPath);
  } finally {
    vi.unstubAllEnvs();
  }
});

/** A load that is another one at each look, the last for ever. */
function loads(...values: number[]) {
  let waited = 0;
  return {
    load: () => (values.length > 1 ? values.shift() : values[0]) as number,
    wait: async (ms: number) => {
      waited += ms;
    },
    waited: () => waited,
  };
}

test('a calm machine is not waited for', async () => {
  const { load, wait, waited } = loads(1.5);
  expect(await untilCalm(load, wait)).toBeNull();
  expect(waited()).toBe(0);
});

test('a load that falls within a minute is waited for', async () => {
  const { load, wait, waited } = loads(3, 2, 1.4);
  expect(await untilCalm(load, wait)).toBeNull();
  expect(waited()).toBeGreaterThan(0);
});

test('a load that stays is refused after a minute, in one line that says what to do', async () => {
  const { load, wait, waited } = loads(2.75);
  const line = await untilCalm(load, wait);
  expect(line).toContain('2.75');
  expect(line).toContain('--noisy');
  expect(line).not.toContain('\n');
  expect(waited()).toBe(60_000);
});
