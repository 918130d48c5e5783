/**
 * Tells if modes and owners of files can be trusted: does the file system have any, and does the user
 * namespace know every owner? Linux only; elsewhere nothing is known. Changes nothing.
 */
import { readFileSync } from 'node:fs';
import { unlessRefused } from '../../shared/platform/errno.ts';

export interface HostFacts {
  /**
   * @param device as in `Stats.dev`.
   * @returns the type of the file system if every file on it shows the same made-up mode and owner.
   */
  modelessFileSystem(device: number): string | null;
  /** True when this number stands for all owners that the user namespace does not know. */
  isUnknownUser(user: number): boolean;
}

/** `fuseblk` is NTFS and exFAT; file systems that a user can mount are `fuse` and have modes. */
const MODELESS = new Set(
  'vfat msdos exfat ntfs ntfs3 fuseblk 9p drvfs cifs smb3 vboxsf vmhgfs'.split(' '),
);
const OVERFLOW_USER = 65_534;

type Read = (path: string) => string;

export function hostFacts(read: Read = readText): HostFacts {
  return {
    modelessFileSystem(device) {
      const type = typeOf(device, read('/proc/self/mountinfo'));
      return type !== null && MODELESS.has(type) ? type : null;
    },
    isUnknownUser(user) {
      const shown = Number(read('/proc/sys/kernel/overflowuid')) || OVERFLOW_USER;
      return user === shown && !isMapped(user, read('/proc/self/uid_map'));
    },
  };
}

/** Looks a device up by number: another user may choose what a path leads to. */
function typeOf(device: number, mounts: string): string | null {
  const wanted = `${majorOf(device)}:${minorOf(device)}`;
  for (const line of mounts.split('\n')) {
    const [mount = '', fileSystem = ''] = line.split(' - ');
    if (mount.split(' ')[2] === wanted) return fileSystem.split(' ')[0] ?? null;
  }
  return null;
}

/** The numbers are packed as in glibc, in up to 64 bits. */
function majorOf(device: number): number {
  return Number(((BigInt(device) >> 8n) & 0xfffn) | ((BigInt(device) >> 32n) & 0xfffff000n));
}

function minorOf(device: number): number {
  return Number((BigInt(device) & 0xffn) | ((BigInt(device) >> 12n) & 0xffffff00n));
}

/** True for every user where there are no namespaces. */
function isMapped(user: number, ranges: string): boolean {
  return ranges
    .trim()
    .split('\n')
    .some((range) => {
      if (range === '') return true;
      const [first = 0, , count = 0] = range.trim().split(/\s+/).map(Number);
      return user >= first && user < first + count;
    });
}

/** "" when there is no such file. */
function readText(path: string): string {
  return unlessRefused('', () => readFileSync(path, 'utf8'));
}
