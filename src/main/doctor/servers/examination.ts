/**
 * One server, started once in a supervisor thread as a gateway would, watched until it is clear whether it serves,
 * and stopped. All that is judged comes from the supervisor's own record, so that it is what `rea status` would show.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ServerConfig } from '../../../shared/model/config.ts';
import { IDLE } from '../../../shared/model/idle.ts';
import { LIST_KINDS, type ListKind } from '../../../shared/model/lists.ts';
import type { TokenFor } from '../../../shared/model/login.ts';
import type { SupervisorRecord } from '../../../shared/model/snapshot.ts';
import type { Fact } from '../../../shared/protocol/facts.ts';
import type {
  CatalogMessage,
  LifecycleMessage,
  ReverseRequestMessage,
} from '../../../shared/protocol/from-supervisor.ts';
import type { ToSupervisor } from '../../../shared/protocol/to-supervisor.ts';
import { logFromThread } from '../../logger.ts';
import { lostRecord } from '../../servers/lost-record.ts';
import { SupervisorThread } from '../../threads/supervisor-thread.ts';
import type { Opening, Tenant } from '../../threads/tenant.ts';
import type { Examined } from './examined.ts';
import type { Ground } from './ground.ts';
import { treeMegabytes } from './memory.ts';
import { EOF_MS, IDLE_MS, MOST_MS, startedOnce } from './once.ts';

/** What is left out is null. */
type Verdict = Pick<Examined, 'record' | 'serves'> & Partial<Pick<Examined, 'rssMb' | 'unclearMs'>>;

/** So long it is looked at after its handshake: some end or hang right after it. */
const WATCH_MS = 1000;
const CHECK_MS = 250;
const TERM_MS = 1000;
const HURRY = { eofMs: 0, termMs: 500 } as const;
/** Even, as the ids of a gateway are. */
const PING = 2;
const PING_LINE = `{"jsonrpc":"2.0","id":${PING},"method":"ping"}\n`;

export class Examination implements Tenant {
  readonly config: ServerConfig;
  readonly #configured: ServerConfig;
  readonly creditLane: number;
  /** None but a ping. */
  readonly calls = 0;
  readonly #ground: Ground;
  readonly #thread: SupervisorThread;
  readonly #lists = new Map<ListKind, CatalogMessage>();
  readonly #settled = new Set<ListKind>();
  readonly #timers: NodeJS.Timeout[] = [];
  #facts: MessagePort | null = null;
  #slot = 0;
  #record: SupervisorRecord = IDLE;
  /** The record that is judged; null until it is clear. */
  #verdict: Verdict | null = null;
  #startedAt = 0;
  #readyMs: number | null = null;
  /** Milliseconds since the epoch; null: not yet. */
  #stopAt: number | null = null;
  #isWatched = false;
  #isPinged = false;
  #onJudged: () => void = () => {};
  #onStopped: () => void = () => {};
  #isStopped = false;
  #isHurried = false;

  constructor(server: ServerConfig, creditLane: number, ground: Ground) {
    const { config: gateway, secrets, log } = ground;
    this.config = startedOnce(server);
    this.#configured = server;
    this.creditLane = creditLane;
    this.#ground = ground;
    this.#thread = new SupervisorThread({
      ...ground,
      name: server.name,
      shared: false,
      http: server.endpoint !== null,
      capacity: 1,
      heapMb: gateway.threads.heapMb,
      stallMs: gateway.threads.stallMs,
      gatewayVersion: ground.version,
      onLog: (message) => logFromThread(log, message),
      onSecret: (name, secret) => secrets.learn(name, [secret]),
      attachFacts: (port) => this.#attach(port),
      endGroup: (group, lane) => ground.processes.end(group, lane),
      onChange: () => undefined,
    });
  }

  get retired(): boolean {
    return this.#stopAt !== null || this.#isStopped;
  }

  /** Resolves when nothing of the server is left. */
  async run(): Promise<Examined> {
    await new Promise<void>((resolve) => {
      this.#onJudged = resolve;
      this.#every(CHECK_MS, () => this.#thread.check(performance.now()));
      this.#startedAt = performance.now();
      this.#slot = this.#thread.open(this, 0);
      this.#after(MOST_MS, () => this.#giveUp());
    });
    await new Promise<void>((resolve) => {
      this.#onStopped = resolve;
      if (this.#isStopped) return resolve();
      this.#stopAt = Date.now();
      const times = this.#isHurried ? HURRY : { eofMs: EOF_MS, termMs: TERM_MS };
      if (!this.#post({ type: 'stop', slot: this.#slot, ...times })) resolve();
      // Its thread kills what does not end, and tells so.
      this.#after(MOST_MS, resolve);
    });
    await this.#thread.stop();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#ground.credit.clear(this.creditLane);
    this.#facts?.close();
    return this.#examined();
  }

  /** It is of no interest any more: it ends at once. */
  hurry(): void {
    this.#isHurried = true;
    this.#judge({ record: this.#record, serves: false });
    if (this.#stopAt !== null) this.#post({ type: 'stop', slot: this.#slot, ...HURRY });
  }

  get running(): boolean {
    return !this.retired;
  }

  giveToken(reply: TokenFor): void {
    this.#post({ ...reply, type: 'token', slot: this.#slot });
  }

  opening(): Opening {
    const formerSecrets = this.#ground.secrets.former();
    return {
      generation: 0,
      incarnation: 0,
      restarts: 0,
      lastExit: null,
      lastError: null,
      clientCapabilities: '{}',
      formerSecrets,
    };
  }

  onOpened(): void {}

  onMessage(message: Parameters<Tenant['onMessage']>[0]): void {
    switch (message.type) {
      case 'ticket_wanted':
        this.#post({ type: 'ticket', slot: this.#slot, launcher: null });
        return;
      case 'token_wanted':
        void this.#ground.logins.serve(this, message);
        return;
      case 'catalog':
        this.#lists.set(message.kind, message);
        this.#settled.add(message.kind);
        return this.#look();
      case 'unlisted':
        this.#settled.add(message.kind);
        return this.#look();
      case 'answer':
        return this.#serves();
      case 'lifecycle':
        return this.#lifecycle(message);
      case 'reverse_request':
        return this.#refuse(message);
      // Nobody is here for them.
      case 'call_failed':
      case 'held_back':
      case 'launcher_failed':
      case 'notification':
      case 'profile':
      case 'progress':
      case 'released':
      case 'reverse_cancelled':
      case 'ticket_returned':
        return;
    }
  }

  onKilled(): void {}

  onLost(state: 'stalled' | 'crashed', detail: string): void {
    const error = `supervisor thread ${state}: ${detail}`;
    const record = lostRecord(this.#record, { error, now: Date.now(), nextStartAt: null });
    // As a gateway would show it until another thread has it.
    this.#judge({ record: { ...record, phase: 'backoff' }, serves: false });
    this.#stopped();
  }

  onTooBusy(): void {}

  onEvicted(): void {}

  #attach(port: MessagePort): void {
    this.#facts = port;
    port.unref();
    port.on('message', (fact: Fact) => {
      // What changes between two events: noise, and lists that cannot be had.
      if (fact.type === 'supervisor' && fact.record.phase === this.#record.phase) {
        this.#record = fact.record;
      }
    });
  }

  #lifecycle({ event, record }: LifecycleMessage): void {
    this.#record = record;
    const { phase } = record;
    if (event.event === 'ready') {
      this.#readyMs = Math.round(performance.now() - this.#startedAt);
      this.#after(WATCH_MS, () => {
        this.#isWatched = true;
        this.#look();
      });
    }
    if (phase === 'stopped') return this.#stopped();
    // Before that it may be dying, and its record does not say why yet.
    const isDown = event.event === 'child_died_unexpectedly' || event.event === 'unreachable';
    if (!isDown && !(phase === 'failed' && record.incarnation === 0)) return;
    this.#judge({ record, serves: false });
  }

  /** Asks it something once its lists are known and it has had its time to fail. */
  #look(): void {
    const areListed = LIST_KINDS.every((kind) => this.#settled.has(kind));
    if (!this.#isWatched || !areListed || this.#isPinged || this.#verdict !== null) return;
    this.#isPinged = true;
    this.#post({
      type: 'call',
      can: 0,
      slot: this.#slot,
      incarnation: this.#record.incarnation,
      call: PING,
      line: Buffer.from(PING_LINE),
      writes: false,
      tasks: null,
    });
    // One that never answers a ping is not taken for hung: a gateway would go on with it.
    const { timeoutMs, misses } = this.config.liveness;
    this.#after(IDLE_MS + (misses + 1) * timeoutMs + WATCH_MS, () => this.#serves());
  }

  #serves(): void {
    // It is being ended: the record to come says why.
    if (this.#record.phase !== 'ready') return;
    const rssMb = treeMegabytes(this.#record.pgid);
    this.#judge({ record: this.#record, serves: true, rssMb });
  }

  #giveUp(): void {
    const serves = this.#record.phase === 'ready';
    const unclearMs = serves ? null : MOST_MS;
    this.#judge({ record: this.#record, serves, unclearMs });
  }

  #judge(verdict: Verdict): void {
    this.#verdict ??= verdict;
    this.#onJudged();
  }

  #stopped(): void {
    this.#isStopped = true;
    this.#onStopped();
  }

  /** Nobody is here that it could ask. */
  #refuse({ incarnation, line, id: [start, end] }: ReverseRequestMessage): void {
    const id = Buffer.from(line.subarray(start, end)).toString();
    const error = '{"code":-32601,"message":"no client is connected"}';
    const reply = Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":${error}}\n`);
    this.#post({ type: 'line', slot: this.#slot, incarnation, line: reply });
  }

  #examined(): Examined {
    const verdict = this.#verdict ?? { record: this.#record, serves: false };
    return {
      rssMb: null,
      unclearMs: null,
      ...verdict,
      server: this.#configured,
      lists: this.#lists,
      readyMs: this.#readyMs,
      exitsOnEof: verdict.serves ? this.#exitsOnEof() : null,
      noiseLines: this.#record.noise_lines,
      leftRunning: this.#record.left_running,
    };
  }

  #exitsOnEof(): boolean | null {
    const exit = this.#record.last_exit;
    if (this.config.endpoint !== null || exit === null || this.#stopAt === null) return null;
    return exit.signal === null && Date.parse(exit.at) - this.#stopAt < EOF_MS;
  }

  #post(message: ToSupervisor): boolean {
    return this.#thread.post(message);
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }

  #every(ms: number, act: () => void): void {
    this.#timers.push(setInterval(act, ms));
  }
}
