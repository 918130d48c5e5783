/** Which parts of the tree may hold up whoever looks at them. */
import { expect, test } from 'vitest';
import { Mounts } from '#src/workers/supervisor/rules/mounts.ts';

const TABLE = `26 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
21 26 0:20 / /proc rw,relatime - proc proc rw
40 26 0:40 / /home/me\\040too rw shared:1 master:2 - nfs4 host:/x rw,hard
41 26 0:41 / /mnt/c rw - 9p C:\\134 rw,aname=drvfs,trans=fd
42 26 0:42 / /mnt/far rw - 9p far rw,trans=tcp
43 26 0:43 / /mnt/box rw - fuse.sshfs box:/ rw
44 26 0:44 / /mnt/new rw - somefs x rw
45 26 0:45 / /mnt/tmp rw - tmpfs tmpfs rw
`;

test('what is mounted from elsewhere, and what is of no known kind', () => {
  const mounts = new Mounts(() => TABLE);
  mounts.refresh(0);
  const slow = (path: string) => mounts.slow(path) > 0;
  expect(
    ['/home/me too', '/home/me too/x/y', '/mnt/far/x', '/mnt/box', '/mnt/new/a'].filter(slow),
  ).toHaveLength(5);
  expect(
    ['/', '/home/me', '/home/me tool/x', '/mnt', '/mnt/c/x', '/mnt/tmp/x', '/proc/1'].filter(slow),
  ).toEqual([]);
  expect(mounts.slow('/mnt/far/x')).not.toBe(mounts.slow('/mnt/box/x'));
});

test('is read again after a second', () => {
  let table = TABLE;
  const mounts = new Mounts(() => table);
  mounts.refresh(0);
  table = '50 26 0:50 / /late rw - cifs //x/y rw\n';
  mounts.refresh(999);
  expect(mounts.slow('/late/x')).toBe(0);
  mounts.refresh(1000);
  expect(mounts.slow('/late/x')).toBeGreaterThan(0);
  expect(mounts.slow('/mnt/box')).toBe(0);
});

test('what cannot be read for a while is what it was', () => {
  let table: string | undefined = TABLE;
  const mounts = new Mounts(() => table);
  mounts.refresh(0);
  table = undefined;
  mounts.refresh(1000);
  expect(mounts.slow('/mnt/box/x')).toBeGreaterThan(0);
  expect(mounts.slow('/mnt/tmp/x')).toBe(0);
});

test('without a table it is what other systems mount there', () => {
  const mounts = new Mounts(() => null);
  mounts.refresh(0);
  expect(mounts.slow('/Volumes/share/x')).toBeGreaterThan(0);
  expect(mounts.slow('/Users/me/x')).toBe(0);
});
