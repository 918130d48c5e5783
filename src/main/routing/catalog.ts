/**
 * The merged catalogue: the last known tools of every server, live or from `catalog.json`, under
 * their exposed names. Owns the answer to tools/list and decides when a first one may wait. Holds
 * each tool as the bytes its server sent; only the name is replaced.
 */
import picomatch from 'picomatch';
import type { DownstreamConfig } from '../../shared/model/config.ts';
import type { ToolEntry } from '../../shared/wire/protocol.ts';
import { HEALTH_TOOL, HEALTH_TOOL_NAME } from './health.ts';
import { NameTable } from './names.ts';

/** Where a call with an exposed name goes. */
export type Resolution =
  | { readonly kind: 'tool'; readonly server: string; readonly nameRaw: Uint8Array }
  | { readonly kind: 'health' }
  /** No such tool yet, but this server has not said what it has in this run. */
  | { readonly kind: 'pending'; readonly server: string }
  | { readonly kind: 'unknown' };

interface ServerEntry {
  readonly config: DownstreamConfig;
  readonly allows: (tool: string) => boolean;
  /** Null: never seen, not even in an earlier run. */
  tools: readonly ToolEntry[] | null;
  /** Its tools of this run have arrived, or it failed once. */
  settled: boolean;
  live: boolean;
}

const encoder = new TextEncoder();
const COMMA = encoder.encode(',');

export class Catalog {
  readonly #servers = new Map<string, ServerEntry>();
  readonly #onChange: () => void;
  #targets = new Map<string, { server: string; nameRaw: Uint8Array }>();
  #list: Uint8Array;
  #waiters: (() => void)[] = [];
  #waitEnds: number | null = null;
  readonly #listWaitMs: number;

  constructor(options: {
    readonly servers: readonly DownstreamConfig[];
    readonly listWaitMs: number;
    /** Called after the merged list has become different. */
    readonly onChange: () => void;
  }) {
    this.#listWaitMs = options.listWaitMs;
    this.#onChange = options.onChange;
    for (const config of options.servers) {
      this.#servers.set(config.name, {
        config,
        allows: toolFilter(config),
        tools: null,
        settled: false,
        live: false,
      });
    }
    this.#list = this.#rebuild();
  }

  /** Tools of an earlier run, served until the server has told its own. */
  restore(server: string, fingerprint: string, tools: readonly ToolEntry[]): void {
    const entry = this.#servers.get(server);
    if (entry === undefined || entry.live || entry.config.fingerprint !== fingerprint) return;
    entry.tools = tools;
    this.#list = this.#rebuild();
  }

  /** The complete list a server has just told. */
  update(server: string, tools: readonly ToolEntry[]): void {
    const entry = this.#servers.get(server);
    if (entry === undefined) return;
    entry.tools = tools;
    entry.live = true;
    entry.settled = true;
    const before = this.#list;
    this.#list = this.#rebuild();
    this.#wake();
    if (!sameBytes(before, this.#list)) this.#onChange();
  }

  /** The server failed: nobody waits for its first list any longer. */
  settle(server: string): void {
    const entry = this.#servers.get(server);
    if (entry === undefined || entry.settled) return;
    entry.settled = true;
    this.#wake();
  }

  /** JSON text of the `tools` array. */
  get list(): Uint8Array {
    return this.#list;
  }

  /** Whether the server's own list has been seen in this run. */
  isLive(server: string): boolean {
    return this.#servers.get(server)?.live === true;
  }

  toolsOf(server: string): readonly ToolEntry[] | null {
    return this.#servers.get(server)?.tools ?? null;
  }

  resolve(exposed: string): Resolution {
    if (exposed === HEALTH_TOOL_NAME) return { kind: 'health' };
    const target = this.#targets.get(exposed);
    if (target !== undefined) return { kind: 'tool', ...target };
    for (const [server, entry] of this.#servers) {
      if (!entry.live && exposed.startsWith(`${entry.config.prefix}__`)) {
        return { kind: 'pending', server };
      }
    }
    return { kind: 'unknown' };
  }

  /**
   * Calls back when tools/list may be answered: at once when every server is known, else when each
   * unknown one is ready or has failed, at most `listWaitMs` after the first request of the run.
   */
  whenListable(now: number, callback: () => void): void {
    if (!this.#incomplete()) return callback();
    this.#waitEnds ??= now + this.#listWaitMs;
    const left = this.#waitEnds - now;
    if (left <= 0) return callback();
    const done = () => {
      clearTimeout(timer);
      callback();
    };
    const timer = setTimeout(() => {
      this.#waiters = this.#waiters.filter((waiter) => waiter !== done);
      callback();
    }, left);
    this.#waiters.push(done);
  }

  #incomplete(): boolean {
    for (const entry of this.#servers.values()) {
      if (entry.tools === null && !entry.settled) return true;
    }
    return false;
  }

  #wake(): void {
    if (this.#incomplete()) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  #rebuild(): Uint8Array {
    const table = new NameTable();
    const entries: { server: string; tool: ToolEntry }[] = [];
    for (const [server, { config, tools, allows }] of this.#servers) {
      const offered = (tools ?? []).filter((tool) => allows(tool.name));
      table.add(
        server,
        config.prefix,
        offered.map((tool) => tool.name),
      );
      for (const tool of offered) entries.push({ server, tool });
    }
    this.#targets = new Map();
    const parts: Uint8Array[] = [encoder.encode('['), encoder.encode(JSON.stringify(HEALTH_TOOL))];
    for (const { server, tool } of entries) {
      const exposed = table.exposed(server, tool.name);
      const [start, end] = tool.nameAt;
      this.#targets.set(exposed, { server, nameRaw: tool.json.subarray(start, end) });
      parts.push(
        COMMA,
        tool.json.subarray(0, start),
        encoder.encode(JSON.stringify(exposed)),
        tool.json.subarray(end),
      );
    }
    parts.push(encoder.encode(']'));
    return Buffer.concat(parts);
  }
}

function toolFilter(config: DownstreamConfig): (tool: string) => boolean {
  const { allow, deny } = config.tools;
  // Names are not paths: a star stands for any characters, slashes among them.
  const options = { dot: true, bash: true };
  const allowed = picomatch([...allow], options);
  const denied = deny.length === 0 ? () => false : picomatch([...deny], options);
  return (tool) => allowed(tool) && !denied(tool);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
