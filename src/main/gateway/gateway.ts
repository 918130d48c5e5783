/**
 * The composition root of `rea serve`: builds the parts, starts them in order, stops them in reverse.
 * Decides nothing about calls or servers.
 */
import { randomUUID } from 'node:crypto';
import { ByteCredit } from '../../shared/memory/byte-credit.ts';
import { LookupSlots } from '../../shared/memory/lookup-slots.ts';
import type { RecordedGroup } from '../../shared/memory/vitals.ts';
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import type { EndpointRecord, ReloadRecord } from '../../shared/model/snapshot.ts';
import { errorText } from '../../shared/platform/errno.ts';
import { ownIdentity, systemLook } from '../../shared/platform/identity.ts';
import type { MainFact } from '../../shared/protocol/facts.ts';
import type { CallOwner } from '../calls/call.ts';
import { CallTable } from '../calls/call-table.ts';
import { HaltSwitch } from '../calls/gate/halt.ts';
import { Announcements } from '../catalog/announcements.ts';
import { readCatalogFile, readHeldUris } from '../catalog/catalog-file.ts';
import { Catalogs } from '../catalog/catalogs.ts';
import { HeldUris } from '../catalog/held-uris.ts';
import { Profiles } from '../catalog/profiles.ts';
import type { HttpEdge } from '../clients/http/listener.ts';
import { serveStdio } from '../clients/stdio/stdio.ts';
import { type ClaimedStdout, claimStdout } from '../clients/stdio/stdout-claim.ts';
import { difference, keysOfNextStart } from '../config/difference.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { healthText } from '../operator/health.ts';
import { prepareDirectory } from '../processes/directory.ts';
import { createGroupsFile, killGroup } from '../processes/groups.ts';
import { type Guard, startGuard } from '../processes/guard.ts';
import {
  instancePath,
  readLastUse,
  removeInstance,
  writeInstance,
  writeLastStop,
} from '../processes/instance.ts';
import { LauncherProcess } from '../processes/launcher-process.ts';
import { type PriorityQueue, startPriorityQueue } from '../processes/priority/priority-queue.ts';
import { reapDeadGateways } from '../processes/reaper.ts';
import { Router } from '../routing/router.ts';
import { creditLimits, roomFor } from '../servers/capacity.ts';
import { Fleet } from '../servers/fleet.ts';
import { defaultStartLimit, StartTickets } from '../servers/start-tickets.ts';
import { isThreadHeld } from '../threads/start-worker.ts';
import { StateWriterThread } from '../threads/state-writer-thread.ts';
import { workerEntry } from '../threads/worker-entry.ts';
import type { Reconfigurable, Reconfigured } from './reload.ts';
import type { Stoppable } from './shutdown.ts';

const HEARTBEAT_MS = 5000;
const BEAT_MS = 250;
const PUBLISH_MS = 50;
/** With hundreds of servers telling all takes long: no more than this part of main's time goes into it. */
const PUBLISH_SHARE = 0.05;
const PUBLISH_LATEST_MS = 500;
const INSPECT_EVERY_MS = 5000;
/** The state writer's last write may take what is left of a stop, on a busy machine at least this long. */
const WRITER_CLOSE_BY_MS = 1700;
const WRITER_CLOSE_MIN_MS = 1500;
/** How long the servers wait for the stdio client to say what it can do. */
const CLIENT_WAIT_MS = 500;
const FLUSH_MS = 1000;
const MIB = 1024 * 1024;
const MAX_UPSTREAM_MESSAGE_BYTES = 32 * MIB;
export interface GatewayOptions {
  readonly cwd: string;
  readonly config: GatewayConfig;
  /** What no client may name to a server. */
  readonly guarded: GuardedPlaces;
  readonly version: string;
  readonly log: Logger;
  /** What the log may not hold; learns of more. */
  readonly secrets: LogSecrets;
  readonly stdio: boolean;
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Bearer tokens; none = nobody needs one, on loopback only. */
    readonly tokens: readonly string[];
    /** Where they stand, absolute. */
    readonly tokenFile: string | null;
  } | null;
  /** What it keeps outside of the project, absolute; null where that could not be made. */
  readonly stateDir: string | null;
  /** Closed with the gateway. */
  readonly metrics: Metrics;
  /** Whether the health tool tells errors and exits. */
  readonly exposeDiagnostics: boolean;
  /** The stdio client is gone and there is no other, with the reason. */
  readonly onClientGone: (reason: string) => void;
}

export type StartResult =
  | { readonly ok: true; readonly gateway: Gateway }
  /** One line: what, where, what to do. */
  | { readonly ok: false; readonly message: string };

export class Gateway implements Stoppable, Reconfigurable {
  readonly sessionId = randomUUID();
  readonly dir: string;
  readonly #options: GatewayOptions;
  #config: GatewayConfig;
  #exposeDiagnostics: boolean;
  readonly #startedAt = new Date().toISOString();
  readonly #identity = ownIdentity();
  readonly #look = systemLook();
  readonly #calls = new CallTable();
  readonly #halt: HaltSwitch;
  readonly #catalogs: Catalogs;
  readonly #held = new HeldUris((fact) => this.#writer.tell(fact));
  readonly #announcements: Announcements;
  readonly #profiles: Profiles;
  readonly #router: Router;
  readonly #credit: ByteCredit;
  readonly #lookups = LookupSlots.create();
  readonly #priorities: PriorityQueue;
  readonly #launcher: LauncherProcess;
  readonly #fleet: Fleet;
  readonly #writer: StateWriterThread;
  readonly #mainBeats = new SharedArrayBuffer(4);
  readonly #timers: NodeJS.Timeout[] = [];
  #http: Extract<HttpEdge, { ok: true }> | null = null;
  #guard: Guard | null = null;
  #stdout: ClaimedStdout | null = null;
  #stdioEnded: string | null = null;
  #isUp = false;
  #reload: ReloadRecord = { waiting: [], more: 0 };
  #publishTimer: NodeJS.Timeout | null = null;
  #publishAfterMs = PUBLISH_MS;
  #launched = false;
  #rev = 0;
  #loopLagMs = 0;
  #stoppingSince: number | null = null;

  private constructor(options: GatewayOptions, dir: string) {
    this.#options = options;
    this.#config = options.config;
    this.#exposeDiagnostics = options.exposeDiagnostics;
    this.dir = dir;
    this.#halt = new HaltSwitch(dir, () => performance.now());
    this.#announcements = new Announcements((catalog, method) =>
      this.#router.announce(catalog, method),
    );
    this.#catalogs = new Catalogs({
      servers: options.config.servers,
      reserved: options.config.reserved,
      listWaitMs: options.config.listWaitMs,
      onChange: (catalog, kind) => this.#announcements.add(catalog, kind),
      onCollision: (server, message) => options.log.warn({ server }, message),
      onHeld: (kind, held) => this.#held.set(kind, held),
    });
    this.#profiles = new Profiles(options.config.servers);
    this.#credit = ByteCredit.create(roomFor(options.config), creditLimits(options.config));
    this.#priorities = startPriorityQueue(options.log, this.#look);
    this.#launcher = new LauncherProcess(workerEntry('launcher'), options.log);
    this.#fleet = new Fleet({
      credit: this.#credit,
      lookups: this.#lookups,
      guarded: options.guarded,
      config: options.config,
      calls: this.#calls,
      catalogs: this.#catalogs,
      tickets: (office) => new StartTickets(defaultStartLimit(), office),
      usedBefore: readLastUse(dir),
      groupsFile: createGroupsFile(dir, this.sessionId, this.#identity),
      gatewayVersion: options.version,
      halted: () => this.#halt.active(),
      log: options.log,
      onSecret: (secret) => options.secrets.add([secret]),
      observer: options.metrics.observer,
      attachFacts: (port) => this.#writer.attach(port),
      tell: (fact) => this.#writer.tell(fact),
      killGroup: (group) => this.#killGroup(group),
      router: () => this.#router,
      priorities: this.#priorities,
      launcher: this.#launcher,
      onChange: () => this.#publishSoon(),
    });
    this.#router = new Router({
      catalogs: this.#catalogs,
      profiles: this.#profiles,
      calls: this.#calls,
      servers: this.#fleet,
      version: options.version,
      halted: () => this.#halt.active(),
      health: () => this.#health(),
      observer: options.metrics.observer,
      onLogLevel: (level) => this.#fleet.setLogLevel(level),
      onSessions: () => this.#sessionsChanged(),
      onClient: (client, capabilities) => this.#clientCame(client, JSON.stringify(capabilities)),
      onClientGone: (client) => this.#fleet.closeSession(client),
    });
    this.#writer = new StateWriterThread({
      data: {
        dir,
        sessionId: this.sessionId,
        startedAt: this.#startedAt,
        identity: this.#identity,
        gatewayVersion: options.version,
        metricsPort: options.metrics.port,
        servers: options.config.servers.map((server) => server.name),
        heartbeatMs: HEARTBEAT_MS,
        mainBeats: this.#mainBeats,
        seq: 0,
      },
      log: options.log,
      onOwnership: (owner, detail) => {
        options.log.info(
          { owner, detail },
          owner ? 'owns the state file' : 'does not own the state file',
        );
      },
      onUsage: (usage) => this.#fleet.used(usage),
      onStarvation: (starvation) => {
        options.metrics.observer.starved();
        this.#fleet.starved(starvation);
      },
      onReplaced: () => {
        this.#fleet.reconnectFacts();
        this.#held.retell();
        this.#publish();
      },
    });
    options.metrics.show(() => ({
      names: this.#fleet.names,
      servers: this.#fleet.views(),
      sessions: this.#router.sessions,
      httpConnections: this.#http?.connections() ?? 0,
      halted: this.#halt.active().active,
      ownsState: this.#writer.owner,
      stateWriterHeapBytes: this.#writer.heapUsedBytes,
      droppedMessages: this.#router.droppedMessages,
    }));
  }

  static async start(options: GatewayOptions): Promise<StartResult> {
    const prepared = prepareDirectory(options.cwd);
    if (!prepared.ok) return { ok: false, message: prepared.error };
    const reaped = reapDeadGateways(prepared.dir, ownIdentity(), systemLook());
    for (const group of reaped.killed)
      options.log.warn(group, 'killed a leftover of a dead gateway');
    for (const problem of reaped.problems) options.log.warn(problem);
    let gateway: Gateway;
    try {
      gateway = new Gateway(options, prepared.dir);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return {
        ok: false,
        message: `cannot use ${prepared.dir}: ${detail}; choose a directory with --cwd`,
      };
    }
    const failure = await gateway.#start();
    return failure === null ? { ok: true, gateway } : { ok: false, message: failure };
  }

  /** How clients reach it. */
  get endpoint(): EndpointRecord {
    const { stdio, http } = this.#options;
    const url = this.#http?.url ?? null;
    if (http === null || url === null) return { stdio, http: url, auth: null, token_file: null };
    const { length } = http.tokens;
    const auth = length === 0 ? 'none' : length === 1 ? 'token' : 'tokens';
    return { stdio, http: url, auth, token_file: http.tokenFile };
  }

  async #start(): Promise<string | null> {
    const { config, http, log } = this.#options;
    if (http !== null) {
      // The SDK comes with it, which a gateway on stdio alone has no use for.
      const { startHttp } = await import('../clients/http/listener.ts');
      const edge = await startHttp({
        ...http,
        open: this.#router.open,
        maxBodyBytes: MAX_UPSTREAM_MESSAGE_BYTES,
        slowClientMs: config.limits.slowClientMs,
        credit: this.#credit,
        log,
        ready: () => this.#isUp && this.#stoppingSince === null,
      });
      if (!edge.ok) {
        removeInstance(this.dir, this.sessionId);
        return edge.message;
      }
      this.#http = edge;
    }
    writeInstance(this.dir, {
      ...this.#identity,
      session_id: this.sessionId,
      started_at: this.#startedAt,
      endpoint: this.endpoint,
      state_dir: this.#options.stateDir,
    });
    this.#startGuard();
    this.#writer.start();
    const held = readHeldUris(this.dir);
    this.#catalogs.shared.remember('resources', held.resources);
    this.#catalogs.shared.remember('templates', held.templates);
    for (const { server, fingerprint, profile, lists } of readCatalogFile(this.dir)) {
      if (profile !== null) this.#profiles.restore(server, fingerprint, profile);
      for (const [kind, entries] of lists) {
        this.#catalogs.shared.restore(server, fingerprint, kind, entries);
      }
    }
    if (this.#options.stdio) {
      this.#stdout = claimStdout(process.stdout, process.stderr);
      serveStdio({
        stdin: process.stdin,
        stdout: this.#stdout,
        open: this.#router.open,
        maxMessageBytes: MAX_UPSTREAM_MESSAGE_BYTES,
        credit: this.#credit,
        onEnd: (reason) => {
          this.#stdioEnded = reason;
          this.#sessionsChanged();
        },
      });
    }
    this.#startServers();
    this.#beat();
    this.#timers.push(setInterval(() => void this.#fleet.inspect(), INSPECT_EVERY_MS).unref());
    this.#publish();
    log.info(
      {
        session: this.sessionId,
        servers: config.servers.length,
        endpoint: this.endpoint,
        priority: this.#priorities.kind,
      },
      'rea serve is up',
    );
    this.#isUp = true;
    return null;
  }

  /** Whether a change of the configuration still has a meaning. */
  get stopping(): boolean {
    return this.#stoppingSince !== null;
  }

  /**
   * Puts another configuration in force: servers that are the same go on undisturbed.
   *
   * @returns why not, and then nothing has changed.
   */
  reconfigure(config: GatewayConfig, exposeDiagnostics: boolean): Reconfigured {
    const { log, metrics } = this.#options;
    const change = difference(this.#config.servers, config.servers);
    const problem = this.#heapProblem(config) ?? this.#fleet.roomProblem(config, change);
    if (problem !== null) return { kind: 'refused', problem };
    // Changes that follow each other faster than a server starts would keep its calls waiting for ever.
    if (this.#fleet.isSettling(change)) return { kind: 'later' };
    const names = (servers: readonly { name: string }[]) => servers.map(({ name }) => name);
    const fields = {
      added: names(change.added),
      removed: names(change.removed),
      restarted: names(change.replaced),
      adjusted: names(change.adjusted),
    };
    this.#config = config;
    this.#exposeDiagnostics = exposeDiagnostics;
    this.#options.secrets.expect(config.servers);
    this.#credit.setLimits(creditLimits(config));
    metrics.expect(names(config.servers));
    this.#profiles.reconfigure(config.servers);
    this.#fleet.reconfigure(config, change);
    log.info(fields, 'the configuration is in force');
    const later = keysOfNextStart(this.#options.config, config);
    if (later.length > 0) log.warn(`from the next start of rea serve on: ${later.join(', ')}`);
    return { kind: 'done' };
  }

  /** What of the configuration waits, for the state file. */
  showReload(record: ReloadRecord): void {
    this.#reload = record;
    this.#publishSoon();
  }

  stopAccepting(): void {
    this.#stoppingSince ??= performance.now();
    this.#router.stopAccepting();
    this.#http?.stopAccepting();
  }

  whenIdle(callback: () => void): void {
    this.#calls.whenIdle(() => this.#whenFlushed(callback));
  }

  abandonCalls(): void {
    this.#fleet.abandonCalls();
  }

  stopServers(timing: { readonly eofMs: number; readonly termMs: number }): Promise<void> {
    return this.#fleet.stopServers(timing);
  }

  killAll(): void {
    this.#fleet.killServers((group) => this.#killGroup(group));
  }

  get held(): boolean {
    return isThreadHeld() || this.#lookups.busy;
  }

  async close(reason: string): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#publishTimer !== null) clearTimeout(this.#publishTimer);
    this.#announcements.close();
    this.#priorities.close();
    this.#attempt('telling of the stop', () =>
      writeLastStop(this.dir, {
        session_id: this.sessionId,
        stopped_at: new Date().toISOString(),
        reason,
        servers: this.#fleet.lastWords(),
      }),
    );
    const spent = performance.now() - (this.#stoppingSince ?? performance.now());
    const writerMs = Math.max(WRITER_CLOSE_MIN_MS, WRITER_CLOSE_BY_MS - spent);
    await Promise.all([
      this.#fleet.stopThreads(),
      this.#http?.close(),
      this.#options.metrics.close(),
      this.#writer.close(writerMs),
      this.#flush(),
    ]);
    // A server that its thread restarted while all groups were being killed.
    this.killAll();
    await this.#launcher.close();
    this.#guard?.release();
    this.#attempt('removing the run files', () => removeInstance(this.dir, this.sessionId));
    this.#options.log.info({ reason }, 'stopped');
  }

  /** Threads keep the heap that they were started with. */
  #heapProblem({ servers }: GatewayConfig): string | null {
    const { heapMb } = this.#options.config.threads;
    const tooLarge = servers.find(({ maxMessageBytes }) => maxMessageBytes * 2 > heapMb * MIB);
    if (tooLarge === undefined) return null;
    return `has max_message_bytes ${tooLarge.maxMessageBytes} for server "${tooLarge.name}", which needs a larger threads.heap_mb than the ${heapMb} that this gateway was started with; restart rea serve`;
  }

  /** A stop goes on when the disk is full or `.rea` is gone. */
  #attempt(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#options.log.warn(`${what} failed: ${errorText(error)}`);
    }
  }

  #whenFlushed(callback: () => void): void {
    if (this.#stdout === null || this.#stdioEnded !== null) callback();
    else this.#stdout.flushed(callback);
  }

  /** Gives a client that still reads the time to take its last answers. */
  #flush(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, FLUSH_MS);
      this.#whenFlushed(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** With stdin at its end the gateway goes on only for the sake of other clients. */
  #sessionsChanged(): void {
    this.#publishSoon();
    if (this.#stdioEnded !== null && this.#router.sessions === 0) {
      this.#options.onClientGone(this.#stdioEnded);
    }
  }

  /**
   * A server offers what its client can do. With stdio alone there is one client, about to say so;
   * over HTTP clients differ and share the servers, which are told nothing.
   */
  #startServers(): void {
    if (this.#options.http !== null) return this.#launch('{}');
    this.#timers.push(setTimeout(() => this.#launch('{}'), CLIENT_WAIT_MS));
  }

  #clientCame(client: CallOwner, capabilities: string): void {
    this.#launch(capabilities);
    this.#fleet.openSession(client, capabilities);
  }

  #launch(clientCapabilities: string): void {
    if (this.#launched || this.#stoppingSince !== null) return;
    this.#launched = true;
    this.#fleet.start(clientCapabilities);
  }

  #startGuard(): void {
    this.#guard = startGuard({
      groupsFile: this.#fleet.groupsFile,
      instanceFile: instancePath(this.dir, this.sessionId),
      onDied: (detail) => {
        if (this.#stoppingSince !== null) return;
        this.#options.log.warn({ detail }, 'the guard process ended; starting another');
        this.#timers.push(setTimeout(() => this.#startGuard(), 1000));
      },
    });
  }

  /** Main's heartbeat, and its look at the threads and at the kill switch. */
  #beat(): void {
    const beats = new Int32Array(this.#mainBeats);
    let due = performance.now() + BEAT_MS;
    let halted = this.#halt.active();
    const tick = () => {
      const now = performance.now();
      this.#loopLagMs = Math.max(0, Math.round((now - due) * 10) / 10);
      due = now + BEAT_MS;
      this.#options.metrics.observer.loopLag(this.#loopLagMs);
      Atomics.add(beats, 0, 1);
      this.#fleet.check(now);
      const seen = this.#halt.active();
      if (seen.active !== halted.active || seen.reason !== halted.reason) {
        halted = seen;
        this.#options.log.warn(
          { ...seen },
          seen.active ? 'HALT is set: calls are refused' : 'HALT is cleared',
        );
        if (seen.active) this.#router.reverse.reconsider();
        this.#publish();
      }
    };
    this.#timers.push(setInterval(tick, BEAT_MS));
  }

  #publishSoon(): void {
    if (this.#publishTimer !== null) return;
    this.#publishTimer = setTimeout(() => {
      this.#publishTimer = null;
      this.#publish();
    }, this.#publishAfterMs);
  }

  #publish(): void {
    const startedAt = performance.now();
    const fact: MainFact = {
      type: 'main',
      rev: ++this.#rev,
      servers: this.#fleet.records(),
      sessions: this.#router.sessions,
      halt: this.#halt.active(),
      endpoint: this.endpoint,
      loopLagMs: this.#loopLagMs,
      priority: this.#priorities.kind,
      reload: this.#reload,
    };
    this.#writer.tell(fact);
    const cost = (performance.now() - startedAt) / PUBLISH_SHARE;
    this.#publishAfterMs = Math.min(PUBLISH_LATEST_MS, Math.max(PUBLISH_MS, cost));
  }

  #killGroup(group: RecordedGroup): void {
    const startTime = group.startTime === 0n ? null : String(group.startTime);
    const outcome = killGroup(group.pgid, startTime, this.#look);
    this.#options.log.warn({ pgid: group.pgid, outcome }, 'killed a process group');
  }

  #health(): string {
    return healthText({
      version: this.#options.version,
      sessionId: this.sessionId,
      startedAt: this.#startedAt,
      stateOwner: this.#writer.owner,
      droppedMessages: this.#router.droppedMessages,
      halt: this.#halt.active(),
      downstreams: this.#fleet.all(),
      toolsOf: (server) => this.#catalogs.shared.toolsCount(server),
      collisionsOf: (server) => this.#catalogs.shared.collisions(server),
      exposeDiagnostics: this.#exposeDiagnostics,
    });
  }
}
