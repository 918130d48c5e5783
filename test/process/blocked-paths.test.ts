/** Paths that the policy blocks: no argument that names one leaves, and a change holds at once. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { DENIED, front } from '../support/denied-front.ts';
import { writePolicy } from '../support/policy-house.ts';
import { runRea } from '../support/rea-command.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const POLICY = 'version: "1"\nblocked_paths: [.env, secrets/]\n';

test('a blocked file is neither read nor written, by whatever request, until the policy is changed', async () => {
  const { rea, dir, received } = await front();
  mkdirSync(join(dir, 'secrets'));
  const file = join(dir, 'secrets', 'key.txt');
  writeFileSync(file, 'the key');
  symlinkSync('secrets', join(dir, 'notes'));
  expect((await rea.call('files__read', { path: file })).text).toBe('the key');
  writePolicy(dir, POLICY);
  await until(async () => (await rea.call('files__read', { path: file })).failure !== null, {
    what: 'the policy to hold',
  });
  const before = received().length;
  const uri = pathToFileURL(file).href;
  for (const answer of [
    await rea.call('files__read', { path: 'secrets/key.txt' }),
    await rea.call('files__read', { path: 'notes/key.txt' }),
    await rea.call('files__write', { path: join(dir, '.ENV'), content: 'x' }),
    await rea.call('files__write', { path: `${dir}/new/../secrets/new.txt`, content: 'x' }),
    await rea.request('resources/read', { uri }),
    await rea.request('prompts/get', { name: 'files__show', arguments: { file } }),
    await rea.request('demo/read', { path: file }),
  ]) {
    expect(answer.failure, answer.raw).toMatchObject(DENIED);
    expect(answer.text).toMatch(
      /blocked_paths \("(secrets\/|\.env)", \.rea\/policy\.yaml:2\) forbids/,
    );
    expect(answer.text).not.toContain("gateway's files");
  }
  expect(received().slice(before)).not.toMatch(/key\.txt|\.ENV/);
  const note = join(dir, 'note.md');
  const content = 'see secrets/key.txt';
  expect((await rea.call('files__write', { path: note, content })).text).toBe('written');
  expect(readFileSync(note, 'utf8')).toBe(content);
  writePolicy(dir, 'version: "1"\n');
  await until(async () => (await rea.call('files__read', { path: file })).failure === null, {
    what: 'the loosened policy to hold',
  });
  expect(rea.state()?.downstreams[0]).toMatchObject({ restarts: 0 });
});

test('a pattern that cannot be used is one line, with the plain form', async () => {
  const { rea, dir } = await front();
  writePolicy(dir, 'blocked_paths:\n  - "+(a|b).key"\n');
  const { code, stdout } = await runRea(['check', '--cwd', dir]);
  expect(code).toBe(1);
  expect(stdout).toContain('.rea/policy.yaml:2: blocked_paths[0]: is "+(a|b).key"; write "*.key"');
  await rea.waitForLog('blocked_paths[0]');
  expect((await rea.call('files__read', { path: join(dir, 'a.key') })).failure).toBeNull();
});
