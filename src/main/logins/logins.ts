/**
 * The logins of a gateway: hands out the tokens that are kept, and renews them in time, or when a server refuses
 * one. What speaks to authorization servers is loaded when it is needed. A file is the only truth: other gateways
 * of the directory renew the same tokens.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { TokenReply } from '../../shared/model/login.ts';
import type { Logger } from '../logger.ts';
import { type LoginRecord, type LoginServer, readLogin, writeLogin } from './record.ts';
import type { Refreshed } from './refresh.ts';
import { isFresh, renewAt } from './times.ts';
import { takeTurn } from './turn.ts';

export interface LoginsOptions {
  /** Absolute; null: there is none, and so no logins. */
  readonly stateDir: string | null;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** From now on nobody may see them. */
  readonly onSecrets: (secrets: readonly string[]) => void;
}

/** A running copy of a server, which uses the token that it was given until it gets another one. */
export interface TokenHolder {
  readonly config: ServerConfig;
  readonly running: boolean;
  giveToken(reply: TokenReply): void;
}

const NONE: TokenReply = { token: null, problem: null };
const LONGEST_TIMER_MS = 86_400_000;
const UNSEEN = 'its login cannot be looked at';
/** After a renewal in advance that has failed. */
const AGAIN_MS = 15_000;

export class Logins {
  readonly #options: LoginsOptions;
  /** By server and address. */
  readonly #renewing = new Map<string, Promise<TokenReply>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #holders = new Map<string, Set<TokenHolder>>();
  readonly #told = new Map<string, string>();

  constructor(options: LoginsOptions) {
    this.#options = options;
  }

  /**
   * Gives what there is for a server, and each token that comes in its place until it runs no more.
   *
   * @param refused the token that the server has just refused; null: none.
   */
  async serve(holder: TokenHolder, refused: string | null): Promise<void> {
    const reply = await this.#token(holder, refused).catch((error: unknown) => {
      this.#options.log.warn({ server: holder.config.lane, error }, UNSEEN);
      return { token: null, problem: `${UNSEEN}: see the log` };
    });
    // Some authorization servers give out the same one again.
    holder.giveToken(refused !== null && reply.token === refused ? NONE : reply);
  }

  async #token(holder: TokenHolder, refused: string | null): Promise<TokenReply> {
    const { endpoint, name } = holder.config;
    const { stateDir } = this.#options;
    if (stateDir === null || endpoint === null || endpoint.oauth === null) return NONE;
    const server = { name, endpoint };
    this.#hold(server, holder);
    const read = this.#read(stateDir, server);
    if (typeof read === 'string') return { token: null, problem: read };
    if (read === null || read.over) return NONE;
    if (isUsable(read, refused)) return this.#give(server, read);
    return this.#renew(stateDir, server, refused);
  }

  /** Renewals that are under way are waited for: a refresh token that was used is of no use any more. */
  async close(ms: number): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    const all = Promise.allSettled(this.#renewing.values());
    await Promise.race([all, sleep(ms, undefined, { ref: false })]);
  }

  #hold(server: LoginServer, holder: TokenHolder): void {
    const key = keyOf(server);
    this.#holders.set(key, new Set([...this.#running(server), holder]));
  }

  #running(server: LoginServer): TokenHolder[] {
    return [...(this.#holders.get(keyOf(server)) ?? [])].filter(({ running }) => running);
  }

  /** Null: nobody has logged in. Text: why it cannot be used. */
  #read(stateDir: string, server: LoginServer): LoginRecord | string | null {
    const read = readLogin(stateDir, server);
    if (read.kind === 'none') return null;
    if (read.kind === 'unusable') return read.why;
    const { access_token: token, refresh_token: refresh, client_secret: secret } = read.record;
    const key = keyOf(server);
    if (this.#told.get(key) !== token) {
      this.#told.set(key, token);
      this.#options.onSecrets([token, refresh, secret].filter((one) => one !== null));
    }
    return read.record;
  }

  #give(server: LoginServer, record: LoginRecord): TokenReply {
    this.#renewLater(server, record);
    return { token: record.access_token, problem: null };
  }

  /** Who asks meanwhile gets the same answer, unless it is of no use to them. */
  #renew(stateDir: string, server: LoginServer, refused: string | null): Promise<TokenReply> {
    const key = keyOf(server);
    const running = this.#renewing.get(key);
    // What others have asked for may be the very token that is refused here.
    if (running !== undefined) {
      return running.then((reply) => {
        const isRefused = reply.token !== null && reply.token === refused;
        return isRefused ? this.#renew(stateDir, server, refused) : reply;
      });
    }
    const renewal = this.#renewInTurn(stateDir, server, refused).finally(() => {
      this.#renewing.delete(key);
    });
    this.#renewing.set(key, renewal);
    return renewal;
  }

  async #renewInTurn(
    stateDir: string,
    server: LoginServer,
    refused: string | null,
  ): Promise<TokenReply> {
    const turn = await takeTurn(stateDir, server);
    if (!turn.ok) return { token: null, problem: `its token cannot be renewed: ${turn.why}` };
    try {
      // Whoever was before has perhaps renewed it, and a refresh token is good for one use.
      const record = this.#read(stateDir, server);
      if (typeof record === 'string') return { token: null, problem: record };
      if (record === null || record.over) return NONE;
      if (isUsable(record, refused)) return this.#give(server, record);
      // There is nothing to try; the server may take it again.
      if (record.refresh_token === null) return NONE;
      if (record.after_refusal && refused !== null && isFresh(record, Date.now())) {
        return this.#over(stateDir, server, record, 'the server refuses new tokens, too');
      }
      return await this.#refresh(stateDir, server, record, refused);
    } finally {
      turn.lock.release();
    }
  }

  async #refresh(
    stateDir: string,
    server: LoginServer,
    record: LoginRecord,
    refused: string | null,
  ): Promise<TokenReply> {
    const { refreshTokens } = await import('./refresh.ts');
    const refreshed: Refreshed = await refreshTokens(server, record);
    switch (refreshed.kind) {
      case 'over':
        return this.#over(stateDir, server, record, refreshed.why);
      case 'failed': {
        const isGood = refused === null && (record.expires_at ?? 0) > Date.now();
        if (isGood) {
          this.#renewLater(server, record, AGAIN_MS);
          return { token: record.access_token, problem: null };
        }
        return { token: null, problem: `its token cannot be renewed: ${refreshed.why}` };
      }
      case 'tokens': {
        const next = { ...record, ...refreshed.tokens, after_refusal: refused !== null };
        // On the disk before it is used: the former refresh token is of no use any more.
        const problem = writeLogin(stateDir, server, next);
        if (problem !== null) this.#options.log.warn({ server: server.name }, problem);
        this.#read(stateDir, server);
        return this.#give(server, next);
      }
    }
  }

  #over(stateDir: string, server: LoginServer, record: LoginRecord, why: string): TokenReply {
    const problem = writeLogin(stateDir, server, { ...record, refresh_token: null, over: true });
    const { log } = this.#options;
    log.warn(
      { server: server.name, why, ...(problem === null ? {} : { problem }) },
      'login is over',
    );
    return NONE;
  }

  /** In time before it expires, as long as somebody uses it. */
  #renewLater(server: LoginServer, record: LoginRecord, leastMs = 0): void {
    const key = keyOf(server);
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    const at = renewAt(record);
    if (at === null || record.refresh_token === null) return;
    const ms = Math.min(Math.max(at - Date.now(), leastMs), LONGEST_TIMER_MS);
    const renew = () => {
      this.#renewInAdvance(server, record).catch((error: unknown) => {
        this.#options.log.warn({ server: server.name, error }, UNSEEN);
        this.#renewLater(server, record, AGAIN_MS);
      });
    };
    this.#timers.set(key, setTimeout(renew, ms).unref());
  }

  async #renewInAdvance(server: LoginServer, record: LoginRecord): Promise<void> {
    const { stateDir } = this.#options;
    if (stateDir === null || this.#running(server).length === 0) return;
    const read = this.#read(stateDir, server);
    if (read === null || typeof read === 'string' || read.over) return;
    const { token } = isUsable(read, null)
      ? this.#give(server, read)
      : await this.#renew(stateDir, server, null);
    if (token === null || token === record.access_token) return;
    for (const holder of this.#running(server)) {
      holder.giveToken({ token, problem: null });
    }
  }
}

function keyOf({ name, endpoint }: LoginServer): string {
  return JSON.stringify([name, endpoint.url]);
}

/** Whether a token can be sent now. */
function isUsable(record: LoginRecord, refused: string | null): boolean {
  if (record.access_token === refused) return false;
  const at = renewAt(record);
  return at === null || record.refresh_token === null || Date.now() < at;
}
