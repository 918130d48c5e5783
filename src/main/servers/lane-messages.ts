/**
 * Takes each message of a thread to the lane of the server that it is about, and reports it to the layers
 * above when it concerns them.
 */
import { IDLE } from '../../shared/model/idle.ts';
import type { LifecycleMessage } from '../../shared/protocol/from-supervisor.ts';
import { CommandWarnings } from '../catalog/command-warnings.ts';
import { RuleWarnings } from '../catalog/rule-warnings.ts';
import { auditEventOf } from './audit-events.ts';
import type { Endings } from './endings.ts';
import type { ServerEvents } from './events.ts';
import type { FleetOptions } from './fleet-options.ts';
import type { Lane, LaneListener, LaneMessage, Loss } from './lane.ts';
import { lostRecord } from './lost-record.ts';
import type { StartTickets } from './start-tickets.ts';

type Options = Pick<
  FleetOptions,
  | 'audit'
  | 'launcher'
  | 'log'
  | 'observer'
  | 'catalogs'
  | 'definitions'
  | 'logins'
  | 'stateWriter'
  | 'onChange'
>;

/** The other parts of the fleet that take part. */
export interface LaneMessagesParts {
  readonly endings: Endings;
  readonly tickets: StartTickets<string>;
  readonly events: () => ServerEvents;
  /** The gateway is stopping. */
  readonly stopping: () => boolean;
  /** A lane has changed in a way that others may wait for. */
  readonly onLane: (lane: Lane) => void;
}

export class LaneMessages implements LaneListener {
  readonly #options: Options;
  readonly #parts: LaneMessagesParts;
  readonly #commands: CommandWarnings;
  readonly #ruleWarnings: RuleWarnings;
  #logLevel: string | null = null;
  /** Of servers that were told another level for themselves. */
  readonly #ownLevels = new Map<string, string>();

  constructor(options: Options, parts: LaneMessagesParts) {
    this.#options = options;
    this.#parts = parts;
    const warn = (server: string, text: string) => options.log.warn({ server }, text);
    this.#commands = new CommandWarnings(warn);
    this.#ruleWarnings = new RuleWarnings(warn);
  }

  /** Holds for threads that start later, too. @param server see `Fleet.setLogLevel`. */
  setLogLevel(lanes: readonly Lane[], level: string, server: string | null): void {
    if (server === null) this.#logLevel = level;
    else this.#ownLevels.set(server, level);
    for (const lane of lanes) {
      const { name } = lane.config;
      if (server === null ? !this.#ownLevels.has(name) : name === server) lane.setLogLevel(level);
    }
  }

  onMessage(lane: Lane, message: LaneMessage): void {
    const { server } = lane;
    switch (message.type) {
      case 'answer': {
        const { call, visits } = message;
        if (visits !== undefined) this.#parts.events().onUrlsAsked(server, call, visits.ids);
        return server.answer(message);
      }
      case 'progress':
        if (!server.progress(message)) this.#parts.events().onMessage(server, message);
        return;
      case 'call_failed':
        return server.callFailed(message);
      case 'ticket_wanted':
        return this.#parts.tickets.want(lane.name);
      case 'token_wanted':
        // Others start meanwhile.
        void this.#options.logins.serve(lane, message, () =>
          this.#parts.tickets.giveBack(lane.name),
        );
        return;
      case 'launcher_failed':
        return this.#options.launcher.failed(message.path, message.why);
      case 'ticket_returned':
        this.#parts.tickets.giveBack(lane.name);
        return this.#started(lane);
      case 'profile':
      case 'catalog':
      case 'unlisted':
        return this.#offers(lane, message);
      case 'notification':
      case 'reverse_request':
      case 'reverse_cancelled':
        return this.#parts.events().onMessage(server, message);
      case 'lifecycle':
        return this.#lifecycle(lane, message);
    }
  }

  onGone(lane: Lane): void {
    this.#stopped(lane);
  }

  onStarted(lane: Lane): void {
    const level = this.#ownLevels.get(lane.config.name) ?? this.#logLevel;
    if (level !== null) lane.setLogLevel(level);
  }

  onBlocked(lane: Lane, why: string, generation: number): void {
    const record = {
      ...IDLE,
      phase: 'blocked',
      since: new Date().toISOString(),
      last_error: why,
    } as const;
    this.#options.stateWriter.tell({
      type: 'supervisor',
      server: lane.name,
      generation,
      incarnation: 0,
      rev: 1,
      record,
    });
    lane.lifecycle({
      type: 'lifecycle',
      slot: lane.slot,
      server: lane.name,
      incarnation: 0,
      at: record.since,
      event: { event: 'health_changed', healthy: false },
      record,
      nextStartInMs: null,
    });
    this.#settle(lane);
    this.#options.onChange();
  }

  /** The thread cannot speak for itself any more: main says what became of its server. */
  onLost(lane: Lane, { state, detail, restartInMs }: Loss): void {
    const { name, server } = lane;
    this.#parts.tickets.forget(name);
    this.#options.observer.threadLost(lane.config.name, state);
    const lost = { event: 'thread_lost', server: name, status: 'error', error: detail } as const;
    this.#options.audit.event({ ...lost, facts: { state } });
    this.#parts.events().onGone(server);
    const now = Date.now();
    const record = lostRecord(server.lastRecord, {
      error: `supervisor thread ${state}: ${detail}`,
      now,
      nextStartAt: this.#parts.stopping() || lane.retired ? null : now + restartInMs,
    });
    lane.lost(`${state}: ${detail}`, restartInMs, record);
    this.#options.stateWriter.tell({
      type: 'supervisor',
      server: name,
      generation: lane.generation,
      incarnation: record.incarnation,
      rev: Number.MAX_SAFE_INTEGER,
      record,
    });
    this.#settle(lane);
    this.#stopped(lane);
  }

  /** A retiring lane reports neither profile nor lists: its successor does, if there is one. */
  #offers(
    lane: Lane,
    message: Extract<LaneMessage, { type: 'profile' | 'catalog' | 'unlisted' }>,
  ): void {
    if (this.#parts.endings.has(lane)) return;
    if (message.type === 'profile') {
      const { incarnation, profile } = message;
      const { name, version } = profile;
      this.#options.log.info(
        { server: lane.name, incarnation, name, version },
        'introduced itself',
      );
      return this.#options.definitions.introduced(lane.server, profile, message.hashes, (shown) => {
        if (!this.#isGone(lane)) this.#parts.events().onProfile(lane.server, shown);
      });
    }
    if (message.type === 'unlisted') {
      this.#options.catalogs.unlisted(lane, message.kind);
      return this.#listed(lane);
    }
    this.#commands.look(lane.config, message.commandTools);
    const { kind, entries, hashes, withheld } = message;
    if (kind === 'tools') this.#ruleWarnings.look(lane.config, entries);
    this.#options.definitions.list(lane.server, kind, entries, hashes, () => {
      if (this.#isGone(lane)) return;
      this.#options.catalogs.update(lane, kind, entries, withheld);
      this.#listed(lane);
    });
  }

  /** Asked again when a judge has answered: another one may serve by then. */
  #isGone(lane: Lane): boolean {
    return lane.retired || this.#parts.endings.has(lane);
  }

  #listed(lane: Lane): void {
    this.#options.onChange();
    this.#parts.events().onListsSettled(lane.config.name);
  }

  #lifecycle(lane: Lane, message: LifecycleMessage): void {
    const { server } = lane;
    const { event, ...rest } = message.event;
    const fields = { server: lane.name, incarnation: message.incarnation, ...rest };
    const { event: of } = message;
    // All tries to reach a server are one line.
    const goesOn = of.event === 'unreachable' && !of.begins;
    const begins = of.event === 'unreachable' && of.begins;
    if (goesOn) this.#options.log.debug(fields, event);
    else if (begins || event === 'child_died_unexpectedly') this.#options.log.warn(fields, event);
    else this.#options.log.info(fields, event);
    const recorded = auditEventOf(lane.name, message);
    if (recorded !== null) this.#options.audit.event(recorded);
    lane.lifecycle(message);
    const isGone = begins || event === 'child_died_unexpectedly' || event === 'draining';
    if (isGone) this.#parts.events().onGone(server);
    if (event === 'ready') this.#parts.events().onReady(server);
    const { phase } = message.record;
    if (phase === 'failed' || phase === 'backoff' || phase === 'stopped') this.#settle(lane);
    this.#stopped(lane);
  }

  /** It has had its time to start. */
  #started(lane: Lane): void {
    if (lane.server.phase !== 'starting' || this.#parts.endings.has(lane)) return;
    this.#options.catalogs.takesLong(lane);
    this.#parts.events().onListsSettled(lane.config.name);
  }

  /** The first lists of this server are no longer waited for. */
  #settle(lane: Lane): void {
    if (this.#parts.endings.has(lane)) return;
    this.#options.catalogs.settle(lane);
    this.#parts.events().onListsSettled(lane.config.name);
  }

  #stopped(lane: Lane): void {
    if (!lane.running) {
      this.#parts.tickets.forget(lane.name);
      this.#parts.endings.stopped(lane);
    }
    this.#parts.onLane(lane);
  }
}
