/** The push gate with real git: what may leave without a review, what may not, and what is said. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { auditRecords, verify } from '../support/audit.ts';
import { type GitHouse, gitHouse } from '../support/git-house.ts';
import { writeFloor, writePolicy } from '../support/policy-house.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const ENFORCE = 'push_gate: enforce\n';

async function enforced(policy = ENFORCE): Promise<GitHouse> {
  const house = await gitHouse();
  writePolicy(house.dir, policy);
  return house;
}

/** With `main` at the remote, its commit reviewed. */
async function pushed(policy = ENFORCE): Promise<GitHouse & { first: string }> {
  const house = await enforced(policy);
  const first = await house.commit();
  await house.review(first);
  await house.git('push', '-u', 'origin', 'main');
  return { ...house, first };
}

test('a commit that nobody has reviewed is named and, by default, pushed', async () => {
  const { commit, tryGit, rea, review, remoteRef } = await gitHouse();
  const first = await commit();
  const warned = await tryGit(['push', 'origin', 'main']);
  expect(warned.code).toBe(0);
  expect(warned.stderr).toContain(
    `rea push-gate: refs/heads/main ${first.slice(0, 12)} (new: 1) was not reviewed; to record that it was: rea review record --verdict pass --commit ${first}\n`,
  );
  expect(await remoteRef('main')).toBe(first);
  // Git takes such names.
  const hiding = await tryGit(['push', 'origin', 'main:refs/heads/x\u202ey']);
  expect([hiding.code, hiding.stderr.includes('rea push-gate')]).toEqual([0, false]);
  const second = await commit();
  const odd = await tryGit(['push', 'origin', 'main:refs/heads/x\u202ey']);
  expect(odd.stderr).toContain('refs/heads/x\\u202ey');
  expect((await review(second)).stdout).toBe(`${second}: pass\n`);
  const quiet = await tryGit(['push', 'origin', 'main']);
  expect([quiet.code, quiet.stderr.includes('rea push-gate')]).toEqual([0, false]);
  // Git has nothing to say to the hook then.
  expect((await tryGit(['push', 'origin', 'main'])).code).toBe(0);
  expect((await rea('audit', 'verify')).code).toBe(0);
});

test('an unborn remote, and a new branch: enforce refuses until exactly that commit was reviewed', async () => {
  const { commit, tryGit, review, remoteRef, git } = await enforced();
  const first = await commit();
  const refused = await tryGit(['push', 'origin', 'main']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('nothing is pushed (push_gate: enforce, .rea/policy.yaml:1)');
  expect(await remoteRef('main')).toBeNull();
  await review(first);
  expect((await tryGit(['push', 'origin', 'main'])).code).toBe(0);
  await git('checkout', '-q', '-b', 'side');
  const second = await commit();
  expect((await tryGit(['push', 'origin', 'side'])).code).not.toBe(0);
  await review('HEAD');
  // An amended commit is another one.
  await git('commit', '-q', '--amend', '-m', 'another');
  expect((await tryGit(['push', 'origin', 'side'])).code).not.toBe(0);
  await git('reset', '-q', '--hard', second);
  expect((await tryGit(['push', 'origin', 'side'])).code).toBe(0);
  // A new name for what the remote has is nothing new.
  await git('reset', '-q', '--hard', second);
  expect((await tryGit(['push', 'origin', `${second}:refs/heads/again`])).code).toBe(0);
});

test('block refuses, concerns are said and pass, and the last word counts', async () => {
  const { commit, tryGit, rea, review } = await enforced();
  const first = await commit();
  await rea(
    'review',
    'record',
    '--verdict',
    'block',
    '--by',
    'Ada\u001b[31m\u202e',
    '--commit',
    'main',
  );
  const blocked = await tryGit(['push', 'origin', 'main']);
  expect(blocked.code).not.toBe(0);
  expect(blocked.stderr).toMatch(
    /was reviewed by Ada[ -~\ufffd]*, and is not to be pushed \(block\)/,
  );
  await review(first, 'concerns');
  const passed = await tryGit(['push', 'origin', 'main']);
  expect(passed.code).toBe(0);
  expect(passed.stderr).toContain('was reviewed, with concerns');
});

test('a deletion beside a push does not hide it; deletions and older commits alone pass', async () => {
  const { commit, tryGit, git, remoteRef, first } = await pushed();
  await git('push', 'origin', 'main:old');
  const second = await commit();
  const both = await tryGit(['push', 'origin', ':old', 'main']);
  expect(both.code).not.toBe(0);
  expect(both.stderr).toContain(second);
  expect(both.stderr).not.toContain('refs/heads/old');
  expect(await remoteRef('old')).toBe(first);
  expect((await tryGit(['push', 'origin', ':old'])).code).toBe(0);
  expect(await remoteRef('old')).toBeNull();
});

test('a force is judged by what it brings', async () => {
  const { commit, tryGit, git, review, remoteRef, first } = await pushed();
  const second = await commit();
  await review(second);
  await git('push', 'origin', 'main');
  // Back to what was there: nothing new leaves.
  expect((await tryGit(['push', '--force', 'origin', `${first}:main`])).code).toBe(0);
  expect(await remoteRef('main')).toBe(first);
  await git('checkout', '-q', '--orphan', 'other');
  const other = await commit();
  const forced = await tryGit(['push', '--force', 'origin', 'other:main']);
  expect(forced.code).not.toBe(0);
  expect(forced.stderr).toContain(other.slice(0, 12));
  expect(await remoteRef('main')).toBe(first);
  await review(other);
  expect((await tryGit(['push', '--force', 'origin', 'other:main'])).code).toBe(0);
});

test('a tag stands for its commit, whatever kind of tag it is', async () => {
  const { commit, tryGit, git, review, remoteRef } = await pushed();
  await git('tag', 'known');
  expect((await tryGit(['push', 'origin', 'known'])).code).toBe(0);
  const second = await commit();
  await git('tag', '-a', '-m', 'notes', 'v1');
  await git('tag', 'light');
  for (const tag of ['v1', 'light']) {
    const refused = await tryGit(['push', 'origin', tag]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(`--commit ${second}`);
    expect(await remoteRef(tag)).toBeNull();
  }
  await review('v1');
  expect((await tryGit(['push', 'origin', 'v1', 'light'])).code).toBe(0);
  // What is no commit can only be passed over by a person.
  const blob = (await tryGit(['hash-object', '-w', '.gitignore'])).stdout.trim();
  await git('tag', 'blob', blob);
  const odd = await tryGit(['push', 'origin', 'blob']);
  expect(odd.code).not.toBe(0);
  expect(odd.stderr).toContain('is no commit, so nobody can have reviewed it');
});

test('two refspecs: each is judged, and one refuses both', async () => {
  const { commit, tryGit, git, review, remoteRef } = await pushed();
  await git('checkout', '-q', '-b', 'good');
  await review(await commit());
  await git('checkout', '-q', '-b', 'bad', 'main');
  const bad = await commit();
  const refused = await tryGit(['push', 'origin', 'good', 'bad:renamed']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(`refs/heads/renamed ${bad.slice(0, 12)}`);
  expect(refused.stderr).not.toContain('refs/heads/good');
  expect(await remoteRef('good')).toBeNull();
  // Git says to the hook what the person has called it.
  await git('commit', '-q', '--allow-empty', '-m', 'with a blank');
  const blank = await tryGit(['push', 'origin', 'HEAD^{/with a blank}:refs/heads/named']);
  expect(blank.code).toBe(1);
  expect(blank.stderr).toContain('refs/heads/named');
  await review('HEAD');
  expect((await tryGit(['push', 'origin', 'HEAD^{/with a blank}:refs/heads/named'])).code).toBe(0);
});

test('of named branches and paths only these are refused, others are said', async () => {
  const {
    dir: house,
    commit,
    tryGit,
    git,
    review,
    remoteRef,
  } = await pushed(
    'push_gate: {mode: enforce, branches: [main, "release/*"], paths: [src/core]}\n',
  );
  await git('checkout', '-q', '-b', 'topic');
  const topic = await commit('readme');
  const said = await tryGit(['push', 'origin', 'topic']);
  expect(said.code).toBe(0);
  expect(said.stderr).toContain(`${topic.slice(0, 12)} (new: 1) was not reviewed`);
  expect(await remoteRef('topic')).toBe(topic);
  // The commit is at the remote, and was never reviewed: a named branch asks for that.
  for (const target of ['main', 'release/1']) {
    expect((await tryGit(['push', 'origin', `topic:${target}`])).code).not.toBe(0);
  }
  mkdirSync(join(house, 'src/core'), { recursive: true });
  const core = await commit('src/core/a');
  // What a later commit takes back has left all the same.
  await git('rm', '-q', 'src/core/a');
  await git('commit', '-q', '-m', 'gone');
  await commit('harmless');
  expect((await tryGit(['push', 'origin', 'topic'])).code).not.toBe(0);
  await review(core);
  expect((await tryGit(['push', 'origin', 'topic'])).code).not.toBe(0);
  await review('HEAD');
  expect((await tryGit(['push', 'origin', 'topic'])).code).toBe(0);
  // What leaves a path has touched it as well, whatever git log is told to leave out.
  await git('checkout', '-q', '--orphan', 'from-nothing');
  await git('rm', '-rfq', '.');
  await git('config', 'log.showRoot', 'false');
  mkdirSync(join(house, 'src/core'), { recursive: true });
  const born = await commit('src/core/b');
  expect((await tryGit(['push', 'origin', 'from-nothing'])).code).not.toBe(0);
  await review(born);
  await git('push', 'origin', 'from-nothing');
  await git('mv', 'src/core/b', 'elsewhere');
  await git('commit', '-q', '-m', 'moved');
  expect((await tryGit(['push', 'origin', 'from-nothing'])).code).not.toBe(0);
});

test('a commit that stands in for another one here hides nothing', async () => {
  const { commit, tryGit, git, first } = await pushed();
  const second = await commit();
  // As if what the remote has came after it.
  await git('replace', '--graft', first, second);
  const refused = await tryGit(['push', 'origin', 'main']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(`--commit ${second}`);
});

test('a project cannot make the floor milder', async () => {
  const house = await enforced('push_gate: off\n');
  await house.commit();
  const home = join(dirname(house.dir), 'config');
  writeFloor(home, 'push_gate: {mode: enforce, branches: [main]}\n');
  const env = { XDG_CONFIG_HOME: home };
  const refused = await house.tryGit(['push', 'origin', 'main'], { env });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/push_gate: enforce, .*config\/rea\/policy\.yaml:1/);
  expect((await house.tryGit(['push', 'origin', 'main'])).stderr).not.toContain('rea push-gate');
});

test('HALT lets nothing leave, not even by REA_PUSH_SKIP; a policy with a mistake lets nothing leave', async () => {
  const { commit, tryGit, rea, dir, review, remoteRef } = await enforced('push_gate: off\n');
  await review(await commit());
  await rea('freeze', '--reason', 'lunch');
  const halted = await tryGit(['push', 'origin', 'main'], { env: { REA_PUSH_SKIP: 'now' } });
  expect(halted.code).not.toBe(0);
  expect(halted.stderr).toContain('nothing is pushed under HALT: lunch');
  await rea('unfreeze', '--yes');
  writePolicy(dir, 'push_gate: sometimes\n');
  const wrong = await tryGit(['push', 'origin', 'main']);
  expect(wrong.code).not.toBe(0);
  expect(wrong.stderr).toContain('write off, warn or enforce, or a mapping with keys of: mode');
  expect(await remoteRef('main')).toBeNull();
});

test('REA_PUSH_SKIP passes it and is recorded, and not where nothing is recorded', async () => {
  const { commit, tryGit, dir, remoteRef } = await enforced();
  const first = await commit();
  const env = { REA_PUSH_SKIP: 'the house burns' };
  writePolicy(dir, `${ENFORCE}audit: off\n`);
  const unrecorded = await tryGit(['push', 'origin', 'main'], { env });
  expect(unrecorded.code).not.toBe(0);
  expect(unrecorded.stderr).toContain('REA_PUSH_SKIP needs the audit log');
  expect(await remoteRef('main')).toBeNull();
  writePolicy(dir, ENFORCE);
  expect((await tryGit(['push', 'origin', 'main'], { env })).code).toBe(0);
  expect(await remoteRef('main')).toBe(first);
  const skips = auditRecords(dir).filter(({ metadata }) => metadata.event === 'push_skip');
  expect(skips).toMatchObject([
    { metadata: { reason: 'the house burns', refs: [`refs/heads/main ${first}`] } },
  ]);
  expect((await verify(dir)).code).toBe(0);
});

test('a shallow clone, a worktree and a submodule know the reviews of their project', async () => {
  const house = await pushed();
  const { dir, remote, git, tryGit, commit, review, rea, remoteRef, first } = house;
  // A worktree: `.rea` is in the main one.
  const tree = join(dirname(dir), 'tree');
  await git('worktree', 'add', '-q', '-b', 'treed', tree);
  const second = await commit('from-tree', { cwd: tree });
  const inTree = await tryGit(['push', 'origin', 'treed'], { cwd: tree });
  expect(inTree.stderr).toContain(second.slice(0, 12));
  expect(inTree.code).not.toBe(0);
  await review(second);
  expect((await tryGit(['push', 'origin', 'treed'], { cwd: tree })).code).toBe(0);

  // A shallow clone has its own hooks and `.rea`, and not the commits before.
  const shallow = join(dirname(dir), 'shallow');
  await git('clone', '-q', '--depth', '1', `file://${remote}`, shallow);
  mkdirSync(join(shallow, '.rea'), { mode: 0o700 });
  writePolicy(shallow, ENFORCE);
  await tryGit(['config', 'user.name', 'B'], { cwd: shallow });
  expect((await rea('push-gate', 'install', '--cwd', shallow)).code).toBe(0);
  const third = await commit('from-shallow', { cwd: shallow });
  expect((await tryGit(['push', 'origin', 'main'], { cwd: shallow })).code).not.toBe(0);
  await rea('review', 'record', '--verdict', 'pass', '--cwd', shallow);
  expect((await tryGit(['push', 'origin', 'main'], { cwd: shallow })).code).toBe(0);
  expect(await remoteRef('main')).toBe(third);

  // A submodule: the `.rea` of the project around it holds.
  await git('submodule', 'add', '-q', remote, 'sub');
  const sub = join(dir, 'sub');
  expect((await rea('push-gate', 'install', '--cwd', sub)).code).toBe(0);
  const fourth = await commit('from-sub', { cwd: sub });
  expect((await tryGit(['push', 'origin', 'HEAD:sub'], { cwd: sub })).code).not.toBe(0);
  await rea('review', 'record', '--verdict', 'pass', '--commit', fourth, '--cwd', sub);
  expect((await tryGit(['push', 'origin', 'HEAD:sub'], { cwd: sub })).code).toBe(0);
  expect(first).not.toBe(fourth);
});
