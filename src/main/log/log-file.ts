/**
 * The log file of one gateway: takes lines at once, writes them one operation after the other, and begins
 * a new file every 2 MiB. Never throws and never waits for the disk: what cannot be written is held up to
 * 1 MiB, then dropped and counted.
 */
import { constants, writeSync } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { objection } from '../processes/private-directory.ts';
import { type Teller, Trouble } from './trouble.ts';

const MAX_FILE_BYTES = 2 * 1024 * 1024;
/** The file itself, and `.1` to `.4`. */
const FILES = 5;
const MAX_UNWRITTEN_BYTES = 1024 * 1024;
const MAX_WRITE_BYTES = 64 * 1024;
/** An operation that takes longer may never end: a disk in the network can be gone. */
const STUCK_MS = 1000;
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const FLAGS = O_WRONLY | O_APPEND | O_CREAT | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
/** How long the last lines of a gateway may take. */
const CLOSE_MS = 300;
/** After these errors the file is still the right one. */
const FULL = ['ENOSPC', 'EDQUOT'];

interface OpenFile {
  readonly handle: FileHandle;
  readonly dev: number;
  readonly ino: number;
  size: number;
}

export class LogFile {
  readonly #retryMs: number;
  #path: string | null = null;
  #trouble: Trouble | null = null;
  /** Whole lines that no operation has taken yet. */
  #lines: string[] = [];
  /** What is being written, and how much of it is. */
  #chunk = Buffer.alloc(0);
  #done = 0;
  /** Of `#lines` and `#chunk`. */
  #unwritten = 0;
  /** Lines left out since the last one that was taken. */
  #gap = 0;
  #file: OpenFile | null = null;
  /** Since when the present operation runs, in monotonic milliseconds; null while there is none. */
  #since: number | null = null;
  #work: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  /** @param retryMs after an error, how long until the next try. */
  constructor(retryMs: number) {
    this.#retryMs = retryMs;
  }

  /** Null until it is opened. */
  get path(): string | null {
    return this.#path;
  }

  /** True while an operation seems to hang: an exit of the process would wait for it. */
  get held(): boolean {
    return this.#since !== null && (this.#closed || performance.now() - this.#since > STUCK_MS);
  }

  /**
   * Begins to write what it has taken so far.
   *
   * @param path absolute; its directory is made if it is missing, its parent must be there.
   * @param log is told of trouble.
   */
  open(path: string, log: Teller): void {
    this.#path = path;
    this.#trouble = new Trouble(path, log);
    this.#start();
  }

  /** @param line printable ASCII without its line end. */
  write(line: string): void {
    if (this.#closed) return;
    if (this.held) this.#trouble?.tell('the file system does not answer');
    if (this.#unwritten + line.length >= MAX_UNWRITTEN_BYTES) {
      this.#gap += 1;
      this.#trouble?.lost();
      return;
    }
    this.#takeGap();
    this.#take(line);
    this.#start();
  }

  /** For the last line of a process that ends at once: waits for the disk, unless that seems to hang. */
  writeLast(line: string): void {
    const file = this.#file;
    if (file === null || this.held) return;
    const text = [...this.#lines, line].map((one) => `${one}\n`).join('');
    this.#lines = [];
    try {
      writeSync(file.handle.fd, text);
    } catch (error) {
      // There is no other place to tell it: the line is on stderr, too.
      if (errorCode(error) === '') throw error;
    }
  }

  /** Writes what is left, for at most `limitMs`; takes nothing more. */
  async close(limitMs = CLOSE_MS): Promise<void> {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#start();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([this.#finish(), limit]);
    clearTimeout(timer);
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#trouble?.ends(this.#linesLeft());
  }

  async #finish(): Promise<void> {
    while (this.#work !== null) await this.#work;
    const file = this.#file;
    this.#file = null;
    await file?.handle.close().catch(() => undefined);
  }

  #takeGap(): void {
    if (this.#gap === 0) return;
    this.#take(gapLine(this.#gap));
    this.#gap = 0;
  }

  #take(line: string): void {
    this.#lines.push(line);
    this.#unwritten += line.length + 1;
  }

  #start(): void {
    if (this.#path === null || this.#work !== null || this.#retry !== null) return;
    this.#work = this.#writeAll(this.#path).then(
      () => {
        this.#work = null;
        // Taken since the last look at them.
        if (this.#lines.length > 0) this.#start();
      },
      (error: unknown) => this.#failed(error),
    );
  }

  #failed(error: unknown): void {
    this.#since = null;
    this.#work = null;
    this.#trouble?.tell(errorText(error));
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#start();
    }, this.#retryMs).unref();
  }

  async #writeAll(path: string): Promise<void> {
    while (this.#next() || this.#trouble?.over() === true) {
      const left = this.#chunk.length - this.#done;
      if (left === 0) continue;
      const file = await this.#ready(path, left);
      const { bytesWritten } = await this.#run(
        file.handle
          .write(this.#chunk, this.#done, this.#chunk.length - this.#done)
          .catch(async (error: unknown) => {
            if (!FULL.includes(errorCode(error))) await this.#letGo(file);
            throw error;
          }),
      );
      file.size += bytesWritten;
      this.#done += bytesWritten;
      this.#unwritten -= bytesWritten;
    }
  }

  /** Takes the next lines once the last ones are written. @returns false when there is nothing to write. */
  #next(): boolean {
    if (this.#done < this.#chunk.length) return true;
    if (this.#lines.length === 0) this.#takeGap();
    let bytes = 0;
    let count = 0;
    for (const { length } of this.#lines) {
      if (count > 0 && bytes + length >= MAX_WRITE_BYTES) break;
      bytes += length + 1;
      count += 1;
    }
    const lines = this.#lines.splice(0, count);
    this.#chunk = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
    this.#done = 0;
    return count > 0;
  }

  /** The file to write the next `bytes` to. */
  async #ready(path: string, bytes: number): Promise<OpenFile> {
    const known = this.#file;
    const file = (known !== null && (await this.#lookFor(path, known))) || (await this.#open(path));
    if (file.size === 0 || file.size + bytes <= MAX_FILE_BYTES) return file;
    for (let at = FILES - 1; at >= 1; at--) {
      const from = at === 1 ? path : `${path}.${at - 1}`;
      await this.#run(rename(from, `${path}.${at}`).catch(unless('ENOENT')));
    }
    await this.#letGo(file);
    return this.#open(path);
  }

  /** @returns null when it is gone or another one lies in its place. */
  async #lookFor(path: string, file: OpenFile): Promise<OpenFile | null> {
    const stats = await this.#run(lstat(path).catch(unless('ENOENT', 'ENOTDIR')));
    if (stats?.ino === file.ino && stats.dev === file.dev) {
      file.size = stats.size;
      return file;
    }
    await this.#letGo(file);
    this.#trouble?.replaced();
    return null;
  }

  async #open(path: string): Promise<OpenFile> {
    const dir = dirname(path);
    await this.#run(mkdir(dir, { mode: 0o700 }).catch(unless('EEXIST')));
    const problem = objection(dir, await this.#run(lstat(dir)));
    if (problem !== null) {
      const fix = problem.fix === null ? '' : `; ${problem.fix}`;
      throw new Error(`${dir}: ${problem.message}${fix}`);
    }
    const handle = await this.#run(open(path, FLAGS, 0o600));
    const stats = await this.#run(handle.stat());
    if (!stats.isFile()) {
      await this.#run(handle.close());
      throw new Error('something that is not a file lies in its place');
    }
    if ((stats.mode & 0o077) !== 0) await this.#run(handle.chmod(0o600));
    const { dev, ino, size } = stats;
    this.#file = { handle, dev, ino, size };
    this.#beginLineAgain(size > 0);
    return this.#file;
  }

  /** A line that was cut in two, by the end of a file or an error, is written again as a whole. */
  #beginLineAgain(onNewLine: boolean): void {
    if (this.#done === 0) return;
    const begin = this.#chunk.lastIndexOf(0x0a, this.#done - 1) + 1;
    if (begin === this.#done) return;
    const line = this.#chunk.subarray(begin);
    const again = onNewLine ? Buffer.concat([Buffer.from('\n'), line]) : line;
    this.#unwritten += again.length - (this.#chunk.length - this.#done);
    this.#chunk = Buffer.from(again);
    this.#done = 0;
  }

  async #letGo(file: OpenFile): Promise<void> {
    this.#file = null;
    await this.#run(
      file.handle.close().catch(unless('EIO', 'ENOSPC', 'EDQUOT', 'ESTALE', 'EBADF')),
    );
  }

  async #run<T>(operation: Promise<T>): Promise<T> {
    this.#since = performance.now();
    const value = await operation;
    this.#since = null;
    return value;
  }

  #linesLeft(): number {
    const rest = this.#chunk.subarray(this.#done).toString('latin1').split('\n').length - 1;
    return this.#lines.length + rest;
  }
}

function unless(...codes: readonly string[]) {
  return (error: unknown): undefined => {
    if (!codes.includes(errorCode(error))) throw error;
  };
}

function gapLine(dropped: number): string {
  const time = new Date().toISOString();
  return JSON.stringify({ level: 'warn', time, msg: 'log lines dropped', dropped });
}
