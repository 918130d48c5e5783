/** Who else could change a configuration file: real modes, links and, where tests run as root, owners. */
import { chmodSync, chownSync, lchownSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type HostFacts, hostFacts } from '#src/main/config/host-facts.ts';
import { loadConfig } from '#src/main/config/load.ts';
import { loadPolicy } from '#src/main/config/policy.ts';
import { formatProblem } from '#src/main/config/problem.ts';
import { doubtsAbout } from '#src/main/config/trust.ts';
import { directory, NO_FLOOR, write } from './files.ts';

const REGISTRY = 'version: "1"\nservers:\n  - {name: a, command: run}\n';
const isRoot = process.getuid?.() === 0;
const ME = process.getuid?.() ?? 0;
const STRANGER = 54_321;

/** A project whose registry nobody else can change. */
function project() {
  const cwd = join(directory(), 'project');
  mkdirSync(cwd, { mode: 0o755 });
  const file = write(cwd, '.rea/registry.yaml', REGISTRY);
  return { cwd, rea: dirname(file), file };
}

/** Problems, or else warnings. */
function answer(cwd: string, options: { file?: string; trustConfig?: boolean } = {}) {
  const result = loadConfig({ cwd, env: {}, ...options });
  return result.ok
    ? { ok: true, lines: result.config.warnings }
    : { ok: false, lines: result.problems.map(formatProblem) };
}

const fine = { ok: true, lines: [] };

/** @returns a user whose file it is not, nor root's. */
function madeForeign(file: string): number {
  if (!isRoot) return STRANGER;
  chownSync(file, STRANGER, STRANGER);
  return ME;
}

describe('a configuration file', () => {
  it.each([
    ['every user', 0o666, 'can be written by every user of this machine (mode 666); chmod o-w '],
    ['every user but its group', 0o602, 'every user of this machine (mode 602); chmod o-w '],
  ])('that %s can write is refused', (_name, mode, text) => {
    const { cwd, file } = project();
    chmodSync(file, mode);
    const { ok, lines } = answer(cwd);
    expect(ok).toBe(false);
    expect(lines).toEqual([expect.stringContaining(`.rea/registry.yaml: `)]);
    expect(lines[0]).toContain(`${text}${file}, or pass --trust-config`);
    chmodSync(file, 0o644);
    expect(answer(cwd)).toEqual(fine);
  });

  it.each([
    ['in', '.rea', 0o777],
    ['in', '.rea', 0o702],
    ['above', '.', 0o777],
    ['further above', '..', 0o757],
  ])('%s a directory that every user can write to is refused: %s, %s', (_where, name, mode) => {
    const { cwd } = project();
    const path = join(cwd, name);
    chmodSync(path, mode);
    const { ok, lines } = answer(cwd);
    expect(ok).toBe(false);
    expect(lines).toEqual([
      `.rea/registry.yaml: is reached through ${path}, which can be written by every user of this machine (mode ${mode.toString(8)}); chmod o-w ${path}, or pass --trust-config`,
    ]);
    // Nobody can replace what is somebody else's there.
    chmodSync(path, mode | 0o1000);
    expect(answer(cwd)).toEqual(fine);
  });

  it('tells of each place where something is wrong', () => {
    const { cwd, rea, file } = project();
    for (const path of [cwd, rea, file]) chmodSync(path, 0o777);
    expect(answer(cwd).lines).toHaveLength(3);
  });

  it.each([
    ['the file', '.rea/registry.yaml', 0o664, 1],
    ['its directory', '.rea', 0o775, 1],
    ['a directory above', '.', 0o775, 0],
    ['its directory, with the sticky bit', '.rea', 0o1775, 0],
  ])('gives one warning when its group can write: %s', (_where, name, mode, count) => {
    const { cwd } = project();
    chmodSync(join(cwd, name), mode);
    const { ok, lines } = answer(cwd);
    expect(ok).toBe(true);
    expect(lines).toHaveLength(count);
    if (count > 0) {
      expect(lines[0]).toContain(
        `can be written by its group (mode ${mode.toString(8)}); chmod g-w`,
      );
    }
  });

  it('gives one warning when several of them can be written by groups', () => {
    const { cwd, rea, file } = project();
    for (const path of [rea, file]) chmodSync(path, 0o775);
    expect(answer(cwd).lines).toEqual([expect.stringContaining('registry.yaml: can be written')]);
  });

  it.each([
    ['its target', (to: string) => to],
    ['the directory of its target', (to: string) => dirname(to)],
    ['a directory above its target', (to: string) => dirname(dirname(to))],
  ])('that is a link is refused when every user can write to %s', (_name, pick) => {
    const { cwd, file } = project();
    const target = write(directory(), 'far/away/registry.yaml', REGISTRY);
    const link = join(cwd, 'linked.yaml');
    symlinkSync(target, link);
    expect(answer(cwd, { file: link })).toEqual({
      ok: true,
      lines: [
        'linked.yaml: is a symbolic link; whoever can write its target decides which programs are started',
      ],
    });
    chmodSync(pick(target), 0o777);
    expect(answer(cwd, { file: link })).toMatchObject({ ok: false });
    expect(answer(cwd, { file })).toEqual(fine);
  });

  it('is found through links to directories, relative ones and links to links', () => {
    const base = directory();
    const file = write(base, 'real/deep/registry.yaml', REGISTRY);
    mkdirSync(join(base, 'open'));
    symlinkSync('../real/./deep', join(base, 'open/one'));
    symlinkSync('open/one', join(base, 'two'));
    const given = join(base, 'two/registry.yaml');
    expect(answer(base, { file: given })).toEqual(fine);
    // The link in it could be turned elsewhere.
    chmodSync(join(base, 'open'), 0o777);
    expect(answer(base, { file: given }).lines).toEqual([expect.stringContaining('/open, which')]);
    chmodSync(join(base, 'open'), 0o700);
    chmodSync(dirname(file), 0o777);
    expect(answer(base, { file: given }).lines).toEqual([
      expect.stringContaining('/real/deep, which'),
    ]);
  });

  it('holds for the policy as for the registry', () => {
    const { cwd, rea } = project();
    const policy = write(cwd, '.rea/policy.yaml', 'version: "1"\n');
    expect(loadPolicy({ cwd, env: NO_FLOOR })).toMatchObject({
      ok: true,
      policy: { warnings: [] },
    });
    chmodSync(policy, 0o646);
    expect(loadPolicy({ cwd, env: NO_FLOOR })).toMatchObject({
      ok: false,
      problems: [{ file: '.rea/policy.yaml', fix: expect.stringContaining('chmod o-w') }],
    });
    expect(loadPolicy({ cwd, trustConfig: true, env: NO_FLOOR })).toMatchObject({
      ok: true,
      policy: { warnings: [expect.stringContaining('can be written by every user')] },
    });
    chmodSync(policy, 0o600);
    chmodSync(rea, 0o777);
    expect(loadPolicy({ cwd, env: NO_FLOOR })).toMatchObject({ ok: false });
  });

  it('is read all the same when it is trusted, with one warning that tells the worst', () => {
    const { cwd, rea, file } = project();
    chmodSync(file, 0o664);
    for (const path of [cwd, rea]) chmodSync(path, 0o777);
    expect(answer(cwd, { trustConfig: true })).toEqual({
      ok: true,
      lines: [expect.stringContaining(`${rea}, which can be written by every user`)],
    });
  });

  it('is named in a command so that it can be pasted, whatever it is called', () => {
    const cwd = directory();
    const file = write(cwd, "it's $(mine).yaml", REGISTRY);
    chmodSync(file, 0o666);
    expect(answer(cwd, { file }).lines[0]).toContain(`chmod o-w '${cwd}/it'\\''s $(mine).yaml',`);
  });

  it('is refused when it is not what was opened', () => {
    const { cwd, file } = project();
    const other = write(cwd, 'other.yaml', REGISTRY);
    expect(doubtsAbout(file, statSync(file))).toEqual([]);
    expect(doubtsAbout(file, statSync(other))).toMatchObject([
      { weight: 'refuse', message: 'was replaced while it was read' },
    ]);
    expect(doubtsAbout(join(cwd, 'gone.yaml'), statSync(other))).toMatchObject([
      { weight: 'refuse', message: 'its path cannot be followed (ENOENT)' },
    ]);
  });
});

describe('the owner of a configuration file', () => {
  const owned = (file: string, user: number, facts?: HostFacts) =>
    doubtsAbout(file, statSync(file), user, facts);

  it('is this user or root, and nobody else', () => {
    const { file } = project();
    expect(owned(file, ME)).toEqual([]);
    const viewer = madeForeign(file);
    const [first] = owned(file, viewer);
    expect(first?.weight).toBe('refuse');
    expect(first?.message).toBe(`belongs to user ${statSync(file).uid}, not to ${viewer} or root`);
  });

  it.runIf(isRoot).each([
    ['file', '.rea/registry.yaml', ''],
    ['directory', '.rea', 'is reached through PATH, which '],
    ['directory above', '.', 'is reached through PATH, which '],
  ])('may be nobody else: %s', (_what, name, where) => {
    const { cwd } = project();
    const path = join(cwd, name);
    chownSync(path, STRANGER, STRANGER);
    const { ok, lines } = answer(cwd);
    expect(ok).toBe(false);
    expect(lines).toHaveLength(1);
    const text = `${where.replace('PATH', path)}belongs to user ${STRANGER}, not to 0 or root; keep it`;
    expect(lines[0]).toContain(`.rea/registry.yaml: ${text}`);
    expect(answer(cwd, { trustConfig: true }).ok).toBe(true);
  });

  it.runIf(isRoot)('may be nobody else where all can make files: a file, and a link', () => {
    const cwd = directory();
    chmodSync(cwd, 0o1777);
    const file = write(cwd, 'mcp.yaml', REGISTRY);
    const link = join(cwd, 'link.yaml');
    symlinkSync(file, link);
    expect(answer(cwd, { file: link }).ok).toBe(true);
    lchownSync(link, STRANGER, STRANGER);
    expect(answer(cwd, { file: link }).ok).toBe(false);
    expect(answer(cwd, { file })).toEqual(fine);
    chownSync(file, STRANGER, STRANGER);
    expect(answer(cwd, { file }).ok).toBe(false);
  });
});

describe('where modes and owners mean little', () => {
  const host = (mounts: string, users = '0 0 4294967295') =>
    hostFacts((path) =>
      path.endsWith('mountinfo') ? mounts : path.endsWith('uid_map') ? users : '65534\n',
    );
  /** As in the system's table, with the device of `path`. */
  const mount = (path: string, type: string) => {
    const { dev } = statSync(path, { bigint: true });
    const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
    const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
    return `22 1 0:999999 / /proc rw - proc proc rw\n36 22 ${major}:${minor} / /mnt/c rw,noatime shared:1 - ${type} C:\\ rw\n`;
  };

  it.each(['vfat', 'exfat', 'ntfs3', 'fuseblk', '9p', 'cifs', 'drvfs'])(
    'a file system without modes gives a warning: %s',
    (type) => {
      const { cwd, rea, file } = project();
      for (const path of [cwd, rea, file]) chmodSync(path, 0o777);
      const doubts = doubtsAbout(file, statSync(file), ME, host(mount(file, type)));
      expect(doubts).toHaveLength(3);
      for (const { weight, message } of doubts) {
        expect(weight).toBe('warn');
        expect(message).toContain(`is on a file system without modes (${type})`);
      }
    },
  );

  it.each(['ext4', 'tmpfs', 'fuse', 'fuse.sshfs', 'overlay', 'nfs4'])(
    'others have modes that hold: %s',
    (type) => {
      const { file } = project();
      chmodSync(file, 0o777);
      expect(doubtsAbout(file, statSync(file), ME, host(mount(file, type)))).toMatchObject([
        { weight: 'refuse' },
      ]);
    },
  );

  it('the system itself is asked for the type', () => {
    // What is on no disk is a tmpfs or the like on every Linux.
    const { dev } = statSync('/proc');
    expect(hostFacts().modelessFileSystem(dev)).toBeNull();
    expect(hostFacts(() => '').modelessFileSystem(dev)).toBeNull();
  });

  it('an owner that the user namespace does not know gives a warning', () => {
    const { file } = project();
    const viewer = madeForeign(file);
    const facts: HostFacts = { ...host(''), isUnknownUser: () => true };
    expect(doubtsAbout(file, statSync(file), viewer, facts)).toMatchObject([
      { weight: 'warn', message: expect.stringContaining('not known in this user namespace') },
    ]);
  });

  it.each([
    ['0 0 4294967295', false],
    ['         0          0 4294967295\n', false],
    ['0 1000 1', true],
    ['0 1000 1\n1 100000 65536', false],
    ['0 1000 1\n1 100000 65533', true],
    ['', false],
  ])('knows who is known in a namespace: %j', (users, unknown) => {
    expect(host('', users).isUnknownUser(65_534)).toBe(unknown);
    expect(host('', users).isUnknownUser(1234)).toBe(false);
  });

  it('an owner that is not known does not hide a mode that is wrong', () => {
    const { file } = project();
    const viewer = madeForeign(file);
    chmodSync(file, 0o666);
    const everybody: HostFacts = { ...host(''), isUnknownUser: () => true };
    const doubts = doubtsAbout(file, statSync(file), viewer, everybody);
    expect(doubts[0]).toMatchObject({ weight: 'refuse' });
    expect(doubts[0]?.message).toContain('can be written by every user');
  });
});

it('nothing is doubted where there are no users', () => {
  const { file } = project();
  chmodSync(file, 0o666);
  const { getuid } = process;
  Object.defineProperty(process, 'getuid', { value: undefined, configurable: true });
  onTestFinished(() => {
    Object.defineProperty(process, 'getuid', { value: getuid, configurable: true });
  });
  expect(doubtsAbout(file, statSync(file))).toEqual([]);
});
