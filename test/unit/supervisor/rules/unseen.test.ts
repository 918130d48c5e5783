/** What the system does not show is not taken for what is not there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Rights } from '#src/workers/supervisor/rules/rights.ts';
import { meaningOf } from '#src/workers/supervisor/rules/unseen.ts';
import { makePathWorld, type PathWorld } from '../../../support/path-world.ts';

const NOBODY = 65_534;
const IS_ROOT = process.platform === 'linux' && process.getuid?.() === 0;

let world: PathWorld;
beforeEach(() => {
  world = makePathWorld();
});
afterEach(() => world.remove());

async function refusalOf(text: string): Promise<string | null> {
  const line = JSON.stringify({ method: 'tools/call', params: { name: 'x', arguments: { text } } });
  const refusal = await world.rule.request(Buffer.from(`${line}\n`));
  return refusal === null ? null : refusal.why;
}

test.each([
  ['ENOENT', 'nothing'],
  ['ENOTDIR', 'nothing'],
  ['EINVAL', 'nothing'],
  ['EILSEQ', 'nothing'],
  ['ERR_INVALID_ARG_VALUE', 'nothing'],
  ['ENAMETOOLONG', 'nothing'],
  ['EACCES', 'closed'],
  ['EPERM', 'closed'],
  ['EIO', 'unknown'],
  ['ESTALE', 'unknown'],
  ['ELOOP', 'unknown'],
  ['ENOTCONN', 'unknown'],
  ['ETIMEDOUT', 'unknown'],
  ['EMFILE', 'unknown'],
  ['ENOMEM', 'unknown'],
  ['ESOMETHINGNEW', 'unknown'],
])('%s means %s', (code, meaning) => {
  expect(meaningOf(code, '/x/y')).toBe(meaning);
});

test('a name may be too long for its file system, and a path only for us', () => {
  const path = (bytes: number) => `/${'x'.repeat(bytes - 1)}`;
  expect(meaningOf('ENAMETOOLONG', path(4095))).toBe('nothing');
  expect(meaningOf('ENAMETOOLONG', path(4096))).toBe('unknown');
  expect(meaningOf('ENAMETOOLONG', `/${'\u4e2d'.repeat(1365)}`)).toBe('unknown');
});

describe('links', () => {
  /** @returns the first of so many, each of which leads to the next. */
  function chain(length: number, target: string): string {
    for (let at = 0; at < length; at += 1) {
      symlinkSync(at === 0 ? target : `chain-${at - 1}`, join(world.cwd, `chain-${at}`));
    }
    return `chain-${length - 1}`;
  }

  test('more of them than the system follows are followed, as some programs do', async () => {
    const first = chain(60, '.rea');
    const path = join(world.cwd, first, 'registry.yaml');
    expect(() => readFileSync(path)).toThrow('ELOOP');
    expect(await refusalOf(`${first}/registry.yaml`)).toContain('.rea');
    expect(await refusalOf('chain-39/registry.yaml')).toContain('.rea');
  });

  test('with too many of them it is not known where they lead', async () => {
    const first = chain(300, 'src');
    expect(await refusalOf(first)).toContain('cannot be looked at (ELOOP)');
    expect(await refusalOf('chain-100/index.ts')).toBeNull();
  });

  test('those that lead round and round lead nowhere', async () => {
    const { cwd } = world;
    mkdirSync(join(cwd, 'ring'));
    symlinkSync('itself', join(cwd, 'itself'));
    symlinkSync('b/x', join(cwd, 'a'));
    symlinkSync('a/y', join(cwd, 'b'));
    symlinkSync('../ring/round/z', join(cwd, 'ring/round'));
    for (const text of ['itself', 'itself/x', 'a', 'b/x', 'ring/round', 'ring/round/../x']) {
      expect(await refusalOf(text), text).toBeNull();
    }
    // Of the gateway's own name nothing is made by way of them either.
    expect(await refusalOf('itself/.rea')).not.toBeNull();
  });

  test('one that is met again on a way that goes on is no round', async () => {
    const { cwd } = world;
    mkdirSync(join(cwd, 'there'));
    symlinkSync('there', join(cwd, 'again'));
    symlinkSync('../again/second', join(cwd, 'there/first'));
    symlinkSync('../again/third', join(cwd, 'there/second'));
    symlinkSync('../.rea', join(cwd, 'there/third'));
    expect(readFileSync(join(cwd, 'again/first/registry.yaml'), 'utf8')).not.toBe('');
    expect(await refusalOf('again/first/registry.yaml')).not.toBeNull();
    expect(await refusalOf('again/../again/../src/index.ts')).toBeNull();
  });
});

test('a place that is too deep for its whole path is not taken for nothing', async () => {
  const { cwd } = world;
  const deep = (count: number) => Array.from({ length: count }, () => 'd'.repeat(200)).join('/');
  const [upper, lower] = [join(cwd, 'upper', deep(15)), join(cwd, 'lower', deep(10))];
  for (const path of [upper, lower]) mkdirSync(path, { recursive: true });
  symlinkSync(join(cwd, '.rea'), join(lower, 'inside'));
  symlinkSync(join('upper', deep(15)), join(cwd, 'way'));
  renameSync(join(cwd, 'lower'), join(upper, 'lower'));
  try {
    const path = join('way/lower', deep(10), 'inside/registry.yaml');
    expect(readFileSync(join(cwd, path), 'utf8')).not.toBe('');
    expect(() => lstatSync(join(upper, 'lower', deep(10), 'inside'))).toThrow('ENAMETOOLONG');
    expect(await refusalOf(path)).toContain('cannot be looked at (ENAMETOOLONG)');
    expect(await refusalOf(join('way/lower', deep(2)))).toBeNull();
  } finally {
    // Nobody could remove it there.
    renameSync(join(upper, 'lower'), join(cwd, 'lower'));
  }
});

test('a name that no file system has is nothing, however the path goes on', async () => {
  for (const text of [
    `${'\u4e2d'.repeat(200)}/x`,
    `src/${'\u4e2d'.repeat(200)}/../x`,
    'src/index.ts/x/y',
    'src/a\0b/c',
  ]) {
    expect(await refusalOf(text), text).toBeNull();
  }
});

describe.skipIf(!IS_ROOT)('rights', () => {
  /** @returns the pid of a process that leads a group and says something when it is up. */
  async function start(script: string, uid = 0): Promise<number> {
    const child = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(uid === 0 ? {} : { uid, gid: uid }),
    });
    const { pid = 0 } = child;
    onTestFinished(() => void process.kill(-pid, 'SIGKILL'));
    await once(child.stdout, 'data');
    return pid;
  }
  const exceed = (pid: number | null) => new Rights(() => pid).exceedOurs();

  test('a server with our user has ours', async () => {
    expect(exceed(await start('echo up; exec sleep 600'))).toBe(false);
    expect(exceed(await start('echo up; sleep 600 & wait'))).toBe(false);
  });

  test('one with another user, or that has started such a process, has others', async () => {
    expect(exceed(await start('echo up; exec sleep 600', NOBODY))).toBe(true);
    const drops = 'setpriv --reuid=65534 --clear-groups sh -c "echo up; exec sleep 600" & wait';
    expect(exceed(await start(drops))).toBe(true);
    const group = 'setpriv --groups=4242 sh -c "echo up; exec sleep 600" & wait';
    expect(exceed(await start(group))).toBe(true);
  });

  test('without a process nobody knows', () => {
    expect(exceed(null)).toBe(true);
  });
});
