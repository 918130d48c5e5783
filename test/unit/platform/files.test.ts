/** What a gateway keeps in `.rea`: the directory itself, its record, and what is left of dead ones. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directoryProblem, prepareDirectory } from '#src/main/processes/directory.ts';
import { createGroupsFile } from '#src/main/processes/groups.ts';
import {
  instancePath,
  picturePath,
  removeInstance,
  writeInstance,
  writeLastStop,
} from '#src/main/processes/instance.ts';
import { reapDeadGateways } from '#src/main/processes/reaper.ts';
import { groupsHeader, parseGroups } from '#src/shared/model/groups.ts';
import { ownIdentity, systemLook } from '#src/shared/platform/identity.ts';
import { writeWholeFile } from '#src/shared/platform/safe-file.ts';

const me = ownIdentity();
let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'rea-files-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const prepared = (): string => {
  const result = prepareDirectory(cwd);
  if (!result.ok) throw new Error(result.error);
  return result.dir;
};
const record = (session: string) => ({
  ...me,
  session_id: session,
  started_at: new Date().toISOString(),
  endpoint: { stdio: true, http: null, auth: null, token_file: null },
  state_dir: null,
  log_file: null,
  halt: { active: false, reason: null },
});

describe('prepareDirectory', () => {
  it('creates both directories private, and accepts them again', () => {
    const dir = prepared();
    expect(dir).toBe(join(cwd, '.rea'));
    expect([mode(dir), mode(join(dir, 'run'))]).toEqual(['700', '700']);
    expect(prepareDirectory(cwd)).toEqual({ ok: true, dir });
  });

  it.each([
    ['a symbolic link', () => symlinkSync(tmpdir(), join(cwd, '.rea')), 'it is a symbolic link'],
    ['a file', () => writeFileSync(join(cwd, '.rea'), ''), 'it is a file, not a directory'],
    [
      'a directory open to others',
      () => {
        mkdirSync(join(cwd, '.rea'));
        chmodSync(join(cwd, '.rea'), 0o770);
      },
      'others can write to it (mode 770)',
    ],
    ['no parent', () => rmSync(cwd, { recursive: true }), 'ENOENT'],
  ])('refuses %s in one line with the directory and the option', (_name, plant, why) => {
    plant();
    const result = prepareDirectory(cwd);
    const error = result.ok ? '' : result.error;
    expect(error).toContain(`${cwd}/.rea: ${why}`);
    expect(error).toContain('--cwd');
    expect(error).not.toContain('\n');
  });

  it('says how to close a directory that others can write to', () => {
    const dir = prepared();
    chmodSync(join(dir, 'run'), 0o720);
    const result = prepareDirectory(cwd);
    expect(result.ok ? '' : result.error).toContain(`chmod go-w ${dir}/run`);
    chmodSync(join(dir, 'run'), 0o720 & ~0o022);
    expect(prepareDirectory(cwd)).toEqual({ ok: true, dir });
  });

  it('is told before by a look that creates nothing', () => {
    expect(directoryProblem(cwd)).toBeNull();
    expect(readdirSync(cwd)).toEqual([]);
    const dir = prepared();
    expect(directoryProblem(cwd)).toBeNull();
    chmodSync(dir, 0o777);
    expect(directoryProblem(cwd)).toEqual({
      path: dir,
      message: 'others can write to it (mode 777)',
      fix: `chmod go-w ${dir}`,
    });
    rmSync(dir, { recursive: true });
    symlinkSync(tmpdir(), dir);
    expect(directoryProblem(cwd)?.message).toBe('it is a symbolic link, not a directory');
  });

  it('refuses a planted run directory too', () => {
    mkdirSync(join(cwd, '.rea'), { mode: 0o700 });
    symlinkSync(tmpdir(), join(cwd, '.rea/run'));
    expect(prepareDirectory(cwd)).toMatchObject({ ok: false });
  });
});

describe('files of a gateway', () => {
  it('are private, whole, and gone after a clean stop', () => {
    const dir = prepared();
    writeInstance(dir, record('s1'));
    const groups = createGroupsFile(dir, 's1', me);
    expect(parseGroups(readFileSync(groups, 'utf8')).gateway).toEqual(me);
    expect([mode(groups), mode(instancePath(dir, 's1'))]).toEqual(['600', '600']);
    expect(readdirSync(join(dir, 'run')).sort()).toEqual(['s1.groups', 's1.json']);
    writeLastStop(dir, { session_id: 's1', stopped_at: '', reason: 'SIGTERM', servers: [] });
    removeInstance(dir, 's1');
    removeInstance(dir, 's1');
    expect(readdirSync(join(dir, 'run'))).toEqual(['last.json']);
  });

  it('are not created twice', () => {
    const dir = prepared();
    createGroupsFile(dir, 's1', me);
    expect(() => createGroupsFile(dir, 's1', me)).toThrow(/EEXIST/);
    expect(readdirSync(join(dir, 'run'))).toEqual(['s1.groups']);
  });

  it('replace a planted link instead of writing through it', () => {
    const dir = prepared();
    const victim = join(cwd, 'victim');
    writeFileSync(victim, 'untouched');
    const path = join(dir, 'run/last.json');
    symlinkSync(victim, path);
    symlinkSync(victim, join(dir, `run/.last.json.${process.pid}.tmp`));
    writeWholeFile(path, 'new', 'replace');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readFileSync(victim, 'utf8')).toBe('untouched');
    expect(readdirSync(join(dir, 'run'))).toEqual(['last.json']);
  });
});

describe('reapDeadGateways', () => {
  const dead = { ...me, start_time: '1' };
  const foreign = { ...me, pid_ns: 'pid:[1]' };
  const reap = (dir: string) => reapDeadGateways(dir, me, systemLook());
  const age = (path: string, hours: number): void => {
    const at = Date.now() / 1000 - hours * 3600;
    utimesSync(path, at, at);
  };

  it('finds nothing where there is nothing', async () => {
    expect(await reap(join(cwd, 'missing'))).toEqual({ ended: [], removed: [], problems: [] });
  });

  it('removes the record and the picture of a dead gateway that has no groups file', async () => {
    const dir = prepared();
    writeInstance(dir, { ...record('s1'), start_time: '1' });
    writeFileSync(picturePath(dir, 's1'), '{}');
    writeInstance(dir, record('s2'));
    writeFileSync(picturePath(dir, 's2'), '{}');
    const { removed } = await reap(dir);
    expect([...removed].sort()).toEqual(['s1.json', 's1.state.json']);
  });

  it('leaves a gateway of another pid namespace alone for a day', async () => {
    const dir = prepared();
    const file = createGroupsFile(dir, 's1', foreign);
    age(file, 23);
    expect((await reap(dir)).removed).toEqual([]);
    age(file, 25);
    expect((await reap(dir)).removed).toEqual(['s1.groups']);
  });

  it('removes malformed files with one line each session, and keeps what is not its own', async () => {
    const dir = prepared();
    const run = join(dir, 'run');
    writeFileSync(join(run, 'broken.groups'), '# rea groups 1 boot=');
    writeFileSync(join(run, 'broken.json'), '{');
    writeFileSync(join(run, 'last.json'), '{}');
    writeFileSync(join(run, 'notes.txt'), '');
    symlinkSync(join(cwd, 'elsewhere'), join(run, 'link.json'));
    mkdirSync(join(run, 'folder.json'));
    const { removed, problems } = await reap(dir);
    expect([...removed].sort()).toEqual(['broken.groups', 'broken.json', 'link.json']);
    expect(problems.filter((line) => line.includes('files of broken are malformed'))).toHaveLength(
      1,
    );
    expect(problems.filter((line) => line.includes('folder.json cannot be removed'))).toHaveLength(
      1,
    );
    expect(readdirSync(run).sort()).toEqual(['folder.json', 'last.json', 'notes.txt']);
  });

  it('removes what a dead gateway was writing, and leaves that of a living one alone', async () => {
    const dir = prepared();
    writeInstance(dir, { ...record('s1'), start_time: '1' });
    writeInstance(dir, record('s2'));
    for (const name of ['.s1.json.1.tmp', '.s1.state.tmp', '.s2.json.1.tmp', '.s1x.json.1.tmp']) {
      writeFileSync(join(dir, 'run', name), '');
    }
    const { removed } = await reap(dir);
    expect([...removed].sort()).toEqual(['.s1.json.1.tmp', '.s1.state.tmp', 's1.json']);
  });

  it('collects temp files that nobody is writing any more', async () => {
    const dir = prepared();
    const [fresh, stale] = [join(dir, 'run/.a.json.1.tmp'), join(dir, 'run/.b.json.1.tmp')];
    writeFileSync(fresh, '');
    writeFileSync(stale, '');
    age(stale, 1);
    expect((await reap(dir)).removed).toEqual(['.b.json.1.tmp']);
    expect(existsSync(fresh)).toBe(true);
  });

  it('never signals this process, whatever a file says', async () => {
    const dir = prepared();
    writeFileSync(
      join(dir, 'run/s1.groups'),
      `${groupsHeader(dead)}+ 1 1 a\n+ ${process.pid} 1 b\n+ 2147483646 1 c\n`,
    );
    expect(await reap(dir)).toEqual({ ended: [], removed: ['s1.groups'], problems: [] });
  });
});
