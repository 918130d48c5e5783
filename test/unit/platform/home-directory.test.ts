import { userInfo } from 'node:os';
import { expect, test, vi } from 'vitest';
import { homeOf } from '#src/main/config/clients/known/files.ts';
import { stateHome } from '#src/main/processes/state-directory.ts';

test.each(['.', '', 'home/me'])('a relative HOME is no home: %j', (HOME) => {
  vi.stubEnv('HOME', HOME);
  const env = { HOME };
  expect(homeOf({ env, platform: 'linux' })).toBe(userInfo().homedir);
  expect(stateHome(env)).toBe(`${userInfo().homedir}/.local/state/rea`);
  vi.unstubAllEnvs();
});
