/**
 * Keeps what each server said about itself in its last handshake, in this run or an earlier one. Main
 * owns it, and what the gateway has to say of them; `initialize` and the routing of unknown methods read it. Decides nothing.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import type { ServerProfile } from '../../shared/model/server.ts';

export interface KnownServer {
  readonly config: ServerConfig;
  readonly profile: ServerProfile;
}

export class Profiles {
  #configs: readonly ServerConfig[];
  readonly #notices = new Map<string, readonly string[]>();
  readonly #profiles = new Map<string, ServerProfile>();

  constructor(configs: readonly ServerConfig[]) {
    this.#configs = configs;
  }

  /** What clients are told by the gateway itself, a line each. @param about whose lines they replace. */
  tell(about: string, lines: readonly string[]): void {
    this.#notices.set(about, lines);
  }

  get notices(): readonly string[] {
    return [...this.#notices.values()].flat();
  }

  /** Sets the servers. The profile of one that stays is kept until its next handshake. */
  reconfigure(configs: readonly ServerConfig[]): void {
    this.#configs = configs;
    const names = new Set(configs.map(({ name }) => name));
    for (const name of this.#profiles.keys()) if (!names.has(name)) this.#profiles.delete(name);
  }

  /** Takes a profile of an earlier run, unless the server has one of this run or is configured differently. */
  restore(server: string, fingerprint: string, profile: ServerProfile): void {
    const config = this.#configs.find(({ name }) => name === server);
    if (config?.fingerprint !== fingerprint || config.blocked !== null) return;
    if (this.#profiles.has(server)) return;
    this.#profiles.set(server, profile);
  }

  update(server: string, profile: ServerProfile): void {
    this.#profiles.set(server, profile);
  }

  of(server: string): ServerProfile | null {
    return this.#profiles.get(server) ?? null;
  }

  /** Every server with a known profile, in the order of the configuration. */
  all(): KnownServer[] {
    return this.#configs.flatMap((config) => {
      const profile = this.#profiles.get(config.name);
      return profile === undefined ? [] : [{ config, profile }];
    });
  }
}
