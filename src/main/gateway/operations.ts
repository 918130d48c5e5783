/** What an operator sees of a gateway and does to it: the gateway's side of the control socket. */
import type { Call } from '../calls/call.ts';
import type { EndedCall } from '../calls/seen-calls.ts';
import { ruleLines } from '../catalog/rule-lines.ts';
import type { Difference } from '../config/difference.ts';
import type {
  CallView,
  GivenRules,
  LaneView,
  Operable,
  Reloaded,
  ServerView,
  ToolPlace,
} from '../operator/operable.ts';
import { clearHalt, setHalt } from '../processes/halt-file.ts';
import { Server } from '../servers/server.ts';
import type { GatewayOptions } from './options.ts';
import type { Parts } from './parts.ts';
import { settingLines } from './settings.ts';
import { factsOf, type Own } from './shown.ts';

/** What only the one who started the gateway can do. */
export interface OperatorHooks {
  /** @param server the one whose new program is taken; null: all. */
  readonly reload: (server: string | null) => Promise<Reloaded>;
  readonly stop: () => void;
}

export interface OperationsOptions
  extends Pick<GatewayOptions, 'secrets' | 'logFile' | 'cwd'>,
    OperatorHooks {
  readonly parts: Parts;
  /** Absolute path of `.rea`. */
  readonly dir: string;
  readonly own: () => Own;
  readonly isStopping: () => boolean;
}

const MOST_CALLS = 1000;
const decoder = new TextDecoder();

export class Operations implements Operable {
  readonly sessionId: string;
  readonly version: string;
  readonly #options: OperationsOptions;
  /** Numbered when they are looked at first. */
  readonly #copies = new WeakMap<Server, number>();
  #lastCopy = 0;

  constructor(options: OperationsOptions) {
    const { sessionId, version } = options.own();
    this.sessionId = sessionId;
    this.version = version;
    this.#options = options;
  }

  get stopping(): boolean {
    return this.#options.isStopping();
  }

  get halted(): boolean {
    return this.#options.parts.halt.active().active;
  }

  get configFile(): string {
    return this.#options.own().config.file;
  }

  get logFile(): string | null {
    return this.#options.logFile?.path ?? null;
  }

  status(): object {
    const { parts, own, secrets } = this.#options;
    const { servers: _lanes, ...facts } = factsOf(parts, own(), secrets);
    return { ...facts, started_at: own().startedAt, servers: this.servers() };
  }

  servers(): ServerView[] {
    const { parts, own } = this.#options;
    const { config } = own();
    const all = parts.fleet.all();
    const leaving = parts.fleet.retiring.leaving();
    const on = new Set(config.servers.map(({ name }) => name));
    const off = config.reserved.map(({ server }) => server).filter((name) => !on.has(name));
    // One that was removed is still shown while its calls end.
    const known = new Set([...on, ...off]);
    const left = leaving.map((lane) => lane.config.name).filter((name) => !known.has(name));
    const view = (name: string): ServerView => ({
      name,
      state: on.has(name) ? 'on' : 'off',
      lazy: config.servers.find((one) => one.name === name)?.start === 'lazy',
      lanes: all
        .filter((server) => server.config.name === name)
        .map((lane) => this.#laneView(lane)),
      leaving: leaving.filter((lane) => lane.config.name === name).length,
      leaving_calls: leaving
        .filter((lane) => lane.config.name === name)
        .reduce((sum, lane) => sum + lane.server.inFlight, 0),
      tools: parts.catalogs.shared.toolsCount(name),
    });
    return [...new Set([...known, ...left])].map(view);
  }

  calls(): CallView[] {
    const now = performance.now();
    const views: CallView[] = [];
    for (const call of this.#options.parts.calls.all()) {
      if (views.length === MOST_CALLS) break;
      views.push(callView(call, now));
    }
    return views;
  }

  tools(): { json: Uint8Array; places: ToolPlace[] } {
    const { shared } = this.#options.parts.catalogs;
    const places: ToolPlace[] = [];
    for (const [exposed, { server, keyRaw }] of shared.toolTargets()) {
      places.push([exposed, server, decoder.decode(keyRaw)]);
    }
    return { json: shared.list('tools'), places };
  }

  watchCalls(take: (call: EndedCall) => void): () => void {
    return this.#options.parts.seen.watch(take);
  }

  get givenRules(): GivenRules | null {
    const { own, secrets } = this.#options;
    const { showArguments, redact } = own().policy;
    if (!showArguments) return null;
    return { hide: (text) => secrets.redacted(text), patterns: redact.patterns };
  }

  get asksOpen(): number {
    return this.#options.parts.router.approvals.open;
  }

  rules(exposed: string): readonly string[] | null {
    const { parts, own } = this.#options;
    const target = parts.catalogs.shared.target('tools', exposed);
    if (target === null) return null;
    const server = own().config.servers.find(({ name }) => name === target.server);
    return server === undefined ? null : ruleLines(target.entry, server);
  }

  settings(): readonly string[] {
    const { config, policy } = this.#options.own();
    return settingLines(config, policy);
  }

  restart(name: string, now: boolean): string | null {
    const { parts, own } = this.#options;
    const { config } = own();
    const { fleet, audit } = parts;
    const server = config.servers.find((one) => one.name === name);
    if (server === undefined) return null;
    // One restart is under way: there is nothing to replace yet.
    if (!fleet.retiring.leaving().some((lane) => lane.config.name === name)) {
      const change: Difference = { added: [], removed: [], replaced: [server], adjusted: [] };
      if (fleet.isSettling(change) && !now) return 'it is just starting, and calls wait for that';
      const problem = fleet.roomProblem(config, change);
      if (problem !== null) return `the configuration ${problem}`;
      fleet.reconfigure(config, change);
      audit.event({ event: 'restart_asked', server: name, facts: { now } });
    }
    if (now) fleet.retiring.hurry(name, `server "${name}" was restarted by rea restart --now`);
    return null;
  }

  reload(server: string | null): Promise<Reloaded> {
    return this.#options.reload(server);
  }

  async setEnabled(server: string, enabled: boolean): Promise<string | null> {
    // Loaded on demand: few gateways are asked for it.
    const { editConfig } = await import('../config/edit/edit-file.ts');
    const kind = enabled ? 'enable' : 'disable';
    const edited = editConfig({ cwd: this.#options.cwd, file: this.configFile }, { kind, server });
    return edited.ok ? null : edited.message;
  }

  freeze(reason: string): boolean {
    // It is shown wherever the kill switch is.
    return setHalt(this.#options.dir, this.#options.secrets.redacted(reason));
  }

  unfreeze(): string | null {
    return clearHalt(this.#options.dir);
  }

  stop(): void {
    this.#options.stop();
  }

  #laneView(server: Server): LaneView {
    const { cause, lastRecord, record, phase } = server;
    let copy = this.#copies.get(server);
    if (copy === undefined) this.#copies.set(server, (copy = ++this.#lastCopy));
    return {
      name: server.config.lane,
      copy,
      phase,
      pid: lastRecord?.pid ?? null,
      restarts: lastRecord?.restarts ?? 0,
      circuit: record.circuit_state,
      in_flight: record.in_flight,
      queued: record.queued,
      why: cause?.why ?? null,
      action: cause?.action ?? null,
    };
  }
}

function callView(call: Call, now: number): CallView {
  const { target } = call;
  return {
    server: target instanceof Server ? target.config.name : null,
    method: call.method,
    name: call.subject?.name ?? null,
    client: call.clientName,
    waits: call.postedTo === null,
    ms: Math.round(now - call.admittedAt),
  };
}
