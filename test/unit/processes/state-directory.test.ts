/** The directory that a gateway keeps outside of its project. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  olderStateDirectories,
  prepareStateDirectory,
  stateDirectory,
} from '#src/main/processes/state-directory.ts';

let top: string;
let cwd: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'rea-state-')));
  cwd = join(top, 'my project');
  mkdirSync(cwd);
  env = { HOME: join(top, 'home'), XDG_STATE_HOME: join(top, 'state') };
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const prepared = (where = cwd): string => {
  const result = prepareStateDirectory({ cwd: where, env });
  if (!result.ok) throw new Error(result.error);
  return result.dir;
};

describe('the place', () => {
  it('is named after the project and its real path, below the state home', () => {
    const dir = stateDirectory({ cwd, env });
    expect(dir).toMatch(/\/state\/rea\/my-project-[0-9a-f]{16}$/);
    symlinkSync(cwd, join(top, 'link'));
    expect(stateDirectory({ cwd: join(top, 'link'), env })).toBe(dir);
    mkdirSync(join(top, 'other', 'my project'), { recursive: true });
    expect(stateDirectory({ cwd: join(top, 'other', 'my project'), env })).not.toBe(dir);
  });

  it.each([
    ['no state home', {}],
    ['an empty one', { XDG_STATE_HOME: '' }],
    ['a relative one', { XDG_STATE_HOME: 'state' }],
  ])('is below ~/.local/state with %s', (_name, variables) => {
    const dir = stateDirectory({ cwd, env: { HOME: join(top, 'home'), ...variables } });
    expect(dir.startsWith(join(top, 'home/.local/state/rea/my-project-'))).toBe(true);
  });

  it('is what was chosen, taken as it is', () => {
    expect(stateDirectory({ cwd, env, chosen: join(top, 'here') })).toBe(join(top, 'here'));
  });

  it('has a name of plain letters whatever the project is called', () => {
    const odd = join(top, `\u001b[31m${'é'.repeat(80)}`);
    mkdirSync(odd);
    expect(basename(stateDirectory({ cwd: odd, env }))).toMatch(/^[A-Za-z0-9._-]{1,81}$/);
    expect(basename(stateDirectory({ cwd: '/', env }))).toMatch(/^root-[0-9a-f]{16}$/);
  });
});

describe('prepareStateDirectory', () => {
  it('creates it private, remembers the project, and accepts it again', () => {
    const dir = prepared();
    expect([mode(dir), mode(join(dir, '..'))]).toEqual(['700', '700']);
    expect(readFileSync(join(dir, 'project'), 'utf8')).toBe(cwd);
    expect(prepareStateDirectory({ cwd, env })).toEqual({ ok: true, dir, warning: null });
  });

  it.each([
    ['a symbolic link', (dir: string) => symlinkSync(top, dir), 'it is a symbolic link'],
    ['a file', (dir: string) => writeFileSync(dir, ''), 'it is a file'],
    [
      'a directory open to others',
      (dir: string) => {
        mkdirSync(dir);
        chmodSync(dir, 0o777);
      },
      'others can write to it (mode 777); chmod go-w ',
    ],
  ])('refuses %s in its place, and in that of the directory above', (_name, plant, why) => {
    const dir = stateDirectory({ cwd, env });
    for (const at of [dir, join(dir, '..')]) {
      rmSync(join(top, 'state'), { recursive: true, force: true });
      mkdirSync(join(at, '..'), { recursive: true, mode: 0o700 });
      plant(at);
      const result = prepareStateDirectory({ cwd, env });
      const error = result.ok ? '' : result.error;
      expect(error).toContain(`cannot use the state directory ${at}: ${why}`);
      expect(error).toContain('--state-dir');
      expect(error).not.toContain('\n');
    }
  });

  it('says in one line that it cannot be made', () => {
    writeFileSync(join(top, 'file'), '');
    const result = prepareStateDirectory({ cwd, env: { XDG_STATE_HOME: join(top, 'file/state') } });
    expect(result).toMatchObject({ ok: false });
    expect(result.ok ? '' : result.error).toMatch(/^cannot use the state directory .*--state-dir$/);
  });

  it('warns of a place in the project', () => {
    const chosen = join(cwd, 'private');
    const result = prepareStateDirectory({ cwd, env, chosen });
    expect(result).toMatchObject({ ok: true, dir: chosen });
    expect(result.ok ? result.warning : null).toContain('lies in the project');
    expect(existsSync(join(top, 'state'))).toBe(false);
  });
});

describe('olderStateDirectories', () => {
  it('names those of projects of the same name that are gone from their places', () => {
    const before = prepared();
    mkdirSync(join(top, 'new'));
    renameSync(cwd, join(top, 'new', 'my project'));
    const moved = join(top, 'new', 'my project');
    prepared(moved);
    expect(olderStateDirectories({ cwd: moved, env })).toEqual([{ dir: before, project: cwd }]);
  });

  it('does not name those of other projects that are there', () => {
    prepared();
    mkdirSync(join(top, 'new', 'my project'), { recursive: true });
    prepared(join(top, 'new', 'my project'));
    expect(olderStateDirectories({ cwd, env })).toEqual([]);
    expect(olderStateDirectories({ cwd, env: { HOME: join(top, 'nobody') } })).toEqual([]);
  });
});
