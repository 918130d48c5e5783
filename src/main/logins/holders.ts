/** The running copies of servers that have a token, by login. Keeps nothing of those that have ended. */
import type { ServerConfig } from '../../shared/model/config.ts';
import type { TokenFor, TokenReply } from '../../shared/model/login.ts';
import type { LoginServer } from './record.ts';

/** A running copy of a server, which uses the token that it was given until it gets another one. */
export interface TokenHolder {
  readonly config: ServerConfig;
  readonly running: boolean;
  /** So far. */
  readonly calls: number;
  giveToken(reply: TokenFor): void;
}

export class Holders {
  readonly #byLogin = new Map<string, Set<TokenHolder>>();

  add(server: LoginServer, holder: TokenHolder): void {
    for (const [key, holders] of this.#byLogin) {
      for (const one of holders) if (!one.running) holders.delete(one);
      if (holders.size === 0) this.#byLogin.delete(key);
    }
    const key = keyOf(server);
    const holders = this.#byLogin.get(key) ?? new Set();
    this.#byLogin.set(key, holders.add(holder));
  }

  /** Whether one of them runs. */
  has(server: LoginServer): boolean {
    return this.#running(server).length > 0;
  }

  /** How many calls there have been by those that run. */
  calls(server: LoginServer): number {
    return this.#running(server).reduce((sum, { calls }) => sum + calls, 0);
  }

  /** The logins of all that run. */
  get servers(): LoginServer[] {
    return [...this.#byLogin.values()].flatMap((holders) => {
      const { name, endpoint = null } = [...holders].find(({ running }) => running)?.config ?? {};
      return endpoint === null || name === undefined ? [] : [{ name, endpoint }];
    });
  }

  /** To all that run, although they have not asked. */
  give(server: LoginServer, reply: TokenReply): void {
    for (const holder of this.#running(server)) giveTo(holder, server, null, reply);
  }

  #running(server: LoginServer): TokenHolder[] {
    return [...(this.#byLogin.get(keyOf(server)) ?? [])].filter(({ running }) => running);
  }
}

/** The name and address of a login's server, as one text. */
export function keyOf({ name, endpoint }: LoginServer): string {
  return JSON.stringify([name, endpoint.url]);
}

/** By the time of an answer it may have ended, and its place in the thread may be another server's. */
export function giveTo(
  holder: TokenHolder,
  server: LoginServer | null,
  incarnation: number | null,
  reply: TokenReply,
): void {
  const url = server?.endpoint.url ?? null;
  if (!holder.running) return;
  holder.giveToken({ ...reply, server: holder.config.lane, url, incarnation });
}
