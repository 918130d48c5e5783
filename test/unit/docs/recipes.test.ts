/** Every file that the recipes give can be used as it stands. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from '#src/main/config/load.ts';
import { checkedPolicy } from '#src/main/config/policy.ts';
import type { ServerConfig } from '#src/shared/model/config.ts';

const PAGE = readFileSync(new URL('../../../docs/recipes.md', import.meta.url), 'utf8');
const FILES = [...PAGE.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
const REGISTRIES = FILES.filter((text) => text.includes('\nservers:'));
const POLICIES = FILES.filter((text) => !text.includes('\nservers:'));

const cwd = mkdtempSync(join(tmpdir(), 'rea-recipes-'));
const rea = join(cwd, '.rea');
mkdirSync(rea, { mode: 0o700 });
afterAll(() => rmSync(cwd, { recursive: true }));
const env = {
  HOME: cwd,
  XDG_CONFIG_HOME: cwd,
  GITHUB_TOKEN: 'a',
  WIKI_KEY: 'b',
  GITHUB_CLIENT_SECRET: 'c',
};
const put = (name: string, text: string) => writeFileSync(join(rea, name), text, { mode: 0o600 });

/** As the gateway takes it; what the recipe says lies beside it is there. */
function serversOf(text: string): readonly ServerConfig[] {
  put('registry.yaml', text);
  put('env', 'DATABASE_URL=postgres://localhost/db\n');
  put('builds.token', 'token\n');
  const loaded = loadConfig({ cwd, env });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  expect(loaded.mistakes.problems).toEqual([]);
  return loaded.config.servers;
}

test.each(REGISTRIES)('%s', (text) => {
  const servers = serversOf(text);
  expect(servers.length).toBeGreaterThan(0);
  for (const { name, unavailable } of servers) expect([name, unavailable]).toEqual([name, null]);
});

test.each(POLICIES)('%s', (text) => {
  put('policy.yaml', text);
  expect(checkedPolicy({ cwd, env })).toMatchObject({ ok: true, policy: { warnings: [] } });
});

test('they say what the text around them says', () => {
  expect([REGISTRIES.length, POLICIES.length]).toEqual([8, 2]);
  const [shared, own, slow] = REGISTRIES.map((text) => serversOf(text)[0]);
  expect(shared).toMatchObject({ instances: 'shared', maxConcurrency: 1 });
  expect(own).toMatchObject({ instances: 'session', maxInstances: 3 });
  expect(slow).toMatchObject({ start: 'lazy', callTimeoutMs: 300_000 });
});
