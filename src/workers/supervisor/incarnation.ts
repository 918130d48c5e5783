/**
 * One start of a server and all that ends with it: the child or the connection, the conversation with it,
 * its stderr. Listens to these parts and turns what they tell into inputs of the machine and messages to
 * others. Owned by the supervisor of the slot.
 */
import { SAMPLE_UNITS } from '../../shared/json/framing.ts';
import type { SupervisorInput } from '../../shared/machines/supervisor-state.ts';
import type { DownstreamConfig, EndpointConfig } from '../../shared/model/config.ts';
import type { ListKind } from '../../shared/model/lists.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import type { ServerFeatures } from '../../shared/model/server.ts';
import type { LauncherAddress } from '../../shared/protocol/launch.ts';
import { cleanForTerminal } from '../../shared/text/clean-text.ts';
import { redactedHead } from '../../shared/text/redact.ts';
import type { SupervisorContext } from './context.ts';
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
import { PathRule } from './rules/path-rule.ts';
import type { ServerSecrets } from './secrets.ts';
import type { Present, Telling } from './telling.ts';
import { ToMain } from './to-main.ts';

const SAMPLE = { kept: SAMPLE_UNITS, shown: 200 };
const PROBLEM = { kept: KEPT_ERROR_UNITS, shown: 2000 };

export interface IncarnationOptions {
  readonly number: number;
  readonly slot: number;
  readonly creditLane: number;
  readonly config: DownstreamConfig;
  /** JSON text of the capabilities that the server is told. */
  readonly clientCapabilities: string;
  /** Level that clients have asked for; null: none was. */
  readonly logLevel: string | null;
  /** Starts the process; null: this process forks. */
  readonly launcher: LauncherAddress | null;
  readonly context: SupervisorContext;
  readonly secrets: ServerSecrets;
  readonly telling: Telling;
  /** Gives an input to the machine. */
  readonly feed: (input: SupervisorInput) => void;
}

export class Incarnation implements ConversationListener, ThrottleListener, Present {
  readonly number: number;
  readonly link: Link;
  readonly conversation: Conversation;
  /** The way of clients' messages to the server. */
  readonly outgoing: Outgoing;
  readonly withheld: readonly string[];
  readonly #options: IncarnationOptions;
  readonly #rule: PathRule | null;
  readonly #throttle: ReadThrottle;
  readonly #stderr: StderrReader | null;

  /** Spawns or connects, and begins the handshake. */
  constructor(options: IncarnationOptions) {
    const { config, context, number, slot, secrets, telling } = options;
    this.#options = options;
    this.number = number;
    const env = config.endpoint === null ? buildChildEnv(process.env, config) : null;
    this.withheld = env === null ? [] : withheldNames(process.env, env);
    this.#stderr =
      env === null
        ? null
        : new StderrReader({
            redact: (text) => secrets.redact(text),
            onLine: (line) => telling.log('info', line, { stream: 'stderr' }),
            onDropped: (lines) => telling.log('warn', 'lines of stderr were not logged', { lines }),
            now: () => performance.now(),
          });
    this.link = config.endpoint === null ? this.#spawn(env ?? {}) : this.#connect(config.endpoint);
    this.#rule = config.endpoint === null ? this.#guard() : null;
    const readers = new Readers();
    this.#throttle = new ReadThrottle({
      credit: context.byteCredit,
      lane: options.creditLane,
      readers,
      listener: this,
    });
    const toMain = new ToMain({
      slot,
      incarnation: number,
      throttle: this.#throttle,
      post: context.post,
    });
    this.conversation = new Conversation({
      server: config.name,
      maxMessageBytes: config.maxMessageBytes,
      listTimeoutMs: config.startTimeoutMs,
      liveness: config.liveness,
      gatewayVersion: context.gatewayVersion,
      clientCapabilities: options.clientCapabilities,
      logLevel: options.logLevel,
      line: this.link,
      readers,
      throttle: this.#throttle,
      toMain,
      workload: context.workload,
      listener: this,
    });
    this.outgoing = new Outgoing({
      server: config.name,
      rule: this.#rule,
      conversation: this.conversation,
      toMain,
      redact: (text) => secrets.redact(text),
      log: (level, text, fields) => telling.log(level, text, fields),
    });
    if (this.link instanceof Child) this.conversation.readsFrom(this.link);
  }

  get startTime(): string | null {
    return this.link.startTime;
  }

  get stderrTail(): string {
    return this.#stderr?.tail() ?? '';
  }

  get noiseLines(): number {
    return this.conversation.noiseLines;
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

  paused(paused: boolean): void {
    this.conversation.paused(paused);
  }

  overloaded(): void {
    const { telling } = this.#options;
    telling.log('warn', 'says more than anybody asked for: it is read slowly', {});
    telling.heldBack(this.number);
  }

  described(description: SelfDescription, leftOut: string | null): void {
    const { telling } = this.#options;
    if (leftOut !== null) telling.log('warn', leftOut, {});
    telling.described(description, this.number);
  }

  handshaken(features: ServerFeatures): void {
    this.#options.feed({ type: 'handshaken', incarnation: this.number, features });
  }

  condemned(reason: 'handshake' | 'stall' | 'noise', detail: string): void {
    const { feed } = this.#options;
    feed({ type: 'condemned', incarnation: this.number, reason, detail: this.#redacted(detail) });
  }

  listed(kind: ListKind, entries: readonly CatalogEntry[]): void {
    if (kind === 'tools') this.#rule?.tools(entries);
    this.#options.telling.listed(kind, entries, this.number);
  }

  leftOut(kind: ListKind, message: string): void {
    this.#options.telling.leftOut(kind, message);
  }

  listFailed(problem: string): void {
    this.#options.telling.listFailed(this.#redacted(problem));
  }

  noise({ lines, sample }: NoiseReport): void {
    const shown = cleanForTerminal(this.#redacted(sample, SAMPLE));
    this.#options.feed({ type: 'noise', incarnation: this.number, lines, sample: shown });
  }

  dropped({ tooMany, tooLarge }: DroppedNotifications): void {
    const fields = { tooMany, tooLarge };
    this.#options.telling.log('warn', 'notifications were not passed on', fields);
  }

  /** A process reads this machine's files; a server behind a URL does not. */
  #guard(): PathRule {
    const { config, context, slot } = this.#options;
    const { guarded, looks, workload } = context;
    return new PathRule({ config, guarded, looks, work: (task) => workload.of(slot, task) });
  }

  #spawn(env: Readonly<Record<string, string>>): Link {
    const { config, context, feed, launcher, slot, telling } = this.#options;
    const { workload, vitals, groupsFile } = context;
    const incarnation = this.number;
    return new Child({
      config,
      env,
      slot,
      incarnation,
      groupsFile,
      vitals,
      launcher,
      onLauncherFailed: (path, why) => telling.launcherFailed(path, why),
      onSpawned: (pid) => feed({ type: 'spawned', incarnation, pid }),
      onSpawnFailed: (text) => {
        const detail = this.#redacted(text);
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
      onGone: (code, signal) => this.#gone(code, signal, exitText(code, signal)),
      onTrouble: (text) => telling.log('warn', text, {}),
      onIdentified: () => telling.publish(),
    });
  }

  #connect(endpoint: EndpointConfig): Link {
    const { config, context, secrets, telling } = this.#options;
    const told = (text: string) => cleanForTerminal(this.#redacted(text).replaceAll(/\s+/g, ' '));
    return new Remote({
      server: config.name,
      endpoint,
      gatewayVersion: context.gatewayVersion,
      maxMessageBytes: config.maxMessageBytes,
      receiver: () => this.conversation,
      tell: told,
      onSecret: (secret) => {
        if (secrets.add(secret)) telling.secret(secret);
      },
      onTrouble: (text) => telling.log('warn', told(text), {}),
      onGone: (detail) => this.#gone(null, null, told(detail)),
    });
  }

  #gone(code: number | null, signal: NodeJS.Signals | null, detail: string): void {
    const { feed, telling } = this.#options;
    this.conversation.end();
    this.#stderr?.end();
    const at = new Date().toISOString();
    telling.exited({ code, signal, at, stderr_tail: this.stderrTail });
    const incarnation = this.number;
    feed({ type: 'exited', incarnation, code, signal, detail, random: Math.random() });
  }

  #redacted(text: string, limits = PROBLEM): string {
    return redactedHead(text, (whole) => this.#options.secrets.redact(whole), limits);
  }
}
