/**
 * The gateway of `rea serve`: starts its parts in order, puts other configurations in force, and stops
 * the parts in reverse. Decides nothing about calls or servers.
 */
import { randomUUID } from 'node:crypto';
import type { StopTimes } from '../../shared/machines/supervisor-stop.ts';
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { EndpointRecord, ReloadRecord } from '../../shared/model/snapshot.ts';
import { ownIdentity } from '../../shared/platform/identity.ts';
import { STRAGGLER_TERM_MS } from '../../shared/platform/stragglers.ts';
import { sessionsOf } from '../clients/session.ts';
import type { Policy } from '../config/policy.ts';
import type { ControlSocket } from '../operator/control-socket.ts';
import { instancePath } from '../processes/instance.ts';
import { KeptGuard } from '../processes/kept-guard.ts';
import type { Client } from '../routing/client.ts';
import { isThreadHeld } from '../threads/start-worker.ts';
import { startAudit } from './audit-events.ts';
import { beat } from './beat.ts';
import { type Before, before, unusable } from './before.ts';
import { blockedLines } from './blocked-lines.ts';
import { ClientWait } from './client-wait.ts';
import { closeParts } from './close-parts.ts';
import { openControl } from './control.ts';
import { Doors } from './doors.ts';
import { haltChanged } from './halt-changed.ts';
import { Heartbeat } from './heartbeat.ts';
import { introduce, tellUp } from './introduce.ts';
import { LastAnswers } from './last-answers.ts';
import type { OperatorHooks } from './operations.ts';
import type { GatewayOptions } from './options.ts';
import { OwnInstance } from './own-instance.ts';
import { buildParts, type GatewayEvents, type Parts } from './parts.ts';
import { Publishing } from './publishing.ts';
import { type InForce, putInForce } from './put-in-force.ts';
import type { Reconfigurable, Reconfigured } from './reload.ts';
import { restoreOffers } from './restore-offers.ts';
import { Sharing } from './sharing.ts';
import { factsOf, healthOf, metricsOf, type Own } from './shown.ts';
import { type Stoppable, tryTo } from './shutdown.ts';

type Started =
  | { readonly ok: true; readonly gateway: Gateway }
  | { readonly ok: false; readonly message: string };

export class Gateway implements Stoppable, Reconfigurable, GatewayEvents {
  readonly sessionId = randomUUID();
  readonly dir: string;
  readonly #options: GatewayOptions;
  readonly #startedAt = new Date().toISOString();
  readonly #identity = ownIdentity();
  readonly #parts: Parts;
  readonly #publishing: Publishing;
  readonly #heartbeat: Heartbeat;
  readonly #doors: Doors;
  readonly #answers: LastAnswers;
  readonly #instance: OwnInstance;
  readonly #sharing: Sharing;
  #control: ControlSocket | null = null;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #clientWait = new ClientWait(() => this.#launch('{}'));
  #inForce: InForce;
  #guard: KeptGuard | null = null;
  #isUp = false;
  #reload: ReloadRecord = { problems: null, waiting: [], more: 0 };
  #launched = false;
  #stoppingSince: number | null = null;
  #stopAnnounced = false;

  private constructor(options: GatewayOptions, { dir, looks, reaped }: Before) {
    const beats = new SharedArrayBuffer(4);
    this.#options = options;
    this.#inForce = options;
    this.dir = dir;
    this.#instance = new OwnInstance(dir, options.log);
    const parts = buildParts(
      {
        ...options,
        dir,
        sessionId: this.sessionId,
        startedAt: this.#startedAt,
        identity: this.#identity,
        beats,
        looks,
        startsAfter: reaped,
      },
      this,
    );
    this.#parts = parts;
    this.#doors = new Doors({
      ...options,
      open: sessionsOf(parts.router),
      credit: parts.credit,
      ready: () =>
        this.stopping || this.#stopAnnounced ? 'stopping' : this.#isUp ? 'ok' : 'starting',
      onStdioEnd: () => this.onClients(),
    });
    this.#answers = new LastAnswers(this.#doors, parts.fleet);
    this.#sharing = new Sharing({
      shared: options.shared,
      idleExitMs: options.config.idleExitMs,
      onIdle: (reason) => options.onClientGone(reason),
      onDeclared: (clientCapabilities) => parts.fleet.declare(clientCapabilities),
    });
    this.#heartbeat = new Heartbeat({
      beats,
      halt: parts.halt,
      onBeat: (now, loopLagMs) => beat(parts, options.metrics.observer, now, loopLagMs),
    });
    parts.halt.listen((halt) => {
      haltChanged(parts, halt, this.#inForce.policy.cancelInFlight, options.log);
      this.#publishing.now();
      this.#instance.halt(halt);
    });
    this.#publishing = new Publishing(
      () => factsOf(parts, this.#own(), options.secrets),
      (fact) => parts.writer.tell(fact),
    );
    options.metrics.show(() => metricsOf(parts, this.#own()));
  }

  /** The message is one line: what, where, what to do. */
  static async start(options: GatewayOptions): Promise<Started> {
    const done = await before(options);
    if (!done.ok) return done;
    let gateway: Gateway;
    try {
      gateway = new Gateway(options, done);
    } catch (error) {
      return { ok: false, message: unusable(done.dir, error) };
    }
    const failure = await gateway.#start();
    return failure === null ? { ok: true, gateway } : { ok: false, message: failure };
  }

  /** How clients reach it. */
  get endpoint(): EndpointRecord {
    return this.#doors.endpoint;
  }

  async #start(): Promise<string | null> {
    const problem = await this.#doors.listen();
    if (problem !== null) {
      this.#instance.remove(this.sessionId);
      return problem;
    }
    const { fleet, writer, halt } = this.#parts;
    const present = { ...this.#identity, halt: halt.active() };
    introduce(this.#instance, present, this.#own(), this.#options);
    this.#guard = new KeptGuard(
      { groupsFile: fleet.groupsFile, instanceFile: instancePath(this.dir, this.sessionId) },
      this.#options.log,
    );
    writer.start();
    this.#timers.push(startAudit(this.#parts.audit, this.#options));
    restoreOffers(this.#parts, this.dir, this.#inForce.config.servers);
    this.#doors.serveStdio();
    this.#clientWait.begin(this.#options);
    this.#heartbeat.start();
    this.#timers.push(
      setInterval(() => void fleet.inspect(), this.#options.clocks.inspectMs).unref(),
    );
    this.#publishing.now();
    tellUp(this.#options.log, this.#own(), this.#parts.priorities.kind);
    this.#isUp = true;
    this.#sharing.clients(0);
    return null;
  }

  get stopping(): boolean {
    return this.#stoppingSince !== null;
  }

  reconfigure(config: GatewayConfig, policy: Policy): Reconfigured {
    const next = { config, policy };
    const result = putInForce(this.#parts, this.#options, this.#inForce, next);
    if (result.kind !== 'done') return result;
    this.#inForce = next;
    this.#control?.tell();
    return result;
  }

  /** Lets commands reach it. */
  async openControl(hooks: OperatorHooks): Promise<ControlSocket | null> {
    this.#control = await openControl({
      ...this.#options,
      ...hooks,
      own: () => this.#own(),
      isStopping: () => this.stopping,
      relayed: this.#doors.relayed,
      parts: this.#parts,
      identity: this.#identity,
      dir: this.dir,
    });
    return this.#control;
  }

  /** Puts into the state file what waits for a person. */
  showReload(record: ReloadRecord): void {
    this.#reload = record;
    this.#parts.profiles.tell('programs', blockedLines(record, this.#options.cwd));
    this.onChange();
  }

  record(event: AuditEvent): void {
    this.#parts.audit.event(event);
  }

  /** A server has told secrets: what is shown already may hold them. */
  onSecrets(server: string, learned: readonly string[]): void {
    const { secrets } = this.#options;
    secrets.learn(server, learned);
    this.#reload = secrets.hideIn(this.#reload) as ReloadRecord;
    this.onChange();
  }

  announceStop(): void {
    this.#stopAnnounced = true;
    this.#options.log.info('stops soon: /readyz says so, all else goes on');
  }

  stopAccepting(): void {
    this.#stoppingSince ??= performance.now();
    this.#parts.router.stopAccepting();
    this.#doors.stopAccepting();
  }

  whenIdle(callback: () => void): void {
    this.#parts.calls.whenIdle(() => this.#doors.whenFlushed(callback));
  }

  answerRest(times: StopTimes, callback: () => void): void {
    // A client that has not introduced itself may have asked something all the same.
    if (!this.#doors.answered) this.#launch('{}');
    this.#stoppingSince ??= performance.now();
    this.#doors.stopAccepting();
    this.#answers.begin(times, callback);
  }

  abandonCalls(): void {
    this.#answers.end();
    this.#parts.router.stopAccepting();
    this.#parts.fleet.abandonCalls();
  }

  async stopServers(times: StopTimes): Promise<void> {
    await this.#parts.fleet.stopServers(times);
    await this.#parts.processes.endStragglers(STRAGGLER_TERM_MS);
  }

  signalAll(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#parts.fleet.killServers((group) => this.#parts.processes.signal(group, signal));
  }

  get held(): boolean {
    return isThreadHeld() || this.#parts.lookups.busy || this.#options.logFile?.held === true;
  }

  async close(reason: string): Promise<void> {
    const { log, logFile } = this.#options;
    this.#clientWait.end();
    for (const timer of this.#timers) clearInterval(timer);
    this.#sharing.close();
    this.#heartbeat.stop();
    this.#publishing.close();
    await closeParts(this.#parts, this.#options, {
      dir: this.dir,
      sessionId: this.sessionId,
      reason,
      doors: this.#doors,
      spentMs: performance.now() - (this.#stoppingSince ?? performance.now()),
    });
    this.#guard?.release();
    tryTo('removing the run files', log, () => this.#instance.remove(this.sessionId));
    log.info({ reason }, 'stopped');
    await logFile?.close();
  }

  onChange(): void {
    this.#publishing.soon();
    this.#answers.changed();
  }

  onWriterReplaced(): void {
    this.#publishing.now();
  }

  /** Clients came or went: once stdin has ended, the gateway goes on only while there are other clients. */
  onClients(): void {
    this.onChange();
    this.#sharing.clients(this.#parts.router.clients);
    const { stdioEnded, stdioClients } = this.#doors;
    const others = this.#parts.router.clients - stdioClients;
    if (stdioEnded !== null && others === 0) this.#options.onClientGone(stdioEnded);
  }

  onClient(client: Client, capabilities: object): void {
    this.#launch(JSON.stringify(capabilities));
    this.#sharing.clientKnown(client, capabilities);
    this.#parts.fleet.openSession(client, JSON.stringify(capabilities));
  }

  onLooked(isAll: boolean): void {
    this.#clientWait.looked(isAll);
  }

  onClientGone(client: Client): void {
    this.#sharing.clientGone(client);
    this.#parts.fleet.closeSession(client);
  }

  onLogLevel(level: string, server: string | null): void {
    this.#parts.fleet.setLogLevel(level, server);
  }

  health(): string {
    return healthOf(this.#parts, this.#own());
  }

  #own(): Own {
    return {
      version: this.#options.version,
      sessionId: this.sessionId,
      startedAt: this.#startedAt,
      endpoint: this.endpoint,
      httpConnections: this.#doors.httpConnections,
      loopLagMs: this.#heartbeat.loopLagMs,
      reload: this.#reload,
      config: this.#inForce.config,
      policy: this.#inForce.policy,
    };
  }

  #launch(clientCapabilities: string): void {
    if (this.#launched || this.stopping) return;
    this.#launched = true;
    this.#parts.fleet.start(clientCapabilities);
    this.#parts.definitions.expect(this.#inForce.config.servers);
  }
}
