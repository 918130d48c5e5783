/**
 * A file system whose other end is dead, as a network share can be: a mount of FUSE that nobody serves.
 * Whoever looks at something in it waits until it is ended. Linux, as root.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';

/** `$0` is where. The shell keeps the end of the file system open that it never reads. */
const MOUNT = `exec 3<>/dev/fuse || exit 1
mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 rea-dead "$0" || exit 1
echo mounted
exec sleep 1000`;

export interface DeadMount {
  /** Whoever waits is told that it is not connected. */
  end(): Promise<void>;
  /** It is still mounted, and whoever looks is told that it is not connected. */
  disconnect(): Promise<void>;
}

/** @param dir is created. @returns null where that is not allowed. */
export async function mountDead(dir: string): Promise<DeadMount | null> {
  mkdirSync(dir);
  const holder = spawn('/bin/sh', ['-c', MOUNT, dir], { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(holder, 'exit');
  const said = await Promise.race([once(holder.stdout, 'data'), exited.then(() => null)]);
  if (said === null) return null;
  let ended = false;
  const disconnect = async () => {
    holder.kill('SIGKILL');
    await exited;
  };
  return {
    disconnect,
    end: async () => {
      if (ended) return;
      ended = true;
      await disconnect();
      unmount(dir);
    },
  };
}

/** Mounts a file system with room for `size` (`16k`), or changes that of a mounted one; `unmount` it. */
export function mountSmall(dir: string, size: string, change = false): void {
  const how = change ? `remount,size=${size}` : `size=${size},mode=700`;
  execFileSync('/bin/sh', ['-c', `exec mount -t tmpfs -o ${how} rea-small "$0"`, dir]);
}

export function unmount(dir: string): void {
  execFileSync('umount', ['-l', dir]);
}

/** Whether such a mount is possible here. */
export const CAN_MOUNT =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('/bin/sh', ['-c', 'exec 3<>/dev/fuse && command -v mount umount']).status === 0;
