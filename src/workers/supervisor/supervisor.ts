/**
 * One supervised server: carries out what the machine decides. Owns its incarnation, the timers and the
 * clock. Contains no decision of its own.
 */
import { step } from '../../shared/machines/supervisor.ts';
import {
  initialSupervisor,
  isAway,
  isQuiet,
  phaseOf,
  pidOf,
  returnTicket,
  type SupervisorEffect,
  type SupervisorInput,
  type SupervisorState,
  type SupervisorTimer,
} from '../../shared/machines/supervisor-state.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { BlockedPath, InjectionDetection, RedactRules } from '../../shared/model/policy.ts';
import { markOf } from '../../shared/model/process-mark.ts';
import type { LauncherAddress } from '../../shared/protocol/launch.ts';
import type {
  CallMessage,
  FactsPort,
  OpenSlot,
  ReleaseSlot,
  TokenMessage,
  ToSupervisor,
} from '../../shared/protocol/to-supervisor.ts';
import type { SupervisorContext } from './context.ts';
import { ToldCapabilities } from './conversation/told-capabilities.ts';
import { Incarnation } from './incarnation.ts';
import type { Link } from './link.ts';
import { treeCpuMs } from './process/tree-cpu.ts';
import { ServerSecrets } from './secrets.ts';
import { Telling } from './telling.ts';

/**
 * A starting server that has used this share of one core is busy rather than hung. On a machine where a
 * hundred servers start at once none gets much.
 */
const BUSY_SHARE = 0.01;
/**
 * One that waits for the network, as at the first start of a package, may use less and tell its progress on stderr. What
 * it says in the first part of its time is no progress: many greet and then hang.
 */
const PROGRESS_SHARE = 0.5;

export class Supervisor {
  /** Name of the lane: the server's, or with an instance for each client the instance's. */
  readonly server: string;
  readonly #slot: number;
  readonly #creditLane: number;
  readonly #config: ServerConfig;
  readonly #capabilities: ToldCapabilities;
  readonly #context: SupervisorContext;
  readonly #secrets: ServerSecrets;
  readonly #telling: Telling;
  readonly #timers = new Map<SupervisorTimer, NodeJS.Timeout>();
  readonly #inputs: SupervisorInput[] = [];
  #feeding = false;
  #state: SupervisorState;
  #current: Incarnation | null = null;
  /** Of the incarnation before. */
  #lastLink: Link | null = null;
  #blocked: readonly BlockedPath[];
  #redact: RedactRules;
  #injection: InjectionDetection;
  #maxResultBytes: number;
  #logLevel: string | null = null;
  #launcher: LauncherAddress | null = null;

  /** Starts the server. */
  constructor(message: OpenSlot, context: SupervisorContext) {
    const { server: config } = message;
    this.server = config.lane;
    this.#slot = message.slot;
    this.#creditLane = message.creditLane;
    this.#config = config;
    this.#capabilities = new ToldCapabilities(
      config.clientCapabilities,
      message.clientCapabilities,
      config.asks,
    );
    this.#blocked = config.rules.blockedPaths;
    this.#redact = config.rules.redact;
    this.#injection = config.rules.injection;
    this.#maxResultBytes = config.maxResultBytes;
    this.#context = context;
    // Nobody is told the mark of its processes.
    const mark = markOf(context.session, config.lane, config.detached);
    this.#secrets = new ServerSecrets(config, mark, ...message.formerSecrets);
    this.#telling = new Telling(message, context, this.#secrets);
    this.#state = initialSupervisor(message.incarnation, message.restarts);
    this.#feed({ type: 'open', delayMs: message.delayMs });
  }

  receive(message: Exclude<ToSupervisor, OpenSlot | ReleaseSlot | FactsPort>): void {
    const current = this.#current;
    switch (message.type) {
      case 'call':
        return this.#call(message);
      case 'cancel':
        return current?.outgoing.cancel(message.call, message.reason);
      case 'expire':
        return current?.outgoing.expire(message.call);
      case 'line':
        if (message.incarnation === current?.number) current.outgoing.send(message.line);
        return;
      case 'suspect':
        return current?.conversation.suspect();
      case 'log_level':
        this.#logLevel = message.level;
        return current?.conversation.setLogLevel(message.level);
      case 'rules':
        this.#blocked = message.blockedPaths;
        this.#capabilities.change(message.clientCapabilities, message.asks);
        this.#redact = message.redact;
        this.#injection = message.injection;
        this.#maxResultBytes = message.maxResultBytes;
        return;
      case 'ticket':
        this.#launcher = message.launcher;
        return this.#feed({ type: 'ticket' });
      case 'token':
        return this.#takeToken(message);
      case 'wake':
        return this.#feed({ type: 'wake' });
      case 'rest':
        return this.#feed(message);
      case 'stop':
        return this.#stop({ type: 'stop', eofMs: message.eofMs, termMs: message.termMs });
      default:
        message satisfies never;
    }
  }

  /**
   * Gives the server up so that it can move to another thread, unless it has a process.
   *
   * @returns whether nothing of it is left here.
   */
  release(): boolean {
    let isClear = false;
    this.#whenClear(() => {
      isClear = true;
    });
    if (!isAway(this.#state) || !isClear) return false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const effect of returnTicket(this.#state)) this.#run(effect);
    return true;
  }

  /** Main may answer late: another server has had the place since, or another incarnation asks for itself. */
  #takeToken(message: TokenMessage): void {
    const { server, url, incarnation } = message;
    const current = this.#current;
    if (server !== this.server || url !== this.#config.endpoint?.url || current === null) return;
    if (incarnation === null || incarnation === current.number) current.tokenGiven(message);
  }

  /** Tells the state writer everything again: it is a new one. */
  retell(): void {
    this.#telling.retell();
  }

  #feed(input: SupervisorInput): void {
    this.#inputs.push(input);
    // An input that comes of an effect waits until the step that caused it is complete.
    if (this.#feeding) return;
    this.#feeding = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      const [state, effects] = step(this.#config, performance.now(), this.#state, next);
      this.#state = state;
      const shows = !isQuiet(state) || effects.some((effect) => effect.do === 'emit');
      if (shows) this.#telling.moved(state);
      for (const effect of effects) this.#run(effect);
      if (shows) this.#telling.publish();
    }
    this.#feeding = false;
  }

  #run(effect: SupervisorEffect): void {
    const link = this.#current?.link;
    switch (effect.do) {
      case 'want_ticket':
        return this.#telling.ticket('ticket_wanted');
      case 'return_ticket':
        return this.#telling.ticket('ticket_returned');
      case 'spawn':
        return this.#spawnWhenClear();
      case 'end_input':
        return link?.endInput();
      case 'terminate':
        return link?.signal('SIGTERM');
      case 'kill':
        return link?.signal('SIGKILL');
      case 'fail_calls':
        return this.#endConversation(effect.detail);
      case 'timer':
        return this.#setTimer(effect.timer, effect.ms);
      case 'emit':
        return this.#telling.event(effect.event, effect.state);
      default:
        effect satisfies never;
    }
  }

  #setTimer(timer: SupervisorTimer, ms: number): void {
    const { incarnation } = this.#state;
    clearTimeout(this.#timers.get(timer));
    const pid = pidOf(this.#state);
    const before = timer === 'start' ? treeCpuMs(pid) : 0;
    const fire = () => {
      const busy = timer === 'start' && this.#isAtWork(before, ms);
      this.#feed({ type: 'timer', incarnation, timer, busy });
    };
    this.#timers.set(timer, setTimeout(fire, ms));
  }

  /** @param before CPU time of its processes `ms` ago. */
  #isAtWork(before: number, ms: number): boolean {
    const saidAt = this.#current?.stderrAt ?? Number.NEGATIVE_INFINITY;
    const used = treeCpuMs(pidOf(this.#state)) - before;
    return used >= BUSY_SHARE * ms || performance.now() - saidAt <= PROGRESS_SHARE * ms;
  }

  /** Two incarnations never share a port, a lock or a profile. */
  #spawnWhenClear(): void {
    const { incarnation } = this.#state;
    const spawn = () => {
      const { phase } = this.#state;
      if (this.#state.incarnation === incarnation && phase === 'starting') return this.#spawn();
      // It was stopped meanwhile, or its time to start is over.
      this.#feed({ type: 'spawn_failed', incarnation, detail: 'stopped', random: Math.random() });
    };
    this.#whenClear(spawn);
  }

  /** Without a process it has stopped when nothing of the last one is left. */
  #stop(input: SupervisorInput): void {
    if (isAway(this.#state)) this.#whenClear(() => this.#feed(input));
    else this.#feed(input);
  }

  /** Calls back once nothing of the incarnation before is left. */
  #whenClear(callback: () => void): void {
    if (this.#lastLink === null) callback();
    else this.#lastLink.whenClear(callback);
  }

  #spawn(): void {
    this.#current = new Incarnation({
      number: this.#state.incarnation,
      slot: this.#slot,
      creditLane: this.#creditLane,
      config: this.#config,
      capabilities: this.#capabilities,
      logLevel: this.#logLevel,
      launcher: this.#launcher,
      context: this.#context,
      blocked: () => this.#blocked,
      redact: () => this.#redact,
      injection: () => this.#injection,
      maxResultBytes: () => this.#maxResultBytes,
      secrets: this.#secrets,
      telling: this.#telling,
      feed: (input) => this.#onEvent(input),
    });
    this.#telling.begins(this.#current);
  }

  /** A server that is being ended has ended when nothing of it is left. */
  #onEvent(input: SupervisorInput): void {
    const link = this.#current?.link;
    const isOver = input.type === 'exited' && this.#state.phase === 'draining';
    if (isOver && link !== undefined) link.whenClear(() => this.#feed(input));
    else this.#feed(input);
  }

  #call(message: CallMessage): void {
    const { incarnation, call } = message;
    const { phase, incarnation: present } = this.#state;
    if (phase === 'ready' && incarnation === present && this.#current !== null) {
      return this.#current.outgoing.call(message);
    }
    this.#failCall(incarnation, call, false, `is ${phaseOf(this.#state)}`);
  }

  #endConversation(detail: string): void {
    const current = this.#current;
    this.#current = null;
    if (current === null) return;
    this.#lastLink = current.link;
    for (const { call, sent } of current.close()) {
      this.#failCall(current.number, call, sent, `is gone (${detail})`);
    }
    this.#telling.ends();
    const stray = current.conversation.strayAnswers;
    if (stray > 0) this.#telling.log('debug', 'answers nobody waited for were dropped', { stray });
  }

  #failCall(incarnation: number, call: number, sent: boolean, what: string): void {
    const outcome = sent ? 'the call may have been executed' : 'the call was not sent';
    this.#telling.callFailed({
      incarnation,
      call,
      code: sent ? 'ERR_OUTCOME_UNKNOWN' : null,
      outcome: sent ? 'unknown' : 'not_sent',
      message: `server "${this.#config.name}" ${what}; ${outcome}`,
    });
  }
}
