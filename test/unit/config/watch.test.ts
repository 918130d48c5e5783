/** The watch over the configuration files, with real files. */
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileWatch } from '#src/main/config/watch.ts';
import { until } from '../../support/wait-for.ts';

const LIMIT_MS = 10_000;
let dir = '';
let watch: FileWatch;
let changes = 0;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-watch-'));
  changes = 0;
  writeFileSync(join(dir, 'file'), 'one');
});

afterEach(() => {
  watch.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(...names: string[]): void {
  watch = new FileWatch({
    files: names.map((name) => join(dir, name)),
    everyMs: 5,
    onChange: () => {
      changes += 1;
      watch.acknowledge();
    },
  });
  watch.start();
}

/** Whether the action is told of as one change. */
async function sees(action: () => void): Promise<boolean> {
  const before = changes;
  action();
  await until(() => changes > before, { limitMs: LIMIT_MS, what: 'a change' });
  return changes === before + 1;
}

test('sees every way in which a file can become another one', async () => {
  start('file', 'absent');
  const write = (name: string) => () => writeFileSync(join(dir, name), 'two');
  const remove = (name: string) => () => rmSync(join(dir, name));
  const replace = () => {
    writeFileSync(join(dir, 'other'), 'two');
    renameSync(join(dir, 'other'), join(dir, 'file'));
  };
  writeFileSync(join(dir, 'target'), 'two');
  const actions = [
    write('file'),
    replace,
    replace,
    remove('file'),
    write('file'),
    write('absent'),
    remove('absent'),
    remove('file'),
    () => symlinkSync(join(dir, 'target'), join(dir, 'file')),
    write('target'),
    () => renameSync(dir, `${dir}-away`),
    () => renameSync(`${dir}-away`, dir),
  ];
  for (const action of actions) expect(await sees(action)).toBe(true);
});

test('says nothing while nothing changes, nor of what was acknowledged', async () => {
  start('file');
  writeFileSync(join(dir, 'file'), 'two');
  watch.acknowledge();
  // The next change is the first that is told.
  await sees(() => writeFileSync(join(dir, 'file'), 'three'));
  expect(changes).toBe(1);
});

test('waits until a file is at rest', async () => {
  let looks = 0;
  watch = new FileWatch({
    files: [join(dir, 'file')],
    everyMs: 5,
    onChange: () => {
      looks += 1;
      watch.acknowledge();
    },
  });
  watch.start();
  // Written more often than it is looked at.
  const end = performance.now() + 200;
  for (let text = 'x'; performance.now() < end; text += 'x') {
    writeFileSync(join(dir, 'file'), text);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  expect(looks).toBeLessThanOrEqual(1);
  await until(() => looks >= 1, { limitMs: LIMIT_MS, what: 'the file at rest' });
});
