/** The hook of the push gate, and the reviews that it asks for. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { stateDirectory } from '#src/main/processes/state-directory.ts';
import { seal } from '#src/shared/machines/audit-chain.ts';
import { ANCHORS, segmentName } from '#src/shared/model/audit.ts';
import { sha256 } from '#src/shared/platform/segment-scan.ts';
import { auditFiles } from '../support/audit.ts';
import { gitHouse } from '../support/git-house.ts';
import { writePolicy } from '../support/policy-house.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const ENFORCE = 'push_gate: enforce\n';

test("a hook that is there stays, and one of all repositories is nobody else's", async () => {
  const { dir, rea, git } = await gitHouse({ hook: false });
  const hook = join(dir, '.git/hooks/pre-push');
  rmSync(join(dir, '.git/hooks'), { recursive: true, force: true });
  const installed = await rea('push-gate', 'install');
  expect([installed.code, installed.stderr]).toEqual([0, '']);
  expect(readFileSync(hook, 'utf8')).toBe('#!/bin/sh\nexec rea push-gate "$@"\n');
  expect((await rea('push-gate', 'install')).code).toBe(0);
  writeFileSync(hook, '#!/bin/sh\nexit 0\n');
  const there = await rea('push-gate', 'install');
  expect(there.code).toBe(1);
  expect(there.stderr).toContain(
    'stays as it is; to chain, put this at its beginning: lines=$(cat)',
  );
  expect(readFileSync(hook, 'utf8')).toBe('#!/bin/sh\nexit 0\n');
  const shared = join(dirname(dir), 'shared-hooks');
  await git('config', 'core.hooksPath', shared);
  const elsewhere = await rea('push-gate', 'install');
  expect([elsewhere.code, existsSync(shared)]).toEqual([1, false]);
  const nowhere = await rea('push-gate', 'install', '--cwd', dirname(dir));
  expect(nowhere.code).toBe(1);
  expect(nowhere.stderr.split('\n')).toHaveLength(2);
});

test('the line to chain it with gives the hook behind it all that git says', async () => {
  const { dir, rea, commit, tryGit, review } = await gitHouse({ hook: false });
  writePolicy(dir, ENFORCE);
  const hook = join(dir, '.git/hooks/pre-push');
  mkdirSync(dirname(hook), { recursive: true });
  const seen = join(dirname(dir), 'seen');
  const old = `printf "%s\\n" "$lines" > ${seen}\n`;
  writeFileSync(hook, '');
  const { stderr } = await rea('push-gate', 'install');
  const chain = stderr.slice(stderr.indexOf('lines=')).trim();
  writeFileSync(hook, `#!/bin/sh\n${chain}\n${old}`);
  chmodSync(hook, 0o755);
  const first = await commit();
  expect((await tryGit(['push', 'origin', 'main'])).code).not.toBe(0);
  expect(existsSync(seen)).toBe(false);
  await review(first);
  expect((await tryGit(['push', 'origin', 'main'])).code).toBe(0);
  expect(readFileSync(seen, 'utf8')).toContain(`refs/heads/main ${first}`);
});

test('a review that was not recorded here does not count', async () => {
  const { dir, env, commit, tryGit, review } = await gitHouse();
  writePolicy(dir, ENFORCE);
  const first = await commit();
  await review(first);
  const [name = ''] = auditFiles(dir);
  const log = join(dir, '.rea', name);
  const kept = readFileSync(log, 'utf8');
  const session = segmentName(name)?.session ?? '';
  const anchor = join(stateDirectory({ cwd: dir, env }), ANCHORS, `${session}.json`);
  const known = readFileSync(anchor);
  const passes = async (ref = 'main') => (await tryGit(['push', 'origin', ref])).code === 0;
  // As a repository could ship it: whole, and without an anchor here.
  rmSync(anchor);
  expect(await passes()).toBe(false);
  writeFileSync(anchor, known);
  writeFileSync(log, kept.replace('"pass"', '"concerns"'));
  expect(await passes()).toBe(false);
  // A record that somebody has added, as it should be, to a log that has ended.
  const second = await commit();
  const last = JSON.parse(kept.split('\n')[1] ?? '{}');
  const forged = { ...last, metadata: { ...last.metadata, commit: second } };
  writeFileSync(log, `${kept}${seal({ count: 2, hash: last.hash }, forged, sha256).line}`);
  expect(await passes()).toBe(false);
  expect(await passes(`${first}:refs/heads/main`)).toBe(false);
  writeFileSync(log, kept);
  expect(await passes(`${first}:refs/heads/main`)).toBe(true);
  expect(await passes()).toBe(false);
});

test('rea review: what is recorded, what is asked for a range, and bad usage', async () => {
  const { dir, commit, rea, git } = await gitHouse();
  const first = await commit();
  const second = await commit();
  const check = async (range: string) => {
    const { code, stdout } = await rea('review', 'check', range);
    return [code, stdout];
  };
  expect(await check(`${first}..HEAD`)).toEqual([1, `${second}: not reviewed\n`]);
  expect(await check('HEAD..HEAD')).toEqual([0, 'no commits are in the range\n']);
  await rea('review', 'record', '--verdict', 'pass', '--by', 'Ada');
  const [code, line] = await check(`${first}..HEAD`);
  expect([code, line]).toEqual([
    0,
    expect.stringMatching(new RegExp(`^${second}: pass by Ada, 20`)),
  ]);
  expect((await check(first))[0]).toBe(1);
  // By a ref that names a tag, and from the side of the remote.
  await git('tag', '-a', '-m', 'x', 'v1');
  expect((await check('v1'))[0]).toBe(0);
  for (const odd of ['nonsense', '--all', '-h']) {
    const { code: exit, stderr } = await rea('review', 'check', '--', odd);
    expect([odd, exit, stderr.split('\n').length]).toEqual([odd, 1, 2]);
  }
  for (const args of [['record'], ['record', '--verdict', 'fine']]) {
    expect((await rea('review', ...args)).code).toBe(2);
  }
  const unknown = await rea('review', 'record', '--verdict', 'pass', '--commit', 'nonsense');
  expect(unknown).toMatchObject({ code: 1, stdout: '' });
  writePolicy(dir, 'audit: off\n');
  const off = await rea('review', 'record', '--verdict', 'pass');
  expect([off.code, off.stderr]).toEqual([
    1,
    'not recorded: the policy has turned the audit log off\n',
  ]);
  rmSync(join(dir, '.rea'), { recursive: true });
  expect((await rea('review', 'record', '--verdict', 'pass')).stderr).toContain('there is no .rea');
});

test('what is not said by git is refused as no hook', async () => {
  const { dir, env } = await gitHouse();
  const { command, args } = reaCommand();
  for (const input of ['rm -rf x\n', 'a b c d\n', 'refs/heads/a 1 refs/heads/a 2\n']) {
    const ended = spawnSync(command, [...args, 'push-gate', 'origin', 'url'], {
      cwd: dir,
      env,
      input,
    });
    expect(ended.status).toBe(2);
    expect(ended.stderr.toString()).toMatch(/^rea push-gate: git runs this before a push.*\n$/);
  }
  const empty = spawnSync(command, [...args, 'push-gate', 'origin', 'url'], {
    cwd: dir,
    env,
    input: '',
  });
  expect(empty.status).toBe(0);
});
