/** Which directory a command is about that was started somewhere below it. */
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { projectDirectory } from '#src/main/processes/project-directory.ts';

const SOMEBODY = 65_534;

function tree(...directories: readonly string[]): string {
  const top = mkdtempSync(join(tmpdir(), 'rea-project-'));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  for (const one of directories) mkdirSync(join(top, one), { recursive: true });
  return top;
}

it('is the nearest one with a .rea, from there upwards', () => {
  const top = tree('.rea', 'a/b/c', 'x/.rea', 'x/y');
  expect(projectDirectory(top)).toBe(top);
  expect(projectDirectory(join(top, 'a', 'b', 'c'))).toBe(top);
  expect(projectDirectory(join(top, 'x'))).toBe(join(top, 'x'));
  expect(projectDirectory(join(top, 'x', 'y'))).toBe(join(top, 'x'));
  // What is not there may be asked for, too.
  expect(projectDirectory(join(top, 'x', 'nowhere', 'at', 'all'))).toBe(join(top, 'x'));
});

it('is the one asked for where there is none, whatever it is', () => {
  const top = tree('a');
  expect(projectDirectory(join(top, 'a'))).toBe(join(top, 'a'));
  expect(projectDirectory('/')).toBe('/');
});

it('passes over a .rea above that is no directory', () => {
  const top = tree('a/b', 'other/.rea');
  writeFileSync(join(top, 'a', '.rea'), '');
  symlinkSync(join(top, 'other', '.rea'), join(top, '.rea'));
  expect(projectDirectory(join(top, 'a', 'b'))).toBe(join(top, 'a', 'b'));
  // Asked for by name, it is looked at, and what is wrong is said.
  expect(projectDirectory(join(top, 'a'))).toBe(join(top, 'a'));
});

it.skipIf(process.getuid?.() !== 0)(
  'passes over a .rea above that belongs to somebody else',
  () => {
    const top = tree('.rea', 'a/.rea', 'a/b');
    chownSync(join(top, 'a', '.rea'), SOMEBODY, SOMEBODY);
    expect(projectDirectory(join(top, 'a', 'b'))).toBe(top);
    expect(projectDirectory(join(top, 'a'))).toBe(join(top, 'a'));
  },
);
