/**
 * Keeps the gateway's picture on the disk true: takes facts, owns the lock or waits for it, and writes what is
 * due. As the owner it writes `.rea/serve.state.json`, otherwise `run/<session_id>.state.json`, so that
 * `rea status` sees every gateway. Owns every file that it writes, and waits for no other thread.
 */
import { getHeapStatistics } from 'node:v8';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { LockOutcome } from '../../shared/machines/lock.ts';
import type { Fact } from '../../shared/protocol/facts.ts';
import type { LogMessage } from '../../shared/protocol/from-supervisor.ts';
import type {
  FromStateWriter,
  StateWriterControl,
  StateWriterData,
} from '../../shared/protocol/threads.ts';
import { CatalogFile } from './catalog-file.ts';
import { collectLitter } from './litter.ts';
import { StateLock } from './lock.ts';
import { LOOK_EVERY_MS } from './main-watch.ts';
import { OwnedFile } from './owned-file.ts';
import { StateContent } from './state-content.ts';
import { type OwnedName, pictureTarget, readCatalog, readSeq, targetOf } from './state-file.ts';

const POLL_MS = 500;
const DEBOUNCE_MS = 250;
const GAP_MS = 50;

export class Publisher implements StateWriterControl {
  readonly #data: StateWriterData;
  readonly #post: (message: FromStateWriter) => void;
  readonly #lock: StateLock;
  readonly #stateFile: OwnedFile;
  readonly #pidFile: OwnedFile;
  readonly #catalogFile: OwnedFile;
  /** In place of the state file while another gateway owns that. */
  readonly #picture: OwnedFile;
  readonly #state: StateContent;
  readonly #catalog = new CatalogFile();
  readonly #sources = new Set<MessagePort>();
  #life: 'waiting' | 'owner' | 'closed' = 'waiting';
  #pollAt = 0;
  #said = '';
  /** True at first: a thread before this one may have written it. */
  #mayHavePicture = true;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #looking: NodeJS.Timeout | undefined;
  #watching: NodeJS.Timeout | undefined;

  constructor(data: StateWriterData, post: (message: FromStateWriter) => void) {
    const holder = { ...data.identity, nonce: data.nonce };
    this.#data = data;
    this.#post = post;
    this.#state = new StateContent(data);
    this.#lock = new StateLock({
      directory: data.dir,
      holder,
      heartbeatMs: data.heartbeatMs,
      now,
    });
    const pace = { debounceMs: DEBOUNCE_MS, gapMs: GAP_MS };
    const file = (name: OwnedName, heartbeatMs: number): OwnedFile =>
      new OwnedFile({
        target: targetOf(data.dir, name, holder),
        pace: { ...pace, heartbeatMs },
        fence: () => this.#lock.fence(),
        now,
      });
    this.#stateFile = file('serve.state', data.heartbeatMs);
    this.#pidFile = file('serve.pid', Infinity);
    this.#catalogFile = file('catalog', Infinity);
    this.#picture = new OwnedFile({
      target: pictureTarget(data.dir, data.sessionId),
      pace: { ...pace, heartbeatMs: data.heartbeatMs },
      fence: () => 'ours',
      now,
    });
  }

  /** Takes the lock if it is free, and begins to write. */
  start(): void {
    this.#looking = setInterval(() => {
      this.#lookAtMain();
      this.#sample(false);
    }, LOOK_EVERY_MS);
    this.#watchForStarvation();
    this.#wake();
  }

  /** Listens to one more source of facts. */
  attach(port: MessagePort): void {
    this.#sources.add(port);
    port.on('message', (fact: Fact) => this.#take(fact));
    port.on('close', () => this.#sources.delete(port));
  }

  flush(): string | null {
    this.#drain();
    this.#writeAll(true);
    if (!this.#owns()) return `not written: ${this.#said}`;
    this.#arm();
    const files = [this.#stateFile, this.#pidFile, this.#catalogFile];
    return files.find((file) => file.failure !== null)?.failure?.message ?? null;
  }

  close(): void {
    this.#drain();
    clearTimeout(this.#timer);
    clearInterval(this.#looking);
    clearTimeout(this.#watching);
    for (const source of this.#sources) source.close();
    if (this.#owns()) this.#writeAll(true);
    if (this.#owns()) this.#removeFiles();
    this.#removePicture();
    this.#life = 'closed';
  }

  inspect(): { owner: boolean; seq: number; heapUsedBytes: number } {
    const heapUsedBytes = getHeapStatistics().used_heap_size;
    return { owner: this.#owns(), seq: this.#state.seq, heapUsedBytes };
  }

  #owns(): boolean {
    return this.#life === 'owner';
  }

  /** The file that shows this gateway now. */
  get #shown(): OwnedFile {
    return this.#owns() ? this.#stateFile : this.#picture;
  }

  #take(fact: Fact): void {
    if (fact.type === 'catalog') {
      this.#catalog.take(fact);
      this.#catalogFile.touch(false);
    } else if (fact.type === 'held') {
      this.#catalog.takeHeld(fact);
      this.#catalogFile.touch(false);
    } else {
      const change = this.#state.take(fact);
      if (change !== 'none') this.#shown.touch(change === 'urgent');
    }
    this.#arm();
  }

  /** Takes facts that were sent before a control call: there is no order between ports. */
  #drain(): void {
    for (const source of this.#sources) {
      let received = receiveMessageOnPort(source);
      for (; received !== undefined; received = receiveMessageOnPort(source)) {
        this.#take(received.message as Fact);
      }
    }
  }

  #lookAtMain(): void {
    if (!this.#state.lookAtMain()) return;
    this.#shown.touch(true);
    this.#arm();
  }

  #watchForStarvation(): void {
    this.#watching = setTimeout(() => {
      const starvation = this.#state.lookForStarvation();
      if (starvation !== null) this.#post(starvation);
      this.#watchForStarvation();
    }, this.#state.nextLookMs);
  }

  /** Main needs the usage, also while another gateway owns the file. */
  #sample(fresh: boolean): void {
    const usage = this.#state.sample(fresh);
    if (usage !== null) this.#post(usage);
  }

  /** Sets the timer for the file that is due first, unless it is already set early enough. */
  #arm(): void {
    if (this.#life === 'closed') return;
    const others = this.#owns()
      ? [this.#pidFile.dueAt(), this.#catalogFile.dueAt()]
      : [this.#pollAt];
    const at = Math.min(this.#shown.dueAt(), ...others);
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, at - now()));
  }

  #wake(): void {
    this.#timerAt = Infinity;
    if (this.#life === 'waiting' && now() >= this.#pollAt) this.#tryToOwn();
    this.#writeAll(false);
    this.#arm();
  }

  #tryToOwn(): void {
    this.#pollAt = now() + POLL_MS;
    const outcome = this.#lock.acquire();
    if (outcome.result === 'owner') {
      this.#begin(outcome);
    } else if (outcome.result === 'busy') {
      const where = this.#lock.isForeign(outcome.holder)
        ? ' in another pid namespace or on another host'
        : '';
      this.#say(false, `pid ${outcome.holder.pid}${where} owns the state file`);
    } else if (outcome.result === 'blocked') {
      this.#say(false, `the state file cannot be owned: ${outcome.why}`);
    }
  }

  #begin({ previous }: LockOutcome & { result: 'owner' }): void {
    const { dir } = this.#data;
    this.#life = 'owner';
    // Whole and at once, should it be written again.
    this.#picture.reset();
    this.#lock.sweep();
    collectLitter(dir, (line) => this.#lock.isDead(line));
    this.#state.resume(readSeq(dir) ?? 0);
    this.#catalog.adopt(readCatalog(dir));
    this.#stateFile.touch(true);
    this.#pidFile.touch(true);
    this.#catalogFile.touch(true);
    const from = previous === null ? '' : `, taken over from pid ${previous.pid}`;
    this.#say(true, `owns the state file${from}`);
  }

  /** The lock was removed or taken: stops writing at once and waits for the lock again. */
  #yield(): void {
    this.#life = 'waiting';
    this.#pollAt = now() + POLL_MS;
    for (const file of [this.#stateFile, this.#pidFile, this.#catalogFile]) file.reset();
    this.#say(false, 'the lock of the state file is gone or has a new owner');
  }

  /** @param everything whether to write changes that are not yet due, too. */
  #writeAll(everything: boolean): void {
    const time = now();
    const isDue = (file: OwnedFile): boolean =>
      file.dueAt() <= time || (everything && file.dueAt() < Infinity);
    if (isDue(this.#shown)) this.#writeState();
    if (this.#owns() && isDue(this.#pidFile)) {
      this.#write(this.#pidFile, `${this.#data.identity.pid}\n`);
    }
    if (this.#owns() && isDue(this.#catalogFile)) this.#writeCatalog();
  }

  #writeState(): void {
    const file = this.#shown;
    const heartbeat = file.isHeartbeatDue();
    if (heartbeat) this.#sample(true);
    const draft = this.#state.draft(heartbeat);
    if (draft === null) return file.skip();
    if (!this.#write(file, draft.text)) return;
    this.#state.wrote(draft);
    if (file === this.#picture) this.#mayHavePicture = true;
    else this.#removePicture();
  }

  #writeCatalog(): void {
    const text = this.#catalog.pending();
    if (text === null) this.#catalogFile.skip();
    else if (this.#write(this.#catalogFile, text)) this.#catalog.wrote(text);
  }

  #write(file: OwnedFile, text: string): boolean {
    const before = file.failure;
    const result = file.write(text);
    if (result === 'written') {
      if (before !== null) this.#log('info', `writing again after: ${before.message}`);
      return true;
    }
    if (result === 'fenced') {
      this.#yield();
      return false;
    }
    this.#state.countError(result.message);
    if (result.message !== before?.message) this.#log('error', `cannot write: ${result.message}`);
    return false;
  }

  /** After the state file is written and not before: whoever looks meanwhile sees one of the two. */
  #removePicture(): void {
    if (!this.#mayHavePicture) return;
    const failure = this.#picture.remove();
    if (failure === null) this.#mayHavePicture = false;
    else this.#log('warn', `cannot remove: ${failure.message}`);
  }

  #removeFiles(): void {
    // Checked again after the last write: only our own files may be removed.
    const verdict = this.#lock.fence();
    if (verdict === 'lost') return;
    if (verdict !== 'ours') {
      this.#log('warn', `cannot remove the state file: ${verdict.message}`);
      return;
    }
    for (const file of [this.#stateFile, this.#pidFile]) {
      const failure = file.remove();
      if (failure !== null) this.#log('warn', `cannot remove: ${failure.message}`);
    }
    const released = this.#lock.release();
    if (released.result === 'blocked') this.#log('warn', `cannot remove: ${released.why}`);
  }

  /** Tells main who owns the file, once for each change. */
  #say(owner: boolean, detail: string): void {
    if (detail === this.#said) return;
    this.#said = detail;
    this.#post({ type: 'ownership', owner, detail });
  }

  #log(level: LogMessage['level'], message: string): void {
    this.#post({ type: 'log', level, server: null, message, fields: { thread: 'state-writer' } });
  }
}

function now(): number {
  return performance.now();
}
