/**
 * A real conversation with a server that a test plays: what is written to the server, what goes to main and
 * what the listener is told are recorded. With fake timers or without.
 */
import { ByteCredit } from '#src/shared/memory/byte-credit.ts';
import { ThreadVitals } from '#src/shared/memory/vitals.ts';
import type { ListKind } from '#src/shared/model/lists.ts';
import type { CatalogEntry } from '#src/shared/model/mcp.ts';
import { DEFAULT_REDACT } from '#src/shared/model/policy.ts';
import type { FromSupervisor } from '#src/shared/protocol/from-supervisor.ts';
import { Conversation } from '#src/workers/supervisor/conversation/conversation.ts';
import type { ConversationListener } from '#src/workers/supervisor/conversation/conversation-listener.ts';
import {
  ReadThrottle,
  type ThrottleListener,
} from '#src/workers/supervisor/limits/read-throttle.ts';
import { Readers } from '#src/workers/supervisor/limits/readers.ts';
import type { Line, RequestId } from '#src/workers/supervisor/link.ts';
import { Results } from '#src/workers/supervisor/results/results.ts';
import { SecretsInText } from '#src/workers/supervisor/results/secrets-in-text.ts';
import { ToMain } from '#src/workers/supervisor/to-main.ts';
import { Workload } from '#src/workers/supervisor/workload.ts';

const MIB = 1024 * 1024;
const FEATURES = { tools: {}, logging: {} };

interface Written {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

class RecordedLine implements Line {
  readonly wantsHeaders = false;
  /** Messages to the server, in order. */
  readonly written: Written[] = [];
  /** Calls that have not left and can be taken back. */
  readonly unsent = new Set<RequestId>();
  /** Bytes that the server has not read yet. */
  queuedBytes = 0;

  write(line: Uint8Array): void {
    this.written.push(JSON.parse(Buffer.from(line).toString()));
  }

  withdraw(id: RequestId): boolean {
    return this.unsent.delete(id);
  }

  answered(): void {}

  opened(): void {}
  pinged(): void {}

  handshaken(): void {}
}

export class ConversationWorld implements ConversationListener, ThrottleListener {
  readonly credit = ByteCredit.create(1, { softBytes: 64 * MIB, hardBytes: 96 * MIB });
  readonly line = new RecordedLine();
  /** Messages to main, in order. */
  readonly posted: FromSupervisor[] = [];
  /** Names of the listener's methods, with the kind of list or the reason. */
  readonly told: string[] = [];
  readonly conversation: Conversation;

  /** @param options.declared what the client of each call can do, JSON text. */
  constructor(options: { readonly logLevel?: string; readonly declared?: string } = {}) {
    const readers = new Readers();
    const throttle = new ReadThrottle({ credit: this.credit, lane: 0, readers, listener: this });
    const toMain = new ToMain({
      slot: 0,
      incarnation: 1,
      throttle,
      post: (message) => this.posted.push(message),
    });
    const secrets = new SecretsInText([]);
    this.conversation = new Conversation({
      server: 'world',
      maxMessageBytes: MIB,
      listTimeoutMs: 5000,
      liveness: { idleMs: 30_000, timeoutMs: 5000, misses: 2 },
      gatewayVersion: '1.0.0',
      protocol: 'auto',
      capabilities: { all: '{}', ofCall: () => options.declared ?? '{}' },
      logLevel: options.logLevel ?? null,
      line: this.line,
      readers,
      throttle,
      results: new Results({
        rules: () => DEFAULT_REDACT,
        injection: () => 'warn',
        secrets: () => secrets,
        maxBytes: () => MIB,
      }),
      toMain,
      workload: new Workload(ThreadVitals.create(1)),
      listener: this,
    });
  }

  get written(): Written[] {
    return this.line.written;
  }

  /** Methods of what was written to the server, in order. */
  get methods(): (string | undefined)[] {
    return this.written.map(({ method }) => method);
  }

  /** The server writes one line. */
  say(text: string): void {
    // The conversation may free what it is given.
    this.conversation.push(Uint8Array.from(Buffer.from(`${text}\n`)));
  }

  /** The server answers the newest request of this method. */
  reply(method: string, result: object): void {
    const id = this.written.findLast((line) => line.method === method)?.id;
    this.say(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }

  /** The server answers `initialize`. */
  shakeHands(capabilities: object = FEATURES): void {
    const serverInfo = { name: 'server', version: '1' };
    this.reply('initialize', { protocolVersion: '2025-06-18', capabilities, serverInfo });
  }

  call(call: number): void {
    const line = { jsonrpc: '2.0', id: call, method: 'tools/call', params: { name: 'a' } };
    this.conversation.call(call, Buffer.from(`${JSON.stringify(line)}\n`), null, 0);
  }

  handshaken(): void {
    this.told.push('handshaken');
  }

  described(): void {
    this.told.push('described');
  }

  condemned(reason: string): void {
    this.told.push(`condemned ${reason}`);
  }

  listed(kind: ListKind, entries: readonly CatalogEntry[]): void {
    this.told.push(`listed ${kind} ${entries.length}`);
  }

  leftOut(): void {}

  listFailed(): void {
    this.told.push('listFailed');
  }

  unlisted(kind: ListKind): void {
    this.told.push(`unlisted ${kind}`);
  }

  trouble(text: string): void {
    this.told.push(text);
  }

  noise(): void {
    this.told.push('noise');
  }

  dropped(): void {
    this.told.push('dropped');
  }

  paused(paused: boolean): void {
    this.conversation.paused(paused);
  }

  overloaded(): void {
    this.told.push('overloaded');
  }
}
