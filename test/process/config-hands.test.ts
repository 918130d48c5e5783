/** A configuration that somebody else could have written is not served, at the start and at a reload. */
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const LIMIT_MS = 60_000;
const NOBODY = 65_534;
const RENAMED = { ...fixture('echo'), prefix: 'uno' };
const IN_FORCE = '"msg":"the configuration is in force"';
const STAYS = '"msg":"the earlier configuration stays in force"';

function planted() {
  const dir = makeDirectory();
  const marker = join(dir, 'was-run');
  const config = { version: '1', servers: [{ name: 'a', command: 'touch', args: [marker] }] };
  writeRegistry(dir, JSON.stringify(config));
  return { dir, marker, file: join(dir, '.rea', 'registry.yaml') };
}

/** @returns what both commands say when neither of them accepts it: one line. */
async function refusal(args: readonly string[]): Promise<string> {
  const serve = await runRea(['serve', ...args]);
  expect({ code: serve.code, out: serve.stdout }).toEqual({ code: 1, out: '' });
  expect(serve.stderr.trimEnd().split('\n')).toHaveLength(1);
  const check = await runRea(['check', ...args]);
  expect(check.code).toBe(1);
  expect(check.stdout).toContain(serve.stderr);
  return serve.stderr;
}

test('a registry that every user can write is refused, in one line that says what to do', async () => {
  const { dir, file, marker } = planted();
  chmodSync(file, 0o666);
  expect(await refusal(['--cwd', dir])).toMatch(
    /^\.rea\/registry\.yaml: can be written by every user .*\(mode 666\); chmod o-w \/.*\/registry\.yaml, or pass --trust-config\n$/,
  );
  expect(existsSync(marker)).toBe(false);
});

test('so is --config in a directory that every user can write to, but not in one like /tmp', async () => {
  const dir = makeDirectory();
  const shared = join(dir, 'shared');
  mkdirSync(shared);
  const file = join(shared, 'mcp.json');
  writeFileSync(file, JSON.stringify({ mcpServers: { a: fixture('echo') } }), { mode: 0o600 });
  chmodSync(shared, 0o777);
  const args = ['--cwd', dir, '--config', file];
  expect(await refusal(args)).toMatch(
    /^shared\/mcp\.json: is reached through \/.*\/shared, which can be written by/,
  );
  chmodSync(shared, 0o1777);
  expect((await runRea(['check', ...args])).code).toBe(0);
});

test('so is a policy that every user can write', async () => {
  const { dir } = planted();
  const policy = join(dir, '.rea', 'policy.yaml');
  writeFileSync(policy, 'version: "1"\n');
  chmodSync(policy, 0o606);
  expect(await refusal(['--cwd', dir])).toMatch(
    /^\.rea\/policy\.yaml: can be written by every user/,
  );
});

test.runIf(process.getuid?.() === 0)('so is the file of another user', async () => {
  const dir = makeDirectory();
  const file = join(dir, 'mcp.json');
  writeFileSync(file, JSON.stringify({ mcpServers: { a: fixture('echo') } }), { mode: 0o644 });
  chownSync(file, NOBODY, NOBODY);
  expect(await refusal(['--cwd', dir, '--config', file])).toMatch(
    /^mcp\.json: belongs to user 65534, not to 0 or root; keep it in a file .*--trust-config\n$/,
  );
});

test('--trust-config serves it with a warning', async () => {
  const dir = makeDirectory();
  writeRegistry(dir, registry({ one: fixture('echo') }));
  chmodSync(join(dir, '.rea', 'registry.yaml'), 0o666);
  const check = await runRea(['check', '--trust-config', '--cwd', dir]);
  expect(check.code).toBe(0);
  expect(check.stdout).toMatch(/^warning: \.rea\/registry\.yaml: can be written by every user/);
  const rea = await startRea({ cwd: dir, args: ['--trust-config'] });
  expect((await rea.call('one__echo', { text: 'served' })).text).toBe('served');
  await rea.waitForLog('can be written by every user of this machine (mode 666)');
  await reloaded(rea, () => writeRegistry(dir, registry({ one: RENAMED })), IN_FORCE);
  expect((await rea.call('uno__echo', { text: 'anew' })).text).toBe('anew');
  await rea.stop();
});

test('one that its group can write is served with one warning', async () => {
  const dir = makeDirectory();
  writeRegistry(dir, registry({ one: fixture('echo') }));
  chmodSync(join(dir, '.rea', 'registry.yaml'), 0o660);
  const rea = await startRea({ cwd: dir });
  expect((await rea.call('one__echo', { text: 'served' })).text).toBe('served');
  expect(rea.stderr.split('can be written by its group')).toHaveLength(2);
  await rea.stop();
});

test('a change that anybody could have made is not put in force; with the mode put right it is', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  const file = join(rea.dir, '.rea', 'registry.yaml');
  const names = async () => (await rea.tools()).map(({ name }) => name);
  const changed = registry({ one: RENAMED });
  await reloaded(
    rea,
    () => {
      chmodSync(file, 0o666);
      writeRegistry(rea.dir, changed);
    },
    STAYS,
  );
  expect(rea.stderr).toContain('can be written by every user of this machine (mode 666)');
  expect(await names()).not.toContain('uno__echo');
  expect((await rea.call('one__echo', { text: 'goes on' })).text).toBe('goes on');
  // Asking by signal is no way around it.
  await reloaded(rea, () => rea.kill('SIGHUP'), STAYS);
  expect(await names()).not.toContain('uno__echo');
  await reloaded(rea, () => chmodSync(file, 0o600), IN_FORCE);
  expect(await names()).toContain('uno__echo');
  await rea.stop();
});

async function reloaded(rea: Rea, change: () => void, verdict: string): Promise<void> {
  const count = () => rea.stderr.split(verdict).length;
  const before = count();
  change();
  await until(() => count() > before, { limitMs: LIMIT_MS, what: verdict });
}
