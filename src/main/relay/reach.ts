/**
 * How a relay comes to a gateway: the one that sessions of this directory share, where there is one that has started
 * the same servers with the same values, else one that it starts. However many relays begin at once, one of
 * them starts it.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { judge } from '../../shared/model/process-identity.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { ownIdentity, systemLook } from '../../shared/platform/identity.ts';
import { readOwnToken } from '../clients/http/own-token.ts';
import { readSocketRecords, type SocketRecord, socketProblem } from '../operator/place.ts';
import { FileLock, type HeldLock } from '../processes/file-lock.ts';
import { makePrivate } from '../processes/private-directory.ts';
import { otherVariables, RELAY_PROTOCOL } from './fleet-record.ts';
import type { Reached } from './relay.ts';
import { type Ended, type Starting, startGateway } from './start-gateway.ts';
import { upgrade } from './upgrade.ts';

export interface ReachOptions {
  /** Absolute. */
  readonly cwd: string;
  /** Absolute paths of the configuration; the first one that exists is used. */
  readonly configs: readonly string[];
  /** Exists, and is ours alone. */
  readonly stateDir: string;
  readonly tokenFile: string;
  /** Of the state directory. */
  readonly key: Buffer;
  readonly env: NodeJS.ProcessEnv;
  /** For the gateway that is started. */
  readonly args: readonly string[];
  /** Tells the person one line. */
  readonly say: (text: string) => void;
}

const AGAIN_MS = 25;
/** A gateway with a large configuration on a busy machine is up well before. */
const UP_MS = 60_000;
/** One that is killed while it comes up is started again, so often in all. */
const MOST_STARTS = 5;
/** Doubled each time. */
const PAUSE_MS = 250;
const LOCK_FILE = 'start.lock';

export class Reach {
  readonly #options: ReachOptions;
  readonly #me = ownIdentity();
  readonly #look = systemLook();
  readonly #run: string;
  /** What was said once is not said again. */
  readonly #said = new Set<string>();

  constructor(options: ReachOptions) {
    this.#options = options;
    this.#run = join(options.stateDir, 'run');
  }

  /** Finds or starts a gateway. Never rejects. */
  async gateway(): Promise<Reached> {
    const problem = makePrivate(this.#run);
    if (problem !== null) return failed(`${this.#run}: ${problem.message}`);
    const lock = new FileLock({
      directory: this.#run,
      name: LOCK_FILE,
      longestHeldMs: UP_MS,
    });
    const until = performance.now() + UP_MS;
    for (;;) {
      const found = await this.#find();
      if (found !== null) return found;
      const tried = lock.try();
      if (tried.kind === 'held') return this.#start(tried.lock);
      if (tried.kind === 'blocked') return failed(tried.why);
      if (performance.now() > until) {
        return failed(`${tried.by} has been starting it for ${UP_MS / 1000} s`);
      }
      await sleep(AGAIN_MS);
    }
  }

  /** The gateway that is there; null: there is none to share now. Never rejects. */
  async existing(): Promise<Reached | null> {
    return this.#find();
  }

  async #find(): Promise<Reached | null> {
    for (const record of readSocketRecords(this.#options.stateDir)) {
      if (!this.#isOurs(record)) continue;
      const reached = await this.#connect(record);
      if (reached?.ok === true) return reached;
    }
    return null;
  }

  async #connect({ socket }: SocketRecord): Promise<Reached | null> {
    if (socketProblem(socket) !== null) return null;
    const token = readOwnToken(this.#options.tokenFile);
    return token?.ok === true ? upgrade(socket, token.token) : null;
  }

  #isOurs({ identity, fleet }: SocketRecord): boolean {
    if (fleet === null || judge(identity, this.#me, this.#look) === 'dead') return false;
    if (fleet.config !== this.#config()) return false;
    const stop = `; rea stop --pid ${identity.pid} ends that one`;
    if (fleet.protocol !== RELAY_PROTOCOL) {
      this.#sayOnce(
        `the gateway that is there (process ${identity.pid}) is of another version of rea, so this session gets servers of its own${stop}`,
      );
      return false;
    }
    const others = otherVariables(fleet, this.#options.env, this.#options.key);
    if (others.length === 0) return true;
    this.#sayOnce(
      `the gateway that is there (process ${identity.pid}) has other values of ${others.slice(0, 10).join(', ')}, so this session gets servers of its own${stop}`,
    );
    return false;
  }

  async #start(lock: HeldLock): Promise<Reached> {
    try {
      // It may have come up between the look and the lock.
      const found = await this.#find();
      if (found !== null) return found;
      for (let starts = 1; ; starts += 1) {
        const { cwd, args } = this.#options;
        const starting = startGateway({ run: this.#run, cwd, args });
        if (typeof starting === 'string') return failed(starting);
        try {
          const up = await this.#whenUp(starting);
          if ('ok' in up) return up;
          if (!up.wasKilled || starts === MOST_STARTS) return failed(whyEnded(up));
        } finally {
          starting.forget();
        }
        await sleep(PAUSE_MS * 2 ** (starts - 1));
      }
    } finally {
      lock.release();
    }
  }

  async #whenUp(starting: Starting): Promise<Reached | Ended> {
    const until = performance.now() + UP_MS;
    for (;;) {
      const found = await this.#find();
      if (found !== null) return found;
      const ended = starting.ended();
      if (ended !== null) return ended;
      if (performance.now() > until) {
        return failed(`process ${starting.pid} has not come up within ${UP_MS / 1000} s`);
      }
      await sleep(AGAIN_MS);
    }
  }

  /** The real path of the configuration; null: there is none yet. */
  #config(): string | null {
    for (const file of this.#options.configs) {
      const real = unlessRefused<string | null>(null, () => realpathSync(file));
      if (real !== null) return real;
    }
    return null;
  }

  #sayOnce(text: string): void {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.#options.say(text);
  }
}

/** One that was killed has said nothing of why. */
export function whyEnded({ why, wasKilled }: Ended): string {
  return wasKilled ? `${why}; rea logs shows what it said last` : why;
}

function failed(why: string): Reached {
  return { ok: false, why: `the shared gateway cannot be reached: ${why}` };
}
