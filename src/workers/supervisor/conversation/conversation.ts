/**
 * The MCP conversation with one incarnation of a server: frames what the server sends, finds out what each
 * message is, and hands it to the part that deals with it. Passes bytes on as they are. Owned by the
 * incarnation; never decides about the server's life, only tells what it saw.
 */
import { type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import { LineFramer, type Refused, sampleOf } from '../../../shared/json/framing.ts';
import { classify } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import type { LivenessPolicy, ServerConfig } from '../../../shared/model/config.ts';
import { LISTS } from '../../../shared/model/lists.ts';
import type { TaskAnswer } from '../../../shared/model/mcp.ts';
import type { ReadThrottle } from '../limits/read-throttle.ts';
import type { Readable, Readers } from '../limits/readers.ts';
import { type BadOutput, StdoutWatch } from '../limits/stdout-watch.ts';
import type { Line, RequestId } from '../link.ts';
import type { Loss, Receiver } from '../receiver.ts';
import type { Results } from '../results/results.ts';
import type { ToMain } from '../to-main.ts';
import type { Workload } from '../workload.ts';
import { Answers, type BadLine } from './answers.ts';
import { NOT_JSON, whyRefused } from './bad-output.ts';
import type { ConversationListener } from './conversation-listener.ts';
import { LivenessWatch } from './liveness-watch.ts';
import { Notifications } from './notifications.ts';
import { Opening } from './opening.ts';
import { OwnRequests } from './own-requests.ts';
import { ServerLists } from './server-lists.ts';
import { ServerNotifications } from './server-notifications.ts';
import { ServerRequests } from './server-requests.ts';
import type { Stateless } from './stateless/stateless.ts';
import { statelessSide } from './stateless-side.ts';
import type { ToldCapabilities } from './told-capabilities.ts';

export interface ConversationOptions {
  readonly server: string;
  readonly maxMessageBytes: number;
  /** How long the server may take for one page of a list. */
  readonly listTimeoutMs: number;
  readonly liveness: LivenessPolicy;
  readonly protocol: ServerConfig['protocol'];
  readonly gatewayVersion: string;
  readonly capabilities: Pick<ToldCapabilities, 'all' | 'ofCall'>;
  /** Level that clients have asked for; null: none was. */
  readonly logLevel: string | null;
  readonly line: Line;
  readonly readers: Readers;
  readonly throttle: ReadThrottle;
  readonly results: Results;
  readonly toMain: ToMain;
  readonly workload: Workload;
  readonly listener: ConversationListener;
}

export class Conversation implements Receiver {
  readonly readers: Readers;
  readonly #options: ConversationOptions;
  readonly #framer: LineFramer;
  readonly #watch: StdoutWatch;
  readonly #liveness: LivenessWatch;
  readonly #opening: Opening;
  readonly #lists: ServerLists;
  readonly #answers: Answers;
  readonly #serverRequests: ServerRequests;
  readonly #serverNotifications: ServerNotifications;
  readonly #notifications: Notifications;
  /** Null: the server speaks a revision with a handshake, or that is not known yet. */
  #stateless: Stateless | null = null;

  /** Begins the handshake. */
  constructor(options: ConversationOptions) {
    const { server, maxMessageBytes, line, listener, throttle, results, toMain } = options;
    const requests = new OwnRequests(line);
    const stateless = () => this.#stateless;
    this.#options = options;
    this.readers = options.readers;
    this.#framer = this.#newFramer(true);
    this.#watch = new StdoutWatch({
      maxBytes: maxMessageBytes,
      onReport: (report) => listener.noise(report),
      onTooMuch: (detail) => listener.condemned('noise', detail),
    });
    this.#liveness = new LivenessWatch({
      policy: options.liveness,
      requests,
      onPinged: (id, reply) => line.pinged(id, reply),
      onStalled: (detail) => listener.condemned('stall', detail),
    });
    this.#notifications = new Notifications({
      slot: toMain.slot,
      incarnation: toMain.incarnation,
      send: (message) => toMain.line(message),
      onDropped: (dropped) => listener.dropped(dropped),
    });
    this.#lists = new ServerLists({
      requests,
      timeoutMs: options.listTimeoutMs,
      maxBytes: maxMessageBytes,
      stateless,
      listener,
      onSilence: (problem) => {
        // Some servers know no pings. One that has answered nothing at all since its handshake hangs.
        if (this.#liveness.isMute) listener.condemned('stall', `${problem}, nor any ping`);
      },
    });
    this.#answers = new Answers({
      server,
      line,
      stateless,
      requests,
      notifications: this.#notifications,
      throttle,
      results,
      toMain,
    });
    this.#serverRequests = new ServerRequests({
      server,
      line,
      stateless,
      toMain,
      calls: () => this.#answers.calls,
      mayAskForOthers: () => this.#answers.mayAskForOthers,
    });
    this.#serverNotifications = new ServerNotifications({
      server,
      results,
      answers: this.#answers,
      stateless,
      lists: this.#lists,
      requests: this.#serverRequests,
      notifications: this.#notifications,
    });
    this.#opening = new Opening({
      ...options,
      requests,
      liveness: this.#liveness,
      lists: this.#lists,
      stateless: () =>
        statelessSide({
          ...options,
          requests,
          lists: this.#lists,
          answers: this.#answers,
          serverRequests: this.#serverRequests,
        }),
      onStateless: (side) => {
        this.#stateless = side;
      },
    });
  }

  /** Lines of stdout that were no messages. */
  get noiseLines(): number {
    return this.#watch.lines;
  }

  /** The first of its output that was no message; null for none. */
  get badOutput(): BadOutput | null {
    const { pendingBytes } = this.#framer;
    if (this.#watch.first !== null || pendingBytes === 0) return this.#watch.first;
    return { why: `${pendingBytes} bytes without a line end`, sample: '' };
  }

  /** Answers that were dropped because nobody waited for them. */
  get strayAnswers(): number {
    return this.#answers.stray;
  }

  source(id: RequestId | null): LineFramer {
    return this.#newFramer(false, id);
  }

  get reading(): boolean {
    return this.#watch.reading;
  }

  work(task: () => void): void {
    this.#options.workload.of(this.#options.toMain.slot, task);
  }

  taken(bytes: number): void {
    this.#options.throttle.chunk(bytes);
  }

  heard(): void {
    this.#liveness.bytes();
  }

  suspect(): void {
    this.#liveness.suspect();
  }

  unauthorized(): void {
    // Some answer pings without a look at who asks.
    this.#lists.changed(LISTS.tools.changed);
    this.suspect();
  }

  isOpen(id: RequestId): boolean {
    return this.#answers.isOpen(id);
  }

  lost(id: RequestId, loss: Loss): void {
    this.#answers.lost(id, loss);
  }

  missed(): void {
    this.#lists.missed();
  }

  /** Bytes of a child's stdout, which nobody else uses afterwards. */
  push(chunk: Uint8Array): void {
    if (!this.#watch.reading) return;
    this.#liveness.bytes();
    this.#framer.push(chunk);
    this.#watch.chunk(this.#framer.pendingBytes);
  }

  /** @param stdout where the bytes for `push` come from. */
  readsFrom(stdout: Pick<Readable, 'pause' | 'resume'>): void {
    this.readers.add({
      pause: () => stdout.pause(),
      resume: () => stdout.resume(),
      heldBytes: () => this.#framer.heldBytes,
      openBytes: () => this.#framer.openBytes,
    });
  }

  /** Reading has stopped or goes on, not by the server's doing. */
  paused(paused: boolean): void {
    this.#liveness.pause(paused);
  }

  /** The child's stdout has been read to its end. */
  end(): void {
    this.#watch.end();
  }

  /** @param line complete with newline, its id is the number `call`. @param can see `canOf`. */
  call(call: number, line: Uint8Array, tasks: TaskAnswer | null, can: number): void {
    this.#answers.call(call, line, tasks, can);
  }

  cancel(call: number, reason: string): void {
    this.#answers.cancel(call, reason);
  }

  /** Cancels a call whose time is over. @returns whether it had left; null when it has ended before. */
  expire(call: number): boolean | null {
    return this.#answers.cancel(call, 'deadline exceeded');
  }

  /** @param line a client's answer to a request of the server, or a client's notification. */
  send(line: Uint8Array): void {
    this.#serverRequests.send(line);
  }

  setLogLevel(level: string): void {
    this.#opening.setLogLevel(level);
  }

  /** Ends the conversation. @returns the calls that have no answer. */
  close(): number[] {
    this.#watch.close();
    this.#opening.close();
    this.#stateless?.close();
    this.#notifications.close();
    this.#lists.close();
    this.#liveness.close();
    return this.#answers.close();
  }

  /** @param from the request whose response it reads; null: none. */
  #newFramer(ownsChunks: boolean, from: RequestId | null = null): LineFramer {
    return new LineFramer({
      ownsChunks,
      maxBytes: this.#options.maxMessageBytes,
      onFrame: (frame) => this.#receive(frame, from),
      onRefused: (refused) => this.#refuse(refused),
      skips: (line) => this.#passesOver(line),
      isAwaited: () => this.#answers.areAwaited,
    });
  }

  #receive(frame: Frame, from: RequestId | null): void {
    const message = classify(frame);
    switch (message.kind) {
      case 'response':
        return this.#answers.take(frame, message.isError);
      case 'request':
        this.#options.throttle.unsolicited();
        return this.#serverRequests.take(frame, message.method);
      case 'notification':
        this.#options.throttle.unsolicited();
        return this.#serverNotifications.take(frame, message.method, from);
      case 'invalid':
        return this.#discard({
          idText: textAt(frame, SLOT.id),
          hasMethod: rangeOf(frame, SLOT.method) !== null,
          code: 'ERR_MALFORMED_MESSAGE',
          why: message.why,
          bytes: frame.line.length,
          sample: sampleOf(frame.line),
        });
      default:
        message satisfies never;
    }
  }

  #passesOver(line: Uint8Array): boolean {
    if (!this.#notifications.passesOver(line)) return false;
    this.#options.throttle.unsolicited();
    return true;
  }

  #refuse({ reason, idText, hasMethod, bytes, sample }: Refused): void {
    // Whatever else is wrong with an unawaited answer was not looked for.
    if (reason === 'unawaited' && idText !== null && !hasMethod) {
      return this.#answers.passedOver(idText, bytes);
    }
    const tooLarge = reason === 'too_large';
    this.#discard({
      idText,
      hasMethod,
      code: tooLarge ? 'ERR_MESSAGE_TOO_LARGE' : 'ERR_MALFORMED_MESSAGE',
      why: tooLarge
        ? `${bytes} bytes, ${this.#options.maxMessageBytes} are allowed`
        : whyRefused(reason, sample),
      bytes,
      sample,
    });
  }

  /** A line that cannot be passed on ends the request that it answers; any other is noise. */
  #discard(line: BadLine): void {
    if (this.#answers.refuse(line)) return;
    this.#options.throttle.noise();
    this.#watch.badLine(line.why, line.sample, line.why !== NOT_JSON);
  }
}
