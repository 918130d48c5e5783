import { describe, expect, it } from 'vitest';
import {
  acquire,
  type LockReply,
  type LockStep,
  release,
  step,
  sweep,
} from '#src/shared/machines/lock.ts';
import { formatLockLine, type LockHolder, parseLockLine } from '#src/shared/machines/lock-line.ts';

const me: LockHolder = { pid: 7, nonce: 'me', start_time: '70', pid_ns: 'ns', boot_id: 'b' };
const other: LockHolder = { ...me, pid: 8, nonce: 'other', start_time: '80' };
const self = { lock: 'L', temp: 'T', line: formatLockLine(me) };

const held = (holder: LockHolder): LockReply => ({
  is: 'held',
  line: formatLockLine(holder),
  holder,
});
const is = (what: 'absent' | 'directory' | 'ok' | 'exists' | 'alive' | 'dead'): LockReply => ({
  is: what,
});

/** Plays replies and notes what was asked for; ends with the outcome. */
function play(first: LockStep, replies: readonly LockReply[]): readonly unknown[] {
  const asked: unknown[] = [];
  let at = first;
  for (const reply of replies) {
    if (at.effect === null) throw new Error('more replies than effects');
    asked.push('name' in at.effect ? `${at.effect.do} ${at.effect.name}` : at.effect.do);
    at = step(self, at.state, reply);
  }
  expect(at.effect).toBeNull();
  return [...asked, at.state.at === 'done' ? at.state.outcome : at.state];
}

describe('taking the lock', () => {
  it.each<[string, readonly LockReply[], readonly unknown[]]>([
    [
      'makes it where there is none',
      [is('absent'), is('ok'), is('ok'), is('ok')],
      ['read L', 'stage', 'link L', 'unlink T', { result: 'owner', previous: null }],
    ],
    [
      'loses when somebody makes it first',
      [is('absent'), is('ok'), is('exists'), is('ok')],
      ['read L', 'stage', 'link L', 'unlink T', { result: 'raced' }],
    ],
    [
      'goes on with the lock of an earlier thread of the process',
      [held(me), is('absent')],
      ['read L', 'unlink T', { result: 'owner', previous: null }],
    ],
    [
      'leaves the lock of the living',
      [held(other), is('alive')],
      ['read L', 'judge', { result: 'busy', holder: other }],
    ],
    [
      'replaces the lock of the dead behind a claim',
      [held(other), is('dead'), is('ok'), is('ok'), held(other), is('ok'), is('ok'), is('absent')],
      [
        'read L',
        'judge',
        'stage',
        'link L~other',
        'read L',
        'rename L',
        'unlink L~other',
        'unlink T',
        { result: 'owner', previous: other },
      ],
    ],
    [
      'drops its claim when the lock has changed meanwhile',
      [
        { is: 'malformed', key: 'x1' },
        is('ok'),
        is('ok'),
        { is: 'malformed', key: 'x2' },
        is('ok'),
        is('ok'),
      ],
      ['read L', 'stage', 'link L~x1', 'read L', 'unlink L~x1', 'unlink T', { result: 'raced' }],
    ],
    [
      'removes an empty directory in its place',
      [is('directory'), is('ok'), is('ok'), is('ok'), is('ok')],
      ['read L', 'rmdir L', 'stage', 'link L', 'unlink T', { result: 'owner', previous: null }],
    ],
    [
      'names a directory with something in it',
      [is('directory'), { is: 'failed', why: 'not empty' }],
      ['read L', 'rmdir L', { result: 'blocked', why: 'L is a directory: not empty' }],
    ],
    [
      'cleans up when the file system has no hard links',
      [is('absent'), is('ok'), { is: 'failed', why: 'EPERM' }, is('ok')],
      ['read L', 'stage', 'link L', 'unlink T', { result: 'blocked', why: 'EPERM' }],
    ],
    [
      'gives its claim back when the replacing fails',
      [
        held(other),
        is('dead'),
        is('ok'),
        is('ok'),
        held(other),
        { is: 'failed', why: 'EIO' },
        is('ok'),
        is('ok'),
      ],
      [
        'read L',
        'judge',
        'stage',
        'link L~other',
        'read L',
        'rename L',
        'unlink L~other',
        'unlink T',
        { result: 'blocked', why: 'EIO' },
      ],
    ],
  ])('%s', (_name, replies, expected) => {
    expect(play(acquire(self), replies)).toEqual(expected);
  });

  it('goes on with a claim of its own that it could not remove', () => {
    const replies = [held(other), is('dead'), is('ok'), is('exists'), held(me), held(other)];
    const rest = [is('ok'), is('ok'), is('absent')];
    expect(play(acquire(self), [...replies, ...rest]).at(-1)).toMatchObject({ result: 'owner' });
  });

  it('gives up on a chain of claims that has no end', () => {
    let at = acquire(self);
    const answers: Partial<Record<string, LockReply>> = {
      read: held(other),
      judge: is('dead'),
      stage: is('ok'),
      link: is('exists'),
      unlink: is('ok'),
    };
    for (let steps = 0; at.effect !== null && steps < 1000; steps++) {
      at = step(self, at.state, answers[at.effect.do] ?? is('ok'));
    }
    expect(at.state).toMatchObject({ at: 'done', outcome: { result: 'blocked' } });
  });
});

describe('giving the lock up', () => {
  it.each<[string, readonly LockReply[], readonly unknown[]]>([
    ['removes its own', [held(me), is('ok')], ['read L', 'unlink L', { result: 'released' }]],
    ['leaves that of another', [held(other)], ['read L', { result: 'not_ours' }]],
    ['is content when there is none', [is('absent')], ['read L', { result: 'not_ours' }]],
  ])('%s', (_name, replies, expected) => {
    expect(play(release(self), replies)).toEqual(expected);
  });
});

describe('sweeping', () => {
  it('removes the claims of the dead and leaves those of the living', () => {
    const names = { is: 'names', names: ['L~a', 'L~b', 'L~c'] } as const;
    const replies = [names, held(other), is('alive'), held(other), is('dead'), is('ok')];
    expect(play(sweep(), [...replies, is('absent')])).toEqual([
      'list',
      'read L~a',
      'judge',
      'read L~b',
      'judge',
      'unlink L~b',
      'read L~c',
      { result: 'swept' },
    ]);
  });
});

describe('the line of a lock', () => {
  const spaced = { ...me, start_time: 'Mon Nov 23 01:49:00 2025', boot_id: '{ sec = 1 } 100%' };

  it.each([me, other, spaced])('reads back what it wrote', (holder) => {
    expect(parseLockLine(formatLockLine(holder))).toEqual(holder);
  });

  it.each([
    ['nothing', ''],
    ['a lone pid', '12'],
    ['no newline at the end', formatLockLine(me).trimEnd()],
    ['a second line', `${formatLockLine(me)}${formatLockLine(me)}`],
    ['a pid that is none', formatLockLine(me).replace('7 ', '-7 ')],
    ['a nonce that is a path', formatLockLine(me).replace('me', '../me')],
    ['no boot id', '7 me 70 ns \n'],
    ['too many words', '7 me 70 ns b c\n'],
    ['binary', '\0\0\0\0 \0 \0 \0 \0\n'],
  ])('refuses %s', (_name, text) => {
    expect(parseLockLine(text)).toBeNull();
  });

  it('refuses to write a nonce that could leave the directory', () => {
    expect(() => formatLockLine({ ...me, nonce: '../x' })).toThrow(RangeError);
  });
});
