/**
 * The texts of pinned and withheld definitions, so that a person can look at what has changed: a file for each in
 * `definitions` of the state directory, named by its hash. Secrets of the configuration are hidden in them.
 * Written one after the other, and none that is large: what is missing is only not shown.
 */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { readSmallFile } from '../../shared/platform/safe-file.ts';

export interface DefinitionTextsOptions {
  /** Exists, and is ours alone. */
  readonly stateDir: string;
  readonly hide: (text: string) => string;
  readonly warn: (line: string) => void;
}

const DIRECTORY = 'definitions';
export const MAX_TEXT_BYTES = 256 * 1024;
const MOST_TEXTS = 20_000;
/** Of all files together. */
const MOST_KEPT = 128 * 1024 * 1024;
/** Bytes that wait to be written. */
const MOST_WAITING = 32 * 1024 * 1024;
/** Another gateway may write a text a moment before its pin. */
const SPARED_MS = 60 * 60 * 1000;
const NAME = /^([0-9a-f]{64})\.json$/;

export class DefinitionTexts {
  readonly #options: DefinitionTextsOptions;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #kept = 0;
  /** Hashes of the files that are there. */
  #known: Set<string> | null = null;
  #failed = false;

  constructor(options: DefinitionTextsOptions) {
    this.#options = options;
  }

  /** @param json of the definition. */
  keep(hash: string, json: Uint8Array): void {
    const { length } = json;
    if (length > MAX_TEXT_BYTES || this.#waiting + length > MOST_WAITING) return;
    if (this.#known?.has(hash) === true) return;
    this.#waiting += length;
    this.#then(async () => {
      this.#waiting -= length;
      const known = (this.#known ??= await this.#look());
      const isFull = known.size >= MOST_TEXTS || this.#kept + length > MOST_KEPT;
      if (known.has(hash) || isFull) return;
      const text = this.#options.hide(Buffer.from(json).toString());
      await writeFile(this.#path(hash), text, { flag: 'wx', mode: 0o600 }).catch(unlessThere);
      known.add(hash);
      this.#kept += length;
    });
  }

  /** Null: it was not kept. */
  async read(hash: string): Promise<string | null> {
    await this.#queue;
    return readFile(this.#path(hash), 'utf8').catch(() => null);
  }

  /** Removes what no pin names any more. @param isNamed whether one does. */
  prune(isNamed: (hash: string) => boolean): void {
    this.#then(async () => {
      const known = await this.#look();
      for (const hash of known) {
        const { mtimeMs, size } = await stat(this.#path(hash));
        if (!isNamed(hash) && Date.now() - mtimeMs >= SPARED_MS) {
          await rm(this.#path(hash), { force: true });
          known.delete(hash);
        } else this.#kept += size;
      }
      this.#known = known;
    });
  }

  /** Resolves when everything is written. */
  done(): Promise<void> {
    return this.#queue;
  }

  #then(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => {
      if (errorCode(error) === '') throw error;
      if (this.#failed) return;
      this.#failed = true;
      const where = join(this.#options.stateDir, DIRECTORY);
      this.#options.warn(
        `${where} cannot be used: ${errorText(error)}; rea pins diff will not show what has changed`,
      );
    });
  }

  async #look(): Promise<Set<string>> {
    const dir = join(this.#options.stateDir, DIRECTORY);
    await mkdir(dir, { mode: 0o700, recursive: true });
    return new Set((await readdir(dir)).flatMap((name) => NAME.exec(name)?.[1] ?? []));
  }

  #path(hash: string): string {
    return textPath(this.#options.stateDir, hash);
  }
}

/** For commands. Null: it was not kept. */
export function readText(stateDir: string, hash: string): string | null {
  if (!NAME.test(`${hash}.json`)) return null;
  const read = readSmallFile(textPath(stateDir, hash), 2 * MAX_TEXT_BYTES);
  return read.kind === 'file' ? read.bytes.toString() : null;
}

function textPath(stateDir: string, hash: string): string {
  return join(stateDir, DIRECTORY, `${hash}.json`);
}

function unlessThere(error: unknown): void {
  if (errorCode(error) !== 'EEXIST') throw error;
}
