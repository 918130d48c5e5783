/**
 * One supervised server: carries out what the machine decides. Owns its incarnation, the
 * timers and the clock; tells main every event and the state writer the whole record after each
 * change. Contains no decision of its own.
 */
import type { MessagePort } from 'node:worker_threads';
import { step } from '../../shared/machines/supervisor.ts';
import {
  initialSupervisor,
  isAway,
  nextStartOf,
  phaseOf,
  pidOf,
  returnTicket,
  type SupervisorEffect,
  type SupervisorInput,
  type SupervisorState,
  type SupervisorTimer,
} from '../../shared/machines/supervisor-state.ts';
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { ThreadVitals } from '../../shared/memory/vitals.ts';
import type { AsksConfig } from '../../shared/model/asks.ts';
import type { DownstreamConfig } from '../../shared/model/config.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import type { ListKind } from '../../shared/model/lists.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import type { SupervisorEvent } from '../../shared/model/server.ts';
import type { LastExit, SupervisorRecord } from '../../shared/model/snapshot.ts';
import type { CatalogFact, SupervisorFact } from '../../shared/protocol/facts.ts';
import type { FromSupervisor, LogMessage } from '../../shared/protocol/from-supervisor.ts';
import type { LauncherAddress } from '../../shared/protocol/launch.ts';
import type {
  CallMessage,
  FactsPort,
  OpenSlot,
  ReleaseSlot,
  ToSupervisor,
} from '../../shared/protocol/to-supervisor.ts';
import { secretsOf } from '../../shared/secrets/secrets-of.ts';
import { Redactor } from '../../shared/text/redact.ts';
import type { SelfDescription } from './conversation/handshake.ts';
import { profileOf, rememberedProfile } from './conversation/profile.ts';
import { rememberedList } from './conversation/remembered-list.ts';
import { toldCapabilities } from './conversation/told-capabilities.ts';
import { Incarnation } from './incarnation.ts';
import { treeCpuMs } from './process/tree-cpu.ts';
import { deathText, recordOf } from './record.ts';
import type { Looks } from './rules/path-rule.ts';
import type { Workload } from './workload.ts';

/** Of tokens that were replaced; a server speaks of the last ones at most. */
const MAX_EARLIER_SECRETS = 64;

/** What all supervisors of a thread share. */
export interface SupervisorContext {
  readonly byteCredit: ByteCredit;
  readonly workload: Workload;
  readonly vitals: ThreadVitals;
  readonly groupsFile: string;
  readonly guarded: GuardedPlaces;
  readonly looks: Looks;
  readonly gatewayVersion: string;
  readonly post: (message: FromSupervisor, transfer: ArrayBuffer[]) => void;
  /** The port to the present state writer. */
  readonly factsPort: () => MessagePort;
}

/**
 * Share of one core that a starting server must have used to be taken for busy rather than hung; on a
 * machine where a hundred start at once none gets much.
 */
const BUSY_SHARE = 0.01;

export class Supervisor {
  /** The lane it runs in. */
  readonly server: string;
  readonly #slot: number;
  readonly #generation: number;
  readonly #creditLane: number;
  readonly #config: DownstreamConfig;
  readonly #clientCapabilities: string;
  #asks: AsksConfig;
  readonly #context: SupervisorContext;
  readonly #secrets: readonly string[];
  /** The configuration does not hold them; the newest is the last. */
  #tokens: readonly string[] = [];
  #redactor: Redactor;
  readonly #timers = new Map<SupervisorTimer, NodeJS.Timeout>();
  readonly #inputs: SupervisorInput[] = [];
  #feeding = false;
  #state: SupervisorState;
  #current: Incarnation | null = null;
  #since = new Date().toISOString();
  #lastExit: LastExit | null = null;
  #lastError: string | null;
  #toolsCount: number | null = null;
  #noiseBefore = 0;
  #logLevel: string | null = null;
  #launcher: LauncherAddress | null = null;
  #catalog: Pick<CatalogFact, 'profile' | 'lists'> = { profile: null, lists: {} };
  /** What was told last of the entries that were left out of each list. */
  readonly #leftOut = new Map<ListKind, string>();
  #rev = 0;
  #publishing = false;

  /** Starts the server. */
  constructor(message: OpenSlot, context: SupervisorContext) {
    const { server: config } = message;
    this.server = config.lane;
    this.#slot = message.slot;
    this.#generation = message.generation;
    this.#creditLane = message.creditLane;
    this.#config = config;
    this.#clientCapabilities = config.clientCapabilities ?? message.clientCapabilities;
    this.#asks = config.asks;
    this.#context = context;
    this.#secrets = secretsOf(config, process.env);
    this.#redactor = new Redactor({ values: this.#secrets });
    this.#lastError = config.unavailable;
    this.#state = initialSupervisor(message.incarnation, message.restarts);
    this.#feed({ type: 'open', delayMs: message.delayMs });
  }

  receive(message: Exclude<ToSupervisor, OpenSlot | ReleaseSlot | FactsPort>): void {
    const conversation = this.#current?.conversation;
    const outgoing = this.#current?.outgoing;
    switch (message.type) {
      case 'call':
        return this.#call(message);
      case 'cancel':
        return outgoing?.cancel(message.call, message.reason);
      case 'line':
        if (message.incarnation === this.#current?.number) outgoing?.send(message.line);
        return;
      case 'suspect':
        return conversation?.suspect();
      case 'log_level':
        this.#logLevel = message.level;
        return conversation?.setLogLevel(message.level);
      case 'asks':
        this.#asks = message.asks;
        return;
      case 'ticket':
        this.#launcher = message.launcher;
        return this.#feed({ type: 'ticket' });
      case 'wake':
        return this.#feed({ type: 'wake' });
      case 'rest':
        return this.#feed(message);
      case 'stop':
        return this.#feed({ type: 'stop', eofMs: message.eofMs, termMs: message.termMs });
      default:
        message satisfies never;
    }
  }

  /**
   * Gives the server up for another thread, unless a process of it is there.
   *
   * @returns whether nothing of it is here any more.
   */
  release(): boolean {
    if (!isAway(this.#state)) return false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const effect of returnTicket(this.#state)) this.#run(effect);
    return true;
  }

  /** Tells everything again: the reader of the facts is a new one. */
  retell(): void {
    this.#publish();
    const { profile } = this.#catalog;
    if (profile !== null) this.#remember(this.#catalog);
  }

  #feed(input: SupervisorInput): void {
    this.#inputs.push(input);
    // What an effect feeds waits until the step that caused it is complete.
    if (this.#feeding) return;
    this.#feeding = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      const [state, effects] = step(this.#config, performance.now(), this.#state, next);
      if (phaseOf(state) !== phaseOf(this.#state)) this.#since = new Date().toISOString();
      this.#state = state;
      for (const effect of effects) this.#run(effect);
      this.#publish();
    }
    this.#feeding = false;
  }

  #run(effect: SupervisorEffect): void {
    const link = this.#current?.link;
    switch (effect.do) {
      case 'want_ticket':
        return this.#context.post({ type: 'ticket_wanted', slot: this.#slot }, []);
      case 'return_ticket':
        return this.#context.post({ type: 'ticket_returned', slot: this.#slot }, []);
      case 'spawn':
        return this.#spawn();
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
        return this.#emit(effect.event, effect.state);
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
      const used = timer === 'start' ? treeCpuMs(pidOf(this.#state)) - before : 0;
      this.#feed({ type: 'timer', incarnation, timer, busy: used >= BUSY_SHARE * ms });
    };
    this.#timers.set(timer, setTimeout(fire, ms));
  }

  #spawn(): void {
    this.#current = new Incarnation({
      ...this.#context,
      config: this.#config,
      clientCapabilities: toldCapabilities(this.#clientCapabilities, this.#asks),
      slot: this.#slot,
      credit: this.#context.byteCredit,
      creditLane: this.#creditLane,
      incarnation: this.#state.incarnation,
      launcher: this.#launcher,
      feed: (input) => this.#feed(input),
      redact: (text) => this.#redactor.redact(text),
      onSecret: (secret) => this.#keepSecret(secret),
      log: (level, message, fields) => this.#log(level, message, fields),
      logLevel: this.#logLevel,
      onExit: (exit) => {
        this.#lastExit = exit;
      },
      onIdentified: () => this.#publish(),
      onDescribed: (description, incarnation) => this.#tellProfile(description, incarnation),
      onList: (kind, entries, incarnation) => this.#tellList(kind, entries, incarnation),
      onLeftOut: (kind, message) => this.#tellLeftOut(kind, message),
      onNoList: (problem) => {
        this.#lastError = problem;
        this.#publish();
      },
    });
  }

  /** Earlier ones stay secrets: a server may still speak of them. */
  #keepSecret(secret: string): void {
    if (this.#tokens.includes(secret)) return;
    this.#tokens = [...this.#tokens, secret].slice(-MAX_EARLIER_SECRETS);
    this.#redactor = new Redactor({ values: [...this.#secrets, ...this.#tokens] });
    this.#context.post({ type: 'secret', value: secret }, []);
  }

  #call({ incarnation, call, line, tasks }: CallMessage): void {
    const { phase, incarnation: present } = this.#state;
    if (phase === 'ready' && incarnation === present && this.#current !== null) {
      return this.#current.outgoing.call(call, line, tasks);
    }
    this.#failCall(incarnation, call, false, `is ${phaseOf(this.#state)}`);
  }

  #endConversation(detail: string): void {
    const current = this.#current;
    this.#current = null;
    if (current === null) return;
    for (const { call, sent } of current.close()) {
      this.#failCall(current.number, call, sent, `is gone (${detail})`);
    }
    this.#noiseBefore += current.conversation.noiseLines;
    const stray = current.conversation.strayAnswers;
    if (stray > 0) this.#log('debug', 'answers nobody waited for were dropped', { stray });
  }

  #failCall(incarnation: number, call: number, sent: boolean, what: string): void {
    const outcome = sent ? 'the call may have been executed' : 'the call was not sent';
    this.#context.post(
      {
        type: 'call_failed',
        slot: this.#slot,
        incarnation,
        call,
        code: sent ? 'ERR_OUTCOME_UNKNOWN' : null,
        outcome: sent ? 'unknown' : 'not_sent',
        message: `server "${this.#config.name}" ${what}; ${outcome}`,
      },
      [],
    );
  }

  #tellProfile(description: SelfDescription, incarnation: number): void {
    const redactor = this.#redactor;
    const profile = profileOf(description, (text) => redactor.redact(text));
    const remembered = rememberedProfile(profile, description, (text) =>
      redactor.redactValues(text),
    );
    this.#catalog = { ...this.#catalog, profile: remembered };
    this.#remember({ profile: remembered, lists: {} });
    this.#context.post({ type: 'profile', slot: this.#slot, incarnation, profile }, []);
  }

  #tellList(kind: ListKind, entries: readonly CatalogEntry[], incarnation: number): void {
    if (kind === 'tools') this.#toolsCount = entries.length;
    const remembered = rememberedList(entries, (text) => this.#redactor.redactValues(text));
    const isNews = this.#catalog.lists[kind] !== null;
    if (isNews && remembered.kept === null && remembered.why === 'secret') {
      const text = `its ${kind} are not remembered for the next start: a secret of its configuration stands in them`;
      this.#log('warn', text, {});
    }
    const list = { [kind]: remembered.kept };
    this.#catalog = { ...this.#catalog, lists: { ...this.#catalog.lists, ...list } };
    this.#remember({ profile: null, lists: list });
    const pages = new Set(entries.map(({ json }) => json.buffer as ArrayBuffer));
    this.#context.post({ type: 'catalog', slot: this.#slot, incarnation, kind, entries }, [
      ...pages,
    ]);
    this.#publish();
  }

  /** Once for each change, also over restarts. */
  #tellLeftOut(kind: ListKind, message: string): void {
    if ((this.#leftOut.get(kind) ?? '') === message) return;
    this.#leftOut.set(kind, message);
    if (message !== '') this.#log('warn', message, {});
  }

  /** Tells the state writer what to serve at the next start before the server is up. */
  #remember(told: Pick<CatalogFact, 'profile' | 'lists'>): void {
    const { fingerprint, name } = this.#config;
    const fact: CatalogFact = { type: 'catalog', server: name, fingerprint, ...told };
    this.#context.factsPort().postMessage(fact);
  }

  #emit(event: SupervisorEvent, state: SupervisorState): void {
    if (event.event === 'child_died_unexpectedly') {
      const stderr = this.#current?.stderrTail ?? '';
      this.#lastError = deathText(event, stderr, this.#current?.withheld ?? []);
    } else if (event.event === 'stable') {
      this.#lastError = null;
    }
    const nextStart = nextStartOf(state);
    this.#context.post(
      {
        type: 'lifecycle',
        slot: this.#slot,
        server: this.server,
        incarnation: state.incarnation,
        at: new Date().toISOString(),
        event,
        record: this.#record(state),
        nextStartInMs: nextStart === null ? null : Math.max(0, nextStart - performance.now()),
      },
      [],
    );
  }

  /** Sends the record at the end of this turn of the loop: only the newest counts. */
  #publish(): void {
    if (this.#publishing) return;
    this.#publishing = true;
    setImmediate(() => {
      this.#publishing = false;
      this.#rev += 1;
      const fact: SupervisorFact = {
        type: 'supervisor',
        server: this.server,
        generation: this.#generation,
        incarnation: this.#state.incarnation,
        rev: this.#rev,
        record: this.#record(this.#state),
      };
      this.#context.factsPort().postMessage(fact);
    });
  }

  #record(state: SupervisorState): SupervisorRecord {
    const extras = {
      since: this.#since,
      childStarted: this.#current?.link.startTime ?? null,
      lastExit: this.#lastExit,
      lastError: this.#lastError,
      toolsCount: this.#toolsCount,
      noiseLines: this.#noiseBefore + (this.#current?.conversation.noiseLines ?? 0),
    };
    const offset = Date.now() - performance.now();
    return recordOf(state, extras, (at) => new Date(at + offset).toISOString());
  }

  #log(level: LogMessage['level'], message: string, fields: LogMessage['fields']): void {
    this.#context.post({ type: 'log', level, server: this.server, message, fields }, []);
  }
}
