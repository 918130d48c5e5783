/**
 * One start of a server and all that ends with it: the child or the connection, the conversation with
 * it, its stderr. Wires them together and turns what they tell into inputs of the machine. Owned by the
 * supervisor of the slot.
 */

import { SAMPLE_UNITS } from '../../shared/json/framing.ts';
import type { SupervisorInput } from '../../shared/machines/supervisor-state.ts';
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { ThreadVitals } from '../../shared/memory/vitals.ts';
import type { DownstreamConfig, EndpointConfig } from '../../shared/model/config.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import type { ListKind } from '../../shared/model/lists.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import type { ServerFeatures } from '../../shared/model/server.ts';
import type { LastExit } from '../../shared/model/snapshot.ts';
import type { FromSupervisor, LogMessage } from '../../shared/protocol/from-supervisor.ts';
import type { LauncherAddress } from '../../shared/protocol/launch.ts';
import { cleanForTerminal } from '../../shared/text/clean-text.ts';
import { redactedHead } from '../../shared/text/redact.ts';
import { Conversation } from './conversation/conversation.ts';
import type { ConversationListener } from './conversation/conversation-listener.ts';
import type { SelfDescription } from './conversation/handshake.ts';
import type { DroppedNotifications } from './conversation/notifications.ts';
import { Outgoing } from './conversation/outgoing.ts';
import { KEPT_ERROR_UNITS } from './conversation/own-requests.ts';
import { Remote } from './http/remote.ts';
import type { NoiseReport } from './limits/noise.ts';
import { ReadThrottle, type ThrottleListener } from './limits/read-throttle.ts';
import { Readers } from './limits/readers.ts';
import type { Link } from './link.ts';
import { Child } from './process/child.ts';
import { buildChildEnv, withheldNames } from './process/environment.ts';
import { StderrReader } from './process/stderr.ts';
import { exitText } from './record.ts';
import { type Looks, PathRule } from './rules/path-rule.ts';
import { ToMain } from './to-main.ts';
import type { Workload } from './workload.ts';

const SAMPLE = { kept: SAMPLE_UNITS, shown: 200 };
const PROBLEM = { kept: KEPT_ERROR_UNITS, shown: 2000 };

export interface IncarnationOptions {
  readonly config: DownstreamConfig;
  readonly slot: number;
  readonly incarnation: number;
  readonly credit: ByteCredit;
  readonly creditLane: number;
  readonly vitals: ThreadVitals;
  readonly workload: Workload;
  readonly groupsFile: string;
  readonly guarded: GuardedPlaces;
  readonly looks: Looks;
  /** Who is to start it; null: this process. */
  readonly launcher: LauncherAddress | null;
  readonly gatewayVersion: string;
  readonly clientCapabilities: string;
  readonly post: (message: FromSupervisor, transfer: ArrayBuffer[]) => void;
  readonly feed: (input: SupervisorInput) => void;
  /** A secret that the configuration does not hold: takes it out from now on. */
  readonly onSecret: (secret: string) => void;
  /** Takes secrets out. */
  readonly redact: (text: string) => string;
  readonly log: (level: LogMessage['level'], text: string, fields: LogMessage['fields']) => void;
  /** Level last asked for, null if none was. */
  readonly logLevel: string | null;
  /** Called before the machine learns of the exit. */
  readonly onExit: (exit: LastExit) => void;
  readonly onDescribed: (description: SelfDescription, incarnation: number) => void;
  readonly onList: (kind: ListKind, entries: readonly CatalogEntry[], incarnation: number) => void;
  readonly onLeftOut: (kind: ListKind, message: string) => void;
  /** The child's start time became known late. */
  readonly onIdentified: () => void;
  /** A list could not be fetched. */
  readonly onNoList: (problem: string) => void;
}

export class Incarnation implements ConversationListener, ThrottleListener {
  readonly #options: IncarnationOptions;
  readonly number: number;
  readonly link: Link;
  readonly conversation: Conversation;
  /** The way of what clients say to the server. */
  readonly outgoing: Outgoing;
  readonly #rule: PathRule | null;
  readonly #throttle: ReadThrottle;
  /** Names of variables that the server may miss. */
  readonly withheld: readonly string[];
  readonly #stderr: StderrReader | null;

  /** Spawns or connects, and begins the handshake. */
  constructor(options: IncarnationOptions) {
    const { config, incarnation, log } = options;
    this.#options = options;
    this.number = incarnation;
    const env = config.endpoint === null ? buildChildEnv(process.env, config) : null;
    this.withheld = env === null ? [] : withheldNames(process.env, env);
    this.#stderr =
      env === null
        ? null
        : new StderrReader({
            redact: options.redact,
            onLine: (line) => log('info', line, { stream: 'stderr' }),
            onDropped: (lines) => log('warn', 'lines of stderr were not logged', { lines }),
            now: () => performance.now(),
          });
    this.link =
      config.endpoint === null
        ? this.#spawn(options, env ?? {})
        : this.#connect(options, config.endpoint);
    this.#rule = config.endpoint === null ? this.#guard(options) : null;
    const readers = new Readers();
    this.#throttle = new ReadThrottle({
      credit: options.credit,
      lane: options.creditLane,
      readers,
      listener: this,
    });
    const toMain = new ToMain({ ...options, throttle: this.#throttle });
    this.conversation = new Conversation({
      ...options,
      server: config.name,
      maxMessageBytes: config.maxMessageBytes,
      listTimeoutMs: config.startTimeoutMs,
      liveness: config.liveness,
      line: this.link,
      readers,
      throttle: this.#throttle,
      toMain,
      listener: this,
    });
    this.outgoing = new Outgoing({
      ...options,
      server: config.name,
      rule: this.#rule,
      conversation: this.conversation,
      toMain,
    });
    if (this.link instanceof Child) this.conversation.readsFrom(this.link);
  }

  /** The end of what it said on stderr, without secrets. */
  get stderrTail(): string {
    return this.#stderr?.tail() ?? '';
  }

  /** Ends the conversation. @returns the calls without an answer, and whether each one left. */
  close(): { readonly call: number; readonly sent: boolean }[] {
    this.#throttle.close();
    const held = this.outgoing.close().map((call) => ({ call, sent: false }));
    const unsent = new Set(this.link.unsentCalls());
    return [
      ...held,
      ...this.conversation.close().map((call) => ({ call, sent: !unsent.has(call) })),
    ];
  }

  /** A server's process reads this machine's files. */
  #guard({ workload, slot, ...options }: IncarnationOptions): PathRule {
    return new PathRule({ ...options, work: (task) => workload.of(slot, task) });
  }

  #spawn(options: IncarnationOptions, env: Readonly<Record<string, string>>): Link {
    const { incarnation, feed, log, slot, workload } = options;
    return new Child({
      ...options,
      env,
      onLauncherFailed: (path, why) =>
        options.post({ type: 'launcher_failed', slot, path, why }, []),
      onSpawned: (pid) => feed({ type: 'spawned', incarnation, pid }),
      onSpawnFailed: (text) => {
        const detail = redactedHead(text, options.redact, PROBLEM);
        feed({ type: 'spawn_failed', incarnation, detail, random: Math.random() });
      },
      onStdout: (chunk) => {
        const { length } = chunk;
        workload.of(slot, () => {
          this.conversation.push(chunk);
          this.#throttle.chunk(length);
        });
      },
      // What the server wrote last is read whatever the limits say: there is little time for it.
      onExited: () => this.#throttle.close(),
      onStderr: (chunk) => workload.of(slot, () => this.#stderr?.push(chunk)),
      onUnreachable: (detail) => feed({ type: 'condemned', incarnation, reason: 'exit', detail }),
      onGone: (code, signal) => this.#gone(options, code, signal, exitText(code, signal)),
      onTrouble: (text) => log('warn', text, {}),
      onIdentified: options.onIdentified,
    });
  }

  #connect(options: IncarnationOptions, endpoint: EndpointConfig): Link {
    const { config, log, redact, onSecret } = options;
    const told = (text: string) =>
      cleanForTerminal(redactedHead(text, redact, PROBLEM).replaceAll(/\s+/g, ' '));
    return new Remote({
      server: config.name,
      endpoint,
      gatewayVersion: options.gatewayVersion,
      maxMessageBytes: config.maxMessageBytes,
      receiver: () => this.conversation,
      tell: told,
      onSecret,
      onTrouble: (text) => log('warn', told(text), {}),
      onGone: (detail) => this.#gone(options, null, null, told(detail)),
    });
  }

  #gone(
    { incarnation, feed, onExit }: IncarnationOptions,
    code: number | null,
    signal: NodeJS.Signals | null,
    detail: string,
  ): void {
    this.conversation.end();
    this.#stderr?.end();
    const at = new Date().toISOString();
    onExit({ code, signal, at, stderr_tail: this.stderrTail });
    feed({ type: 'exited', incarnation, code, signal, detail, random: Math.random() });
  }

  paused(paused: boolean): void {
    this.conversation.paused(paused);
  }

  overloaded(): void {
    const { log, post, slot } = this.#options;
    log('warn', 'says more than anybody asked for: it is read slowly', {});
    post({ type: 'held_back', slot, incarnation: this.number }, []);
  }

  described(description: SelfDescription, leftOut: string | null): void {
    if (leftOut !== null) this.#options.log('warn', leftOut, {});
    this.#options.onDescribed(description, this.number);
  }

  handshaken(features: ServerFeatures): void {
    this.#options.feed({ type: 'handshaken', incarnation: this.number, features });
  }

  condemned(reason: 'handshake' | 'stall' | 'noise', detail: string): void {
    const told = redactedHead(detail, this.#options.redact, PROBLEM);
    this.#options.feed({ type: 'condemned', incarnation: this.number, reason, detail: told });
  }

  listed(kind: ListKind, entries: readonly CatalogEntry[]): void {
    if (kind === 'tools') this.#rule?.tools(entries);
    this.#options.onList(kind, entries, this.number);
  }

  leftOut(kind: ListKind, message: string): void {
    this.#options.onLeftOut(kind, message);
  }

  listFailed(problem: string): void {
    const told = redactedHead(problem, this.#options.redact, PROBLEM);
    this.#options.log('warn', told, {});
    this.#options.onNoList(told);
  }

  noise({ lines, sample }: NoiseReport): void {
    const shown = cleanForTerminal(redactedHead(sample, this.#options.redact, SAMPLE));
    this.#options.feed({ type: 'noise', incarnation: this.number, lines, sample: shown });
  }

  dropped({ tooMany, tooLarge }: DroppedNotifications): void {
    this.#options.log('warn', 'notifications were not passed on', { tooMany, tooLarge });
  }
}
