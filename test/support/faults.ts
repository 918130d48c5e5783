/**
 * Arms the faults of thread-fault.mjs: what a test can do to the gateway's own threads. One trigger
 * hits one thread, whichever of its kind looks first.
 */
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { until } from './wait-for.ts';

export type ThreadKind = 'main' | 'supervisor' | 'state-writer' | 'audit-writer';
export type ThreadFault =
  | 'throw'
  | 'reject'
  | 'exit'
  | 'heap'
  | 'loop'
  | 'block'
  | 'print'
  | 'modules';

export class Faults {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  /** The argument for Node that loads the faults into every thread. */
  get argument(): string {
    const preload = new URL('./thread-fault.mjs', import.meta.url);
    preload.searchParams.set('dir', this.dir);
    return `--import=${preload.href}`;
  }

  /** Resolves once a thread has taken the fault. */
  async inject(kind: ThreadKind, fault: ThreadFault): Promise<void> {
    const trigger = join(this.dir, `${kind}.${fault}`);
    rmSync(`${trigger}.taken`, { force: true });
    writeFileSync(trigger, '');
    await until(() => existsSync(`${trigger}.taken`), {
      what: `a ${kind} thread to take the fault "${fault}"`,
    });
  }

  /** Ends an endless loop. */
  release(kind: ThreadKind): void {
    rmSync(join(this.dir, `${kind}.loop.taken`), { force: true });
  }

  /** Lets a blocked thread go on. */
  unblock(kind: ThreadKind): void {
    const pipe = join(this.dir, `${kind}.block.taken.pipe`);
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
  }

  /**
   * The disk as the audit writer finds it: no write succeeds, or no sync returns, until it is `well`.
   *
   * @param code what writes fail with.
   */
  setDisk(disk: 'full' | 'slow' | 'well', code = 'ENOSPC'): void {
    for (const kind of ['full', 'slow']) {
      const file = join(this.dir, `disk.${kind}`);
      if (disk === kind) {
        // Whole at once: it is read at any time.
        writeFileSync(`${file}.new`, code);
        renameSync(`${file}.new`, file);
      } else rmSync(file, { force: true });
    }
  }

  /** Resolves once the audit writer waits for a slow disk. */
  async diskWaits(): Promise<void> {
    const file = join(this.dir, 'disk.waits');
    await until(() => existsSync(file), { what: 'the audit writer to wait for the disk' });
  }

  /** From now on every thread sees the wall clock an hour back. */
  setClockBack(): void {
    writeFileSync(join(this.dir, 'clock.back'), '');
  }

  /** How many calls main has handed to supervisor threads so far. */
  postedCalls(): number {
    const log = join(this.dir, 'posted.log');
    return existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0;
  }

  /** URLs of all scripts that one thread of this kind has loaded. */
  async modules(kind: ThreadKind): Promise<string[]> {
    await this.inject(kind, 'modules');
    const file = join(this.dir, `${kind}.modules.json`);
    return until(() => (existsSync(file) ? parsed(readFileSync(file, 'utf8')) : null), {
      what: `the modules of a ${kind} thread`,
    });
  }
}

/** Null while the file is only half written. */
function parsed(text: string): string[] | null {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
