/**
 * Names and URIs reserved for one configured server, whatever others offer: names with its prefix, and
 * URIs that `resources.owner` gives to it. Also while that server is down or not enabled. Pure.
 */
import type { ReservedConfig } from '../../shared/model/config.ts';
import { compileGlobs, type Matcher } from '../globs/match.ts';

/** The owner of a prefix; `server` is null for the gateway itself. */
export interface NameOwner {
  readonly server: string | null;
  readonly prefix: string;
}

const SEPARATOR = '__';
/** Owns names that look like those of the gateway's own tools. */
const GATEWAY: NameOwner = { server: null, prefix: 'rea' };

export class Reserved {
  /** By prefix in lower case: a person takes a name in other case for the same. */
  readonly #byPrefix = new Map<string, NameOwner[]>();
  readonly #byUri: readonly { readonly server: string; readonly matches: Matcher }[];

  /** @param servers all that are configured, in the order of the file. */
  constructor(servers: readonly ReservedConfig[]) {
    for (const { server, prefix } of servers) {
      if (prefix === '') continue;
      const folded = prefix.toLowerCase();
      this.#byPrefix.set(folded, [...(this.#byPrefix.get(folded) ?? []), { server, prefix }]);
    }
    this.#byUri = servers
      .filter(({ resources }) => resources.length > 0)
      .map(({ server, resources }) => ({ server, matches: compileGlobs(resources, 'owner') }));
  }

  /** The owner of an exposed name; null: any server may offer it. */
  ownerOfName(name: string): NameOwner | null {
    let owner: NameOwner | null = null;
    for (let at = name.indexOf(SEPARATOR, 1); at > 0; at = name.indexOf(SEPARATOR, at + 1)) {
      const prefix = name.slice(0, at);
      const owners = this.#byPrefix.get(prefix.toLowerCase());
      owner = owners?.find((one) => one.prefix === prefix) ?? owners?.[0] ?? owner;
    }
    return owner ?? (/^_*rea__/i.test(name) ? GATEWAY : null);
  }

  /** The server that owns a URI: the first in the file with a pattern for it. */
  ownerOfUri(uri: string): string | null {
    return this.#byUri.find(({ matches }) => matches(uri))?.server ?? null;
  }
}

export const NOTHING_RESERVED = new Reserved([]);
