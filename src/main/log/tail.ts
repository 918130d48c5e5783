/**
 * The lines that come at the end of a log file, also when it is renamed and another one begun. Reads a bounded
 * part at a time, and never blocks.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { errorCode } from '../../shared/platform/errno.ts';

const READ_BYTES = 256 * 1024;
/** A longer line is left out. */
const MAX_LINE_BYTES = 1024 * 1024;
const LF = 0x0a;

interface OpenFile {
  readonly handle: FileHandle;
  readonly ino: number;
}

export class Tail {
  readonly #path: string;
  #file: OpenFile | null = null;
  #position: number | 'end';
  #rest = Buffer.alloc(0);
  #closed = false;

  /** @param path absolute. @param from a position in bytes, or `end`: only what comes from now on. */
  constructor(path: string, from: number | 'end') {
    this.#path = path;
    this.#position = from;
  }

  /** Whole lines that were not read before, without their ends; none: nothing has come. */
  async read(): Promise<string[]> {
    if (this.#closed) return [];
    const file = this.#file ?? (await this.#open());
    if (file === null) return [];
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const position = this.#position === 'end' ? 0 : this.#position;
    const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, position);
    if (bytesRead > 0) {
      this.#position = position + bytesRead;
      return this.#lines(buffer.subarray(0, bytesRead));
    }
    const now = await lstat(this.#path).catch(absent);
    // The file of before was read to its end.
    if (now !== null && now.ino !== file.ino) await this.#forget();
    return [];
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#forget();
  }

  async #open(): Promise<OpenFile | null> {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const handle = await open(this.#path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(absent);
    if (handle === null) return null;
    const stats = await handle.stat();
    if (!stats.isFile() || this.#closed) {
      await handle.close();
      return null;
    }
    // Another file than the one that the position is of.
    if (this.#position !== 'end' && stats.size < this.#position) this.#position = 0;
    if (this.#position === 'end') this.#position = stats.size;
    this.#file = { handle, ino: stats.ino };
    return this.#file;
  }

  async #forget(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    this.#position = 0;
    this.#rest = Buffer.alloc(0);
    await file?.handle.close();
  }

  #lines(bytes: Buffer): string[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const end = all.lastIndexOf(LF);
    const rest = all.subarray(end + 1);
    this.#rest = rest.length > MAX_LINE_BYTES ? Buffer.alloc(0) : Buffer.from(rest);
    if (end < 0) return [];
    const text = all.subarray(0, end).toString('utf8');
    return text.split('\n').filter((line) => line !== '');
  }
}

function absent(error: unknown): null {
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(errorCode(error))) return null;
  throw error;
}
