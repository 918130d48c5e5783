/**
 * The logins of a gateway: hands out the tokens that are kept, and renews them in time, or when a server refuses
 * one. What speaks to authorization servers is loaded when it is needed. A file is the only truth: other gateways
 * of the directory renew the same tokens.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TokenReply } from '../../shared/model/login.ts';
import type { TokenWantedMessage } from '../../shared/protocol/from-supervisor.ts';
import type { Logger } from '../logger.ts';
import type { HeldLock } from '../processes/file-lock.ts';
import { giveTo, Holders, keyOf, type TokenHolder } from './holders.ts';
import { LoginMemory, type TellTokens } from './login-memory.ts';
import type { LoginRecord, LoginServer } from './record.ts';
import type { Refreshed } from './refresh.ts';
import { advanceAt, isEnded, isFresh, renewAt } from './times.ts';
import { takeTurn } from './turn.ts';

export interface LoginsOptions {
  /** Absolute; null: there is none, and so no logins. */
  readonly stateDir: string | null;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly onSecrets: TellTokens;
  /** For another process that has its turn and shows no sign of work. @default STILL_MS */
  readonly stillMs?: number | undefined;
}

/** There is no other token to try. */
const NONE: TokenReply = { token: null, problem: null, over: false };
const OVER: TokenReply = { token: null, problem: null, over: true };
const LONGEST_TIMER_MS = 86_400_000;
const UNRENEWED = 'its token cannot be renewed';
const UNSEEN = 'its login cannot be looked at';
/** After a renewal in advance, or a write, that has failed. */
const AGAIN_MS = 15_000;
/** Between looks at the logins that are used. */
const LOOK_MS = 10_000;

export class Logins {
  readonly #options: LoginsOptions;
  readonly #memory: LoginMemory | null;
  /** By server and address. */
  readonly #renewing = new Map<string, Promise<TokenReply>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #holders = new Holders();
  #writing: NodeJS.Timeout | null = null;
  #looking: NodeJS.Timeout | null = null;
  /** The token of each login at the last look. */
  #seen = new Map<string, string>();

  constructor(options: LoginsOptions) {
    this.#options = options;
    const { stateDir, onSecrets } = options;
    this.#memory = stateDir === null ? null : new LoginMemory(stateDir, onSecrets);
  }

  /**
   * Gives what there is for a server, and each token that comes in its place until it runs no more.
   *
   * @param onRenewal called before it waits for an authorization server, or for other gateways.
   */
  async serve(
    holder: TokenHolder,
    { incarnation, refused }: Pick<TokenWantedMessage, 'incarnation' | 'refused'>,
    onRenewal: () => void = () => undefined,
  ): Promise<void> {
    const { name, endpoint } = holder.config;
    const server = endpoint === null ? null : { name, endpoint };
    const reply = await this.#token(holder, server, refused, onRenewal).catch((error: unknown) => {
      this.#options.log.warn({ server: holder.config.lane, error }, UNSEEN);
      return problemOf(`${UNSEEN}: see the log`);
    });
    // Some authorization servers give out the same one again.
    const isSame = refused !== null && reply.token === refused;
    giveTo(holder, server, incarnation, isSame ? NONE : reply);
  }

  async #token(
    holder: TokenHolder,
    server: LoginServer | null,
    refused: string | null,
    onRenewal: () => void,
  ): Promise<TokenReply> {
    const { stateDir } = this.#options;
    if (stateDir === null || this.#memory === null || server === null) return NONE;
    if (server.endpoint.oauth === null) return NONE;
    this.#holders.add(server, holder);
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS).unref();
    const found = this.#found(this.#memory, server, refused);
    if ('token' in found) return found;
    if (refused === null && !isEnded(found, Date.now())) {
      // Good for now: nobody waits for what may take long.
      this.#renewLater(server, found, AGAIN_MS);
      return tokenOf(found);
    }
    onRenewal();
    return this.#renew(stateDir, this.#memory, server, refused);
  }

  /** Renewals that are under way are waited for: a refresh token that was used is of no use any more. */
  async close(ms: number): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    if (this.#looking !== null) clearInterval(this.#looking);
    const all = Promise.allSettled(this.#renewing.values());
    await Promise.race([all, sleep(ms, undefined, { ref: false })]);
    this.#memory?.writeAgain();
    if (this.#writing !== null) clearTimeout(this.#writing);
  }

  /** Other gateways renew, and people log in and out who cannot tell this one: the directory may be of several projects. */
  #look(): void {
    const before = this.#seen;
    this.#seen = new Map();
    for (const server of this.#holders.servers) {
      const read = this.#memory?.read(server) ?? null;
      const key = keyOf(server);
      const former = before.get(key);
      if (read === null || typeof read === 'string' || read.over) {
        if (read === null && former !== undefined) this.#holders.give(server, OVER);
        continue;
      }
      this.#seen.set(key, read.access_token);
      if (former === undefined || former === read.access_token) continue;
      if (isUsable(read, null)) this.#holders.give(server, this.#give(server, read));
    }
  }

  /** The answer that needs no renewal, or what is to be renewed. */
  #found(
    memory: LoginMemory,
    server: LoginServer,
    refused: string | null,
  ): TokenReply | LoginRecord {
    const read = memory.read(server);
    if (typeof read === 'string') return problemOf(read);
    if (read === null || read.over) return OVER;
    return isUsable(read, refused) ? this.#give(server, read) : read;
  }

  #give(server: LoginServer, record: LoginRecord): TokenReply {
    this.#renewLater(server, record);
    return tokenOf(record);
  }

  /** Who asks meanwhile gets the same answer, unless it is of no use to them. */
  #renew(
    stateDir: string,
    memory: LoginMemory,
    server: LoginServer,
    refused: string | null,
  ): Promise<TokenReply> {
    const key = keyOf(server);
    const running = this.#renewing.get(key);
    // What others have asked for may be the very token that is refused here, or that there is none but theirs.
    if (running !== undefined) {
      return running.then((reply) => {
        const isOfUse =
          reply.over || reply.problem !== null || (reply.token !== null && reply.token !== refused);
        return isOfUse ? reply : this.#renew(stateDir, memory, server, refused);
      });
    }
    const renewal = this.#renewInTurn(stateDir, memory, server, refused).finally(() => {
      this.#renewing.delete(key);
    });
    this.#renewing.set(key, renewal);
    return renewal;
  }

  async #renewInTurn(
    stateDir: string,
    memory: LoginMemory,
    server: LoginServer,
    refused: string | null,
  ): Promise<TokenReply> {
    const turn = await takeTurn(stateDir, server, { stillMs: this.#options.stillMs });
    if (!turn.ok) return problemOf(`${UNRENEWED}: ${turn.why}`);
    try {
      // Whoever was before has perhaps renewed it, and a refresh token is good for one use.
      const record = this.#found(memory, server, refused);
      if ('token' in record) return record;
      // There is nothing to try; the server may take it again.
      if (record.refresh_token === null) return isEnded(record, Date.now()) ? OVER : NONE;
      // It would have tokens made for ever; perhaps the server does not know the new one yet.
      const isNew = record.after_refusal && isFresh(record, Date.now());
      if (isNew && record.access_token === refused) return NONE;
      return await this.#refresh(memory, server, record, refused, turn.lock);
    } finally {
      turn.lock.release();
    }
  }

  async #refresh(
    memory: LoginMemory,
    server: LoginServer,
    record: LoginRecord,
    refused: string | null,
    lock: HeldLock,
  ): Promise<TokenReply> {
    // What could not be written afterwards would be lost with the gateway, for all others, too.
    const unwritable = memory.proveWritable(server, record);
    if (unwritable !== null) return this.#failed(server, record, refused, unwritable);
    const { refreshTokens } = await import('./refresh.ts');
    const refreshed: Refreshed = await refreshTokens(server, record);
    if (refreshed.kind === 'failed') return this.#failed(server, record, refused, refreshed.why);
    // Stopped for so long that others took it for dead: what they have written counts.
    const now = lock.isOurs() ? record : memory.read(server);
    if (now === null) return OVER;
    if (typeof now !== 'string' && now.access_token !== record.access_token) {
      return this.#give(server, now);
    }
    if (refreshed.kind === 'over') return this.#over(memory, server, record, refreshed.why);
    const next = { ...record, ...refreshed.tokens, after_refusal: refused !== null };
    // On the disk before it is used: the former refresh token is of no use any more.
    const problem = memory.write(server, next, record.access_token);
    if (problem !== null) {
      this.#options.log.warn({ server: server.name }, problem);
      this.#writeLater(memory);
    }
    return this.#give(server, next);
  }

  #failed(
    server: LoginServer,
    record: LoginRecord,
    refused: string | null,
    why: string,
  ): TokenReply {
    if (refused !== null || isEnded(record, Date.now())) return problemOf(`${UNRENEWED}: ${why}`);
    this.#renewLater(server, record, AGAIN_MS);
    return tokenOf(record);
  }

  #over(memory: LoginMemory, server: LoginServer, record: LoginRecord, why: string): TokenReply {
    const ended = { ...record, refresh_token: null, over: true };
    const problem = memory.write(server, ended, record.access_token);
    const { log } = this.#options;
    log.warn(
      { server: server.name, why, ...(problem === null ? {} : { problem }) },
      'login is over',
    );
    return OVER;
  }

  #writeLater(memory: LoginMemory): void {
    if (this.#writing !== null) return;
    const write = () => {
      this.#writing = null;
      if (!memory.writeAgain()) this.#writeLater(memory);
    };
    this.#writing = setTimeout(write, AGAIN_MS).unref();
  }

  /** In time before it expires, as long as somebody uses it. */
  #renewLater(server: LoginServer, record: LoginRecord, leastMs = 0): void {
    const key = keyOf(server);
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    const at = advanceAt(record);
    if (at === null || record.refresh_token === null) return;
    const ms = Math.min(Math.max(at - Date.now(), leastMs), LONGEST_TIMER_MS);
    const calls = this.#holders.calls(server);
    const renew = () => {
      this.#timers.delete(key);
      this.#renewInAdvance(server, record, calls).catch((error: unknown) => {
        this.#options.log.warn({ server: server.name, error }, UNSEEN);
        this.#renewLater(server, record, AGAIN_MS);
      });
    };
    this.#timers.set(key, setTimeout(renew, ms).unref());
  }

  /** @param calls that there were when it was given out: what nobody uses is renewed when somebody does. */
  async #renewInAdvance(server: LoginServer, record: LoginRecord, calls: number): Promise<void> {
    const { stateDir } = this.#options;
    if (stateDir === null || this.#memory === null || !this.#holders.has(server)) return;
    const found = this.#found(this.#memory, server, null);
    const isRenewable = !('token' in found);
    if (isRenewable && this.#holders.calls(server) === calls) return;
    const reply = isRenewable ? await this.#renew(stateDir, this.#memory, server, null) : found;
    const isNew = reply.token !== null && reply.token !== record.access_token;
    if (isNew) this.#holders.give(server, reply);
  }
}

function tokenOf(record: LoginRecord): TokenReply {
  return { token: record.access_token, problem: null, over: false };
}

function problemOf(problem: string): TokenReply {
  return { token: null, problem, over: false };
}

/** Whether a token can be sent now. */
function isUsable(record: LoginRecord, refused: string | null): boolean {
  if (record.access_token === refused) return false;
  const at = renewAt(record);
  return at === null || record.refresh_token === null || Date.now() < at;
}
