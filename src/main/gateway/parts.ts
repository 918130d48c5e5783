/**
 * The parts of a gateway, built and wired. Nothing is started here, and nothing decided.
 */
import { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { systemLook } from '../../shared/platform/identity.ts';
import type { StateWriterData } from '../../shared/protocol/threads.ts';
import { AuditLog } from '../audit/audit-log.ts';
import { CallTable } from '../calls/call-table.ts';
import { HaltSwitch } from '../calls/gate/halt.ts';
import { SeenCalls } from '../calls/seen-calls.ts';
import { Announcements } from '../catalog/announcements.ts';
import { Catalogs } from '../catalog/catalogs.ts';
import { HeldUris } from '../catalog/held-uris.ts';
import { Profiles } from '../catalog/profiles.ts';
import { Logins } from '../logins/logins.ts';
import { createGroupsFile } from '../processes/groups.ts';
import type { Looks } from '../processes/guarded-places.ts';
import { readLastUse } from '../processes/instance.ts';
import { LauncherProcess } from '../processes/launcher-process.ts';
import { startPriorityQueue } from '../processes/priority/priority-queue.ts';
import { type ClientEvents, Router } from '../routing/router.ts';
import { ServerMessages } from '../routing/server-messages.ts';
import { creditLimits, roomFor } from '../servers/capacity.ts';
import { Fleet } from '../servers/fleet.ts';
import { Offenders } from '../servers/offenders.ts';
import { defaultStartLimit } from '../servers/start-tickets.ts';
import { StateWriterThread } from '../threads/state-writer-thread.ts';
import { workerEntry } from '../threads/worker-entry.ts';
import { Definitions } from './definitions.ts';
import type { GatewayOptions } from './options.ts';
import { ServerProcesses } from './server-processes.ts';

/** Events and questions of the parts, for the gateway. */
export interface GatewayEvents extends ClientEvents {
  /** Something in the state file has changed. */
  onChange(): void;
  /** A new thread writes the state file: it has to be told everything again. */
  onWriterReplaced(): void;
  /** Nothing that is logged or shown may hold these from now on. @param server whose they are. */
  onSecrets(server: string, secrets: readonly string[]): void;
  /** JSON text of the health tool's result. */
  health(): string;
}

export interface PartsOptions extends GatewayOptions {
  /** Absolute path of `.rea`. */
  readonly dir: string;
  readonly sessionId: string;
  readonly startedAt: string;
  readonly identity: ProcessIdentity;
  /** Main's heartbeats, shared with the state writer. */
  readonly beats: SharedArrayBuffer;
  /** What threads share for looking at paths. */
  readonly looks: Looks;
  /** No server starts before this resolves. */
  readonly startsAfter: Promise<void>;
}

export type Parts = ReturnType<typeof buildParts>;

/** @throws the system's error when a file of the gateway cannot be made. */
export function buildParts(options: PartsOptions, events: GatewayEvents) {
  const { dir, config, log, metrics } = options;
  const look = systemLook();
  const halt = new HaltSwitch(dir, () => performance.now());
  const halted = () => halt.active();
  const calls = new CallTable();
  const announcements = new Announcements((catalog, method) =>
    router.fanOut.announce(catalog, method),
  );
  const held = new HeldUris((fact) => writer.tell(fact));
  const catalogs = new Catalogs({
    servers: config.servers,
    reserved: config.reserved,
    listWaitMs: config.listWaitMs,
    onChange: (catalog, kind) => announcements.add(catalog, kind),
    onCollision: (server, message) => log.warn({ server }, message),
    onHeld: (kind, uris) => held.set(kind, uris),
  });
  const profiles = new Profiles(config.servers);
  const credit = ByteCredit.create(roomFor(config), creditLimits(config));
  const { slots: lookups, known: knownPlaces } = options.looks;
  const priorities = startPriorityQueue(log, look);
  const launcher = new LauncherProcess(workerEntry('launcher'), log);
  const audit = new AuditLog({
    policy: options.policy.audit,
    level: options.policy.autonomyLevel,
    data: {
      dir,
      stateDir: options.stateDir,
      sessionId: options.sessionId,
      bootId: options.identity.boot_id,
      gatewayVersion: options.version,
    },
    secrets: options.secrets,
    probeMs: options.clocks.probeMs,
    log,
    onWritten: (records, syncMs) => metrics.observer.audited(records, syncMs),
    onChange: () => events.onChange(),
  });
  options.secrets.tell((values) => audit.hide(values));
  const seen = new SeenCalls(audit);
  const definitions: Definitions = new Definitions(options, options.policy.pins.definitions, {
    audit,
    catalogs,
    fleet: () => fleet,
    onHeld: () => {
      profiles.tell('definitions', definitions.notes());
      router.reconsider();
      events.onChange();
    },
  });
  const writer: StateWriterThread = new StateWriterThread({
    probeMs: options.clocks.probeMs,
    data: writerData(options),
    log,
    onOwnership: (owner, detail) => {
      audit.setOwner(owner);
      log.info({ owner, detail }, owner ? 'owns the state file' : 'does not own the state file');
    },
    onUsage: (usage) => fleet.used(usage),
    onStarvation: (starvation) => {
      metrics.observer.starved();
      fleet.starved(starvation);
    },
    onReplaced: () => {
      fleet.reconnectFacts();
      held.retell();
      events.onWriterReplaced();
    },
  });
  const logins = new Logins({
    stateDir: options.stateDir,
    log,
    onSecrets: (server, secrets) => events.onSecrets(server, secrets),
    stillMs: options.clocks.turnMs,
  });
  const offenders = new Offenders((fact) => writer.tell(fact));
  const processes = new ServerProcesses({ ...options, look, session: options.sessionId });
  const fleet: Fleet = new Fleet({
    ...options,
    calls,
    catalogs,
    definitions: definitions.pins,
    logins,
    credit,
    lookups,
    knownPlaces,
    priorities,
    launcher,
    halted,
    stateWriter: writer,
    secrets: {
      learn: (server, secrets) => events.onSecrets(server, secrets),
      former: () => options.secrets.former(),
    },
    observer: metrics.observer,
    audit: seen,
    startLimit: defaultStartLimit(),
    usedBefore: readLastUse(dir),
    offenders,
    groupsFile: createGroupsFile(dir, options.sessionId, options.identity),
    gatewayVersion: options.version,
    endGroup: (group, lane) => processes.end(group, lane),
    onChange: () => events.onChange(),
  });
  const router: Router = new Router({
    catalogs,
    profiles,
    calls,
    servers: fleet,
    version: options.version,
    observer: metrics.observer,
    audit: seen,
    halted,
    waitingMs: options.clocks.waitingMs,
    health: () => events.health(),
    hide: (text) => options.secrets.redacted(text),
    events,
  });
  fleet.listen(new ServerMessages(router, profiles));
  return {
    halt,
    calls,
    announcements,
    held,
    catalogs,
    definitions,
    profiles,
    credit,
    lookups,
    priorities,
    launcher,
    logins,
    processes,
    audit,
    seen,
    writer,
    fleet,
    offenders,
    router,
  };
}

function writerData(
  options: PartsOptions,
): Omit<StateWriterData, 'kind' | 'controlPort' | 'nonce'> {
  const { dir, sessionId, startedAt, identity, clocks, beats, config } = options;
  return {
    dir,
    sessionId,
    startedAt,
    identity,
    gatewayVersion: options.version,
    metricsPort: options.metrics.port,
    servers: config.servers.map(({ name }) => name),
    heartbeatMs: clocks.heartbeatMs,
    mainBeats: beats,
    seq: 0,
  };
}
