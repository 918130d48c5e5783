/**
 * One start of a server and all that ends with it: the child or the connection, the conversation with it,
 * its stderr. Listens to these parts and turns what they tell into inputs of the machine and messages to
 * others. Owned by the supervisor of the slot.
 */
import { SAMPLE_UNITS } from '../../shared/json/framing.ts';
import type { EndpointConfig } from '../../shared/model/config.ts';
import type { ListKind } from '../../shared/model/lists.ts';
import type { TokenReply } from '../../shared/model/login.ts';
import type { CatalogEntry, Withheld } from '../../shared/model/mcp.ts';
import { MARK_VARIABLE, markOf } from '../../shared/model/process-mark.ts';
import type { ServerFeatures } from '../../shared/model/server.ts';
import type { LeftProcess } from '../../shared/model/snapshot.ts';
import { cleanForTerminal } from '../../shared/text/clean-text.ts';
import { markCommandTools } from './conversation/command-tools.ts';
import { Conversation } from './conversation/conversation.ts';
import type { ConversationListener } from './conversation/conversation-listener.ts';
import type { SelfDescription } from './conversation/handshake.ts';
import type { DroppedNotifications } from './conversation/notifications.ts';
import { Outgoing } from './conversation/outgoing.ts';
import { KEPT_ERROR_UNITS } from './conversation/own-requests.ts';
import type { RemoteListener } from './http/remote-options.ts';
import type { IncarnationOptions } from './incarnation-options.ts';
import type { NoiseReport } from './limits/noise.ts';
import { ReadThrottle, type ThrottleListener } from './limits/read-throttle.ts';
import { Readers } from './limits/readers.ts';
import type { BadOutput } from './limits/stdout-watch.ts';
import type { Link } from './link.ts';
import { Child, type ChildListener } from './process/child.ts';
import { buildChildEnv, withheldNames } from './process/environment.ts';
import type { LastWords } from './process/last-words.ts';
import { ServerStderr } from './process/server-stderr.ts';
import { exitText } from './record.ts';
import { Results } from './results/results.ts';
import { ArgumentRule } from './rules/argument-rule.ts';
import { PathRule } from './rules/path-rule.ts';
import type { Present } from './telling.ts';
import { ToMain } from './to-main.ts';

const SAMPLE = { kept: SAMPLE_UNITS, shown: 200 };
const PROBLEM = { kept: KEPT_ERROR_UNITS, shown: 2000 };

export class Incarnation
  implements ChildListener, RemoteListener, ConversationListener, ThrottleListener, Present
{
  readonly number: number;
  readonly link: Link;
  readonly conversation: Conversation;
  /** The way of clients' messages to the server. */
  readonly outgoing: Outgoing;
  readonly withheld: readonly string[];
  readonly #options: IncarnationOptions;
  readonly #rule: PathRule | null;
  readonly #throttle: ReadThrottle;
  readonly #stderr: ServerStderr | null;

  /** Spawns or connects, and begins the handshake. */
  constructor(options: IncarnationOptions) {
    const { config, context, number, slot, secrets, telling } = options;
    this.#options = options;
    this.number = number;
    const env = config.endpoint === null ? this.#environment() : null;
    this.withheld = env === null ? [] : withheldNames(process.env, env);
    this.#stderr =
      env === null
        ? null
        : new ServerStderr(
            (text) => secrets.redact(text),
            (level, text, fields) => telling.log(level, text, fields),
            (paused) => this.link instanceof Child && this.link.pauseStderr(paused),
          );
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
    const { redact: rules, injection, maxResultBytes: maxBytes } = options;
    const inText = () => secrets.inText;
    this.conversation = new Conversation({
      server: config.name,
      maxMessageBytes: config.maxMessageBytes,
      listTimeoutMs: config.startTimeoutMs,
      liveness: config.liveness,
      protocol: config.protocol,
      gatewayVersion: context.gatewayVersion,
      capabilities: options.capabilities,
      logLevel: options.logLevel,
      line: this.link,
      readers,
      throttle: this.#throttle,
      results: new Results({ rules, injection, secrets: inText, maxBytes }),
      toMain,
      workload: context.workload,
      listener: this,
    });
    this.outgoing = new Outgoing({
      server: config.name,
      rule: this.#rule,
      argumentRule: new ArgumentRule({
        rules,
        secrets: inText,
        onSecret: (where, kind) => telling.argumentSecret(where, kind),
        onUnsearched: (why) => telling.log('warn', `calls are sent all the same: ${why}`, {}),
      }),
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

  get lastWords(): LastWords | null {
    return this.#stderr?.lastWords() ?? null;
  }

  get badOutput(): BadOutput | null {
    const bad = this.conversation.badOutput;
    return bad === null ? null : { why: bad.why, sample: this.#shownSample(bad.sample) };
  }

  /** When it last said something on stderr, monotonic ms. */
  get stderrAt(): number {
    return this.#stderr?.lastAt ?? Number.NEGATIVE_INFINITY;
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

  launcherFailed(path: string, why: string): void {
    this.#options.telling.launcherFailed(path, why);
  }

  spawned(pid: number): void {
    this.#options.feed({ type: 'spawned', incarnation: this.number, pid });
  }

  spawnFailed(text: string): void {
    const { feed, secrets } = this.#options;
    const detail = secrets.redactedHead(text, PROBLEM);
    feed({ type: 'spawn_failed', incarnation: this.number, detail, random: Math.random() });
  }

  stdout(chunk: Buffer): void {
    const { length } = chunk;
    this.conversation.work(() => {
      this.conversation.push(chunk);
      this.#throttle.chunk(length);
    });
  }

  stderr(chunk: Buffer): void {
    this.conversation.work(() => this.#stderr?.push(chunk));
  }

  /** There is little time for the last output: it is read whatever the limits say. */
  exited(): void {
    this.#throttle.close();
    this.#stderr?.unlimited();
  }

  unreachable(detail: string): void {
    this.#options.feed({ type: 'condemned', incarnation: this.number, reason: 'exit', detail });
  }

  gone(code: number | null, signal: NodeJS.Signals | null): void {
    this.#ended(code, signal, exitText(code, signal));
  }

  left(processes: readonly LeftProcess[]): void {
    this.#options.telling.left(processes);
  }

  identified(): void {
    this.#options.telling.publish();
  }

  trouble(message: string): void {
    this.#options.telling.log('warn', message, {});
  }

  tokenRead(token: string): void {
    const { secrets, telling } = this.#options;
    if (secrets.add(token)) telling.secret(token);
  }

  tokenWanted(refused: string | null): void {
    this.#options.telling.tokenWanted(this.number, refused);
  }

  tokenGiven(reply: TokenReply): void {
    if (this.link.tokenGiven !== undefined) this.link.tokenGiven(reply);
  }

  loginWanted(detail: string): void {
    this.#options.feed({ type: 'condemned', incarnation: this.number, reason: 'login', detail });
    this.disconnected(detail);
  }

  disconnected(detail: string): void {
    this.#ended(null, null, detail);
  }

  away(detail: string, waitedMs: number): void {
    this.conversation.end();
    const incarnation = this.number;
    this.#options.feed({ type: 'away', incarnation, detail, waitedMs, random: Math.random() });
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

  condemned(reason: 'handshake' | 'revision' | 'stall' | 'noise', detail: string): void {
    const { feed, secrets } = this.#options;
    const shown = secrets.redactedHead(detail, PROBLEM);
    feed({ type: 'condemned', incarnation: this.number, reason, detail: shown });
  }

  listed(kind: ListKind, entries: readonly CatalogEntry[]): void {
    const isTools = kind === 'tools';
    const list = isTools ? markCommandTools(entries) : { entries, commandTools: [] };
    if (isTools) this.#rule?.tools(list.entries);
    this.#options.telling.listed(kind, list, this.number);
  }

  leftOut(kind: ListKind, { count, why }: Withheld): void {
    const { secrets, telling } = this.#options;
    telling.leftOut(kind, { count, why: secrets.redactedHead(why, PROBLEM) });
  }

  unlisted(kind: ListKind): void {
    this.#options.telling.unlisted(kind, this.number);
  }

  listFailed(kind: ListKind, problem: string): void {
    const { secrets, telling } = this.#options;
    telling.listFailed(kind, secrets.redactedHead(problem, PROBLEM));
  }

  noise({ lines, sample }: NoiseReport): void {
    const shown = this.#shownSample(sample);
    this.#options.feed({ type: 'noise', incarnation: this.number, lines, sample: shown });
  }

  dropped({ tooMany, tooLarge }: DroppedNotifications): void {
    const fields = { tooMany, tooLarge };
    this.#options.telling.log('warn', 'notifications were not passed on', fields);
  }

  #shownSample(sample: string): string {
    return cleanForTerminal(this.#options.secrets.redactedHead(sample, SAMPLE));
  }

  /** A process reads this machine's files; a server behind a URL does not. */
  #guard(): PathRule {
    const { config, context, slot, blocked } = this.#options;
    const { guarded, looks, workload } = context;
    const pid = () => this.link.pid;
    const work = (task: () => void) => workload.of(slot, task);
    return new PathRule({ config, guarded, looks, pid, work, blocked });
  }

  /** Whatever it starts inherits the mark, and is found by it at its end. */
  #environment(): Record<string, string> {
    const { config, context, number } = this.#options;
    const mark = `${markOf(context.session, config.lane, config.detached)}${number}`;
    return { ...buildChildEnv(process.env, config), [MARK_VARIABLE]: mark };
  }

  #spawn(env: Readonly<Record<string, string>>): Link {
    const { config, context, launcher, slot } = this.#options;
    const { vitals, groupsFile, session } = context;
    const incarnation = this.number;
    const where = { slot, incarnation, groupsFile, vitals, session };
    return new Child({ config, env, launcher, ...where, listener: this });
  }

  #connect(endpoint: EndpointConfig): Link {
    const { config, context, secrets } = this.#options;
    const { Remote } = context;
    if (Remote === null) throw new Error('this thread was not started for servers behind HTTP');
    const shown = (text: string) => secrets.redactedHead(text, PROBLEM).replaceAll(/\s+/g, ' ');
    return new Remote({
      server: config.name,
      endpoint,
      gatewayVersion: context.gatewayVersion,
      maxMessageBytes: config.maxMessageBytes,
      redact: (text) => cleanForTerminal(shown(text)),
      listener: this,
    });
  }

  #ended(code: number | null, signal: NodeJS.Signals | null, detail: string): void {
    const { feed, telling } = this.#options;
    this.conversation.end();
    this.#stderr?.end();
    const at = new Date().toISOString();
    telling.exited({ code, signal, at, stderr_tail: this.#stderr?.tail() ?? '' });
    const incarnation = this.number;
    feed({ type: 'exited', incarnation, code, signal, detail, random: Math.random() });
  }
}
