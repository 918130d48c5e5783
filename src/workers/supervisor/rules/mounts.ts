/**
 * Which part of the file tree may hold up whoever looks at it: what is mounted from another machine, or
 * from a program, whose end may be dead. Reads the table of mounts, which never waits for any of them.
 */
import { readFileSync } from 'node:fs';
import { errorCode } from '../../../shared/platform/errno.ts';

/** Kinds that answer from this machine's memory and disks, or from the host of a virtual one. */
const LOCAL = new Set(
  `9p apfs bcachefs binfmt_misc bpf btrfs cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs
  erofs exfat ext2 ext3 ext4 f2fs fakeowner fuse.grpcfuse fuse.lxcfs fuseblk fusectl hfs hfsplus
  hugetlbfs iso9660 jfs mqueue nilfs2 ntfs ntfs3 nsfs overlay proc pstore ramfs reiserfs rootfs
  securityfs selinuxfs squashfs sysfs tmpfs tracefs udf vfat virtiofs xfs zfs`.split(/\s+/),
);
/** Without a table: where systems other than Linux have what is mounted from elsewhere. */
const ELSEWHERE = ['/Volumes', '/Network', '/net', '/home'];
const TABLE = '/proc/self/mountinfo';
const REFRESH_MS = 1000;

interface Mount {
  /** Ends in a slash. */
  readonly path: string;
  readonly number: number;
}

export class Mounts {
  readonly #read: () => string | null | undefined;
  #table: string | null = null;
  #slow: readonly Mount[] = [];
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(read: () => string | null | undefined = readTable) {
    this.#read = read;
  }

  /** Reads the table again if it is older than a second. @param now monotonic ms. */
  refresh(now: number): void {
    if (now - this.#readAt < REFRESH_MS) return;
    this.#readAt = now;
    const table = this.#read();
    // What cannot be read is what it was: other mounts would be taken for local ones.
    if (table === undefined && this.#table !== null) return;
    if (table === this.#table && table !== null) return;
    this.#table = table ?? null;
    this.#slow = this.#table === null ? elsewhere() : slowMounts(this.#table);
  }

  /** The positive number of the mount that may hold up a look at the path; 0: none. @param path real. */
  slow(path: string): number {
    if (this.#slow.length === 0) return 0;
    const inside = `${path}/`;
    return this.#slow.find((mount) => inside.startsWith(mount.path))?.number ?? 0;
  }
}

/** @param table the text of `/proc/self/mountinfo`. */
export function slowMounts(table: string): readonly Mount[] {
  const found: Mount[] = [];
  for (const line of table.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const fields = before.split(' ');
    const [kind = '', , options = ''] = after.split(' ');
    const [number, point] = [Number(fields[0]), fields[4]];
    if (point === undefined || !Number.isInteger(number)) continue;
    const isRemote = !LOCAL.has(kind) || (kind === '9p' && /\btrans=(?:tcp|rdma)\b/.test(options));
    if (isRemote)
      found.push({ path: `${unescaped(point)}/`.replace('//', '/'), number: number + 1 });
  }
  return found;
}

function elsewhere(): readonly Mount[] {
  return ELSEWHERE.map((path, at) => ({ path: `${path}/`, number: at + 1 }));
}

/** Space, tab, newline and backslash stand there in octal. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** Null: there is none, as outside of Linux. Undefined: it cannot be read now (EMFILE). */
function readTable(): string | null | undefined {
  try {
    return readFileSync(TABLE, 'utf8');
  } catch (error) {
    const code = errorCode(error);
    if (code === '') throw error;
    return code === 'ENOENT' ? null : undefined;
  }
}
