/**
 * Tool names as clients see them: `<prefix>__<tool>`, at most 64 characters of [A-Za-z0-9_-], which is
 * what model APIs accept. Other names are shortened with a hash. The catalogue builds one table from
 * all servers' tools; a call is routed by looking its name up, never by taking the text apart. A name
 * that begins with another server's prefix is always changed: it would look like a tool of that server.
 */
import { createHash } from 'node:crypto';
import type { Because, Place } from './place.ts';
import { NOTHING_RESERVED, type Reserved } from './reserved.ts';

/** Characters of a whole name. */
export const MAX_LENGTH = 64;
const HASH_LENGTH = 12;
/** Between the prefix and the tool's own name. */
export const SEPARATOR = '__';
/** Names of the gateway's own tools. */
const RESERVED = '__rea__';

const LEGAL = /^[A-Za-z0-9_-]{1,64}$/;
const LOOKS_HASHED = /_[0-9a-f]{12}$/;
const AMBIGUOUS_PREFIX = /__|_$/;

export interface ToolRef {
  readonly server: string;
  /** The tool's own name, exactly as its server told it. */
  readonly tool: string;
}

/**
 * The exposed name of a tool: a function of its arguments alone, so it stays the same across restarts
 * whatever other servers offer. Two different pairs never share a name, except where an empty prefix
 * meets a non-empty one: the table settles those.
 *
 * @param prefix "" = no prefix: a legal name passes through unchanged.
 */
export function exposedName(prefix: string, tool: string): string {
  const plain = prefix === '' ? tool : prefix + SEPARATOR + tool;
  // A name that looks hashed is hashed again, and so is one that could be split at two places. So no
  // plain name equals a hashed one, or the plain name of another server's tool.
  const unique = !LOOKS_HASHED.test(plain) && !AMBIGUOUS_PREFIX.test(prefix);
  return unique && LEGAL.test(plain) && !plain.startsWith(RESERVED)
    ? plain
    : hashedName(plain, [prefix, tool]);
}

type NamePlace = Place & { readonly shown: string };

interface Tables {
  readonly refs: Map<string, ToolRef>;
  /** Server → tool → its place in the merged list. */
  readonly places: Map<string, Map<string, NamePlace>>;
}

/** All exposed names at one time. Servers are added one by one; names do not depend on when. */
export class NameTable {
  readonly #servers = new Map<string, { prefix: string; tools: readonly string[] }>();
  readonly #order: readonly string[];
  readonly #reserved: Reserved;
  #built: Tables | null = null;

  /**
   * @param order names of the servers in the order of the configuration: when two tools want the same
   *   name, the earlier server gets it. @default the order in which they are added
   * @param reserved prefixes, each kept for the names of one server. @default nothing
   */
  constructor(order: readonly string[] = [], reserved = NOTHING_RESERVED) {
    this.#order = order;
    this.#reserved = reserved;
  }

  /** Sets the tools of a server, replacing what it had. A name listed twice is one tool. */
  add(server: string, prefix: string, tools: readonly string[]): void {
    this.#servers.set(server, { prefix, tools });
    this.#built = null;
  }

  /** The exposed name of a tool that was added. Throws for any other: asking is a bug. */
  exposed(server: string, tool: string): string {
    return this.place(server, tool).shown;
  }

  /** The exposed name, and why it differs from the one the tool would have without other servers. */
  place(server: string, tool: string): NamePlace {
    const place = this.#tables().places.get(server)?.get(tool);
    if (place === undefined)
      throw new Error(`not in the table: ${JSON.stringify({ server, tool })}`);
    return place;
  }

  /** The tool that a call with this name goes to, or undefined. */
  resolve(exposed: string): ToolRef | undefined {
    return this.#tables().refs.get(exposed);
  }

  #tables(): Tables {
    this.#built ??= this.#build();
    return this.#built;
  }

  #build(): Tables {
    const refs = new Map<string, ToolRef>();
    const places = new Map<string, Map<string, NamePlace>>();
    for (const server of new Set([...this.#order, ...this.#servers.keys()])) {
      const entry = this.#servers.get(server);
      if (entry === undefined) continue;
      const own = new Map<string, NamePlace>();
      places.set(server, own);
      // Sorted: even if two hashes are equal, the order of a server's list decides nothing.
      for (const tool of [...new Set(entry.tools)].sort()) {
        const place = this.#place(refs, server, entry.prefix, tool);
        refs.set(place.shown, { server, tool });
        own.set(tool, place);
      }
    }
    return { refs, places };
  }

  #place(
    refs: ReadonlyMap<string, ToolRef>,
    server: string,
    prefix: string,
    tool: string,
  ): NamePlace {
    const wanted = exposedName(prefix, tool);
    let because = this.#reservedFrom(server, wanted);
    let shown = because === null ? wanted : strangeName(wanted, [prefix, tool]);
    for (let attempt = 0; ; attempt++) {
      const other = refs.get(shown);
      if (other === undefined) return { shown, because };
      because ??= other.server === server ? null : { kind: 'taken', owner: other.server };
      const identity = [prefix, tool, server, String(attempt)];
      shown = hashedName(wanted, identity);
      if (this.#reservedFrom(server, shown) !== null) shown = strangeName(wanted, identity);
    }
  }

  /** Why a server may not have a name; null: it may. */
  #reservedFrom(server: string, name: string): Because | null {
    const owner = this.#reserved.ownerOfName(name);
    if (owner === null || owner.server === server) return null;
    return { kind: 'prefix', owner: owner.server, prefix: owner.prefix };
  }
}

/** A name without a separator, so that it looks like a tool of no server with a prefix. */
function strangeName(plain: string, identity: readonly string[]): string {
  const joined = plain.replace(/[^A-Za-z0-9_-]/gu, '_').replace(/_{2,}/g, '_');
  const head = joined.slice(0, MAX_LENGTH - HASH_LENGTH - 1).replace(/^_|_$/g, '');
  return `${head}_${hashOf(identity)}`;
}

function hashedName(plain: string, identity: readonly string[]): string {
  const head = plain
    .replace(/[^A-Za-z0-9_-]/gu, '_')
    .replace(/^__(?=rea)/, '')
    .slice(0, MAX_LENGTH - HASH_LENGTH - 1);
  return `${head}_${hashOf(identity)}`;
}

function hashOf(identity: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of identity) {
    // UTF-16: UTF-8 would turn all lone surrogates into the same U+FFFD.
    hash.update(`${part.length}:`).update(Buffer.from(part, 'utf16le'));
  }
  return hash.digest('hex').slice(0, HASH_LENGTH);
}
