/** `rea serve`: runs the gateway until its client ends or a signal comes. */
import { writeSync } from 'node:fs';
import { asciiJson, oneLine } from '../../shared/text/clean-text.ts';
import { hostAndPort } from '../clients/http/address.ts';
import { type LoadResult, loadConfig } from '../config/load.ts';
import { checkedPolicy, type Policy } from '../config/policy.ts';
import { problemLines } from '../config/problem.ts';
import { CLOCKS, type Clocks, clocksOf } from '../gateway/clocks.ts';
import { Gateway } from '../gateway/gateway.ts';
import { Reload, type ReloadMode, tellWarnings } from '../gateway/reload.ts';
import { Shutdown } from '../gateway/shutdown.ts';
import { LogFile } from '../log/log-file.ts';
import { LogSecrets } from '../log-secrets.ts';
import { createLogger, type Logger } from '../logger.ts';
import { metricsPort, openMetrics } from '../metrics/metrics.ts';
import { socketDirectories } from '../operator/place.ts';
import { guardedPlaces } from '../processes/guarded-places.ts';
import {
  type PreparedState,
  prepareStateDirectory,
  type StatePlace,
} from '../processes/state-directory.ts';
import { hasTerminal } from '../terminal.ts';
import { version } from '../version.ts';
import { banner } from './banner.ts';
import { doorUsage, namedDoor, type OpenDoor, ownDoor } from './door.ts';
import { tellFirstEnforced } from './first-enforced.ts';
import { tellOthers } from './others.ts';
import { programsAtStart } from './serve-pins.ts';

export interface ServeOptions {
  /** Absolute. */
  readonly cwd: string;
  readonly config?: string;
  /** Accepts configuration files that other users can change, with a warning. */
  readonly trustConfig: boolean;
  /** `[host:]port`. */
  readonly http?: string;
  /** Bearer tokens of the HTTP clients, absolute; only with `http`. */
  readonly tokenFile?: string;
  /** No token is needed; only with `http`, on loopback. */
  readonly noToken: boolean;
  /** Further names that clients may reach it by; only with `http`. */
  readonly allowedHosts: readonly string[];
  /** From a signal to stop on, how long clients are served as before while `/readyz` says 503. */
  readonly drainDelayMs: number;
  /** The state directory, absolute. Default: the one that XDG says. */
  readonly stateDir?: string;
  /** Serve stdio as well as HTTP; without `http`, stdio is served anyway. */
  readonly stdio: boolean;
  /** Sessions share it: their relays start it, and it ends without them. No stdio, no terminal. */
  readonly detached: boolean;
  readonly graceMs: number;
  readonly reload: ReloadMode;
  /** Keep the log in a file, too. */
  readonly logFile: boolean;
}

const EXIT_CANNOT_START = 1;
const EXIT_USAGE = 2;

/** Everything that `rea serve` reads and creates before it starts anything. */
interface Prepared {
  /** Null: stdio only. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Null: no metrics. */
  readonly metricsPort: number | null;
  readonly clocks: Clocks;
  readonly loaded: Extract<LoadResult, { ok: true }>;
  /** As it is written. */
  readonly policy: Policy;
  readonly door: OpenDoor;
  readonly state: PreparedState;
  readonly place: StatePlace;
}

type Preparation =
  | { readonly ok: true; readonly prepared: Prepared }
  | { readonly ok: false; readonly lines: string | readonly string[]; readonly code: number };

/** Resolves with the exit code. */
export async function runServe(options: ServeOptions): Promise<number> {
  const preparation = prepare(options);
  if (!preparation.ok) return say(preparation.lines, preparation.code);
  const { address, clocks, loaded, door, state, place } = preparation.prepared;
  const { cwd, trustConfig } = options;
  const programs = await programsAtStart(options, preparation.prepared);
  if (!programs.ok) return say(programs.message, EXIT_CANNOT_START);
  const { policy, config, decided } = programs;
  const names = config.servers.map(({ name }) => name);
  const secrets = new LogSecrets(process.env);
  secrets.expect(loaded.config.servers);
  secrets.add(door.tokens);
  const logFile = options.logFile ? new LogFile(clocks.logRetryMs) : null;
  const log = createLogger(process.env, options.detached ? null : process.stderr, secrets, logFile);
  tellDoubts(log, preparation.prepared);
  const { reload: mode } = options;
  const { mistakes } = loaded;
  const { env } = process;
  for (const { level, line } of programs.told) log[level](line);
  const reload = new Reload({
    cwd,
    config,
    policy: preparation.prepared.policy,
    mistakes,
    mode,
    trustConfig,
    env,
    secrets,
    log,
    read: loaded,
    blocked: programs.blocked,
    pins: programs.pins,
  });
  tellWarnings(log, config, policy);
  tellFirstEnforced(cwd, state.ok ? state.dir : null, config, policy, log);
  for (const line of problemLines(mistakes.problems)) log.error(line);

  const opened = await openMetrics({
    port: preparation.prepared.metricsPort,
    servers: names,
    version: version(),
    log,
  });
  if (!opened.ok) return say(opened.message, EXIT_CANNOT_START);
  // The client may leave before the gateway has started.
  let clientGone: (reason: string) => void = () => undefined;
  const started = await Gateway.start({
    cwd,
    config,
    guarded: guardedPlaces({
      ...place,
      file: config.file,
      tokenFile: door.tokenFile,
      others: state.ok ? socketDirectories(state.dir, env) : [],
    }),
    version: version(),
    clocks,
    log,
    logFile,
    secrets,
    stdio: !options.detached && (address === null || options.stdio),
    shared: options.detached,
    http: address === null ? null : { ...address, ...door, allowedHosts: options.allowedHosts },
    stateDir: state.ok ? state.dir : null,
    metrics: opened.metrics,
    decided,
    policy,
    onClientGone: (reason) => clientGone(reason),
  });
  if (!started.ok) return say(started.message, EXIT_CANNOT_START);
  const { gateway } = started;
  const shutdown = new Shutdown(gateway, options, (error) => {
    const full = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const detail = String(secrets.hideIn(full));
    const time = new Date().toISOString();
    const line = asciiJson({ level: 'fatal', time, msg: 'uncaught error', detail });
    try {
      writeSync(
        2,
        process.stderr.isTTY ? `rea: uncaught error: ${oneLine(detail)}\n` : `${line}\n`,
      );
    } finally {
      // A client that reads no stderr does not keep it out of the file.
      logFile?.writeLast(line);
    }
  });
  clientGone = (reason) => shutdown.clientGone(reason);
  shutdown.listen();
  reload.start(gateway);
  hearHangup(shutdown, reload);
  for (const { level, line } of await programs.pinFirst()) log[level](line);
  const control = await gateway.openControl({
    reload: (server) => reload.ask(server),
    stop: () => shutdown.asked('rea stop'),
  });
  if (process.stderr.isTTY) greet(gateway, { cwd, names, door, logFile });
  const code = await shutdown.finished;
  reload.close();
  await control?.close();
  return code;
}

function tellDoubts(log: Logger, { state, clocks }: Prepared): void {
  tellOthers(log, state.ok ? state.dir : null);
  const doubt = state.ok ? state.warning : `${state.error}; this gateway keeps nothing there`;
  if (doubt !== null) log.warn(doubt);
  if (clocks !== CLOCKS)
    log.warn({ ...clocks }, 'REA_TEST_CLOCKS is set, which is for tests of rea only: unset it');
}

/** Tells a person at a terminal where the gateway is. */
function greet(
  { dir, endpoint }: Gateway,
  options: {
    readonly cwd: string;
    readonly names: readonly string[];
    readonly door: OpenDoor;
    readonly logFile: LogFile | null;
  },
): void {
  const { cwd, names: servers, door, logFile } = options;
  const facts = { version: version(), cwd, dir, servers, endpoint, token: onlyToken(door) };
  process.stderr.write(banner({ ...facts, logFile: logFile?.path ?? null }));
}

/** Reads the command line, the configuration and the state directory; the first problem ends it. */
function prepare(options: ServeOptions): Preparation {
  // No process groups and no signals there: the guarantees could not be kept.
  if (process.platform === 'win32') {
    return cannotStart('rea serve does not run on Windows; run it under WSL');
  }
  const address = options.http === undefined ? null : hostAndPort(options.http);
  if (typeof address === 'string') return { ok: false, lines: address, code: EXIT_USAGE };
  const usage = doorUsage(options);
  if (usage !== null) return { ok: false, lines: usage, code: EXIT_USAGE };
  const port = metricsPort(process.env['REA_METRICS_PORT']);
  if (typeof port === 'string') return cannotStart(port);
  const clocks = clocksOf(process.env['REA_TEST_CLOCKS']);
  if (typeof clocks === 'string') return cannotStart(clocks);
  const named = namedDoor(options);
  if (named?.ok === false) return cannotStart(named.message);
  const { cwd, trustConfig, config: file, stateDir } = options;
  const { env } = process;
  const loaded = loadConfig({ cwd, trustConfig, ...(file === undefined ? {} : { file }), env });
  if (!loaded.ok) return cannotStart(problemLines(loaded.problems));
  const policy = checkedPolicy({ cwd, trustConfig, env });
  if (!policy.ok) return cannotStart(problemLines(policy.problems));
  const place = { cwd, env, ...(stateDir === undefined ? {} : { chosen: stateDir }) };
  const state = prepareStateDirectory(place);
  const opening = named ?? ownDoor(state);
  if (!opening.ok) return cannotStart(opening.message);
  const { door } = opening;
  const prepared = {
    address,
    metricsPort: port,
    clocks,
    loaded,
    policy: policy.policy,
    door,
    state,
    place,
  };
  return { ok: true, prepared };
}

function cannotStart(lines: string | readonly string[]): Preparation {
  return { ok: false, lines, code: EXIT_CANNOT_START };
}

/** SIGHUP is a closed terminal if there was one at the start and is none now, else a request to reload. */
function hearHangup(shutdown: Shutdown, reload: Reload): void {
  const hadTerminal = hasTerminal();
  process.on('SIGHUP', () => {
    if (hadTerminal && !hasTerminal()) shutdown.terminalGone();
    else reload.takeAll();
  });
}

/** The token to show; null when there is none, or several. */
function onlyToken({ tokens }: OpenDoor): string | null {
  const [token, ...others] = tokens;
  return token === undefined || others.length > 0 ? null : token;
}

function say(lines: string | readonly string[], code: number): number {
  for (const line of [lines].flat()) process.stderr.write(`${oneLine(line)}\n`);
  return code;
}
