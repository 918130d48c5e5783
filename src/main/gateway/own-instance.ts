/** The record of this gateway among those of its directory, which says whether it has seen the kill switch. */
import type { HaltRecord } from '../../shared/model/snapshot.ts';
import { errorText } from '../../shared/platform/errno.ts';
import type { Logger } from '../logger.ts';
import { type OwnRecord, removeInstance, writeInstance } from '../processes/instance.ts';

export class OwnInstance {
  /** Absolute path of `.rea`. */
  readonly dir: string;
  readonly #log: Logger;
  #record: OwnRecord | null = null;

  constructor(dir: string, log: Logger) {
    this.dir = dir;
    this.#log = log;
  }

  /** Before the first spawn. @throws the system's error. */
  write(record: OwnRecord): void {
    writeInstance(this.dir, record);
    this.#record = record;
  }

  /** `rea freeze` waits for it. */
  halt(halt: HaltRecord): void {
    if (this.#record === null) return;
    try {
      this.write({ ...this.#record, halt });
    } catch (error) {
      // The disk may be full. Calls are refused all the same.
      this.#log.warn(`the record of HALT cannot be written: ${errorText(error)}`);
    }
  }

  /** At a clean stop, after all servers have ended. @throws the system's error. */
  remove(sessionId: string): void {
    this.#record = null;
    removeInstance(this.dir, sessionId);
  }
}
