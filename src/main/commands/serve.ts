/** `rea serve`: runs the gateway until its client goes or a signal comes. */
import { writeSync } from 'node:fs';
import { asciiJson, oneLine } from '../../shared/text/clean-text.ts';
import { hostAndPort } from '../clients/http/address.ts';
import { loadConfig } from '../config/load.ts';
import { loadPolicy } from '../config/policy.ts';
import { problemLines } from '../config/problem.ts';
import { Gateway } from '../gateway/gateway.ts';
import { Reload, type ReloadMode, tellWarnings } from '../gateway/reload.ts';
import { Shutdown } from '../gateway/shutdown.ts';
import { LogSecrets } from '../log-secrets.ts';
import { createLogger } from '../logger.ts';
import { metricsPort, openMetrics } from '../metrics/metrics.ts';
import { guardedPlaces } from '../processes/guarded-places.ts';
import { prepareStateDirectory } from '../processes/state-directory.ts';
import { hasTerminal } from '../terminal.ts';
import { version } from '../version.ts';
import { banner } from './banner.ts';
import { doorUsage, namedDoor, ownDoor } from './door.ts';

export interface ServeOptions {
  /** Absolute. */
  readonly cwd: string;
  readonly config?: string;
  /** Serves from files that others can change, with a warning. */
  readonly trustConfig: boolean;
  /** `[host:]port`. */
  readonly http?: string;
  /** Bearer tokens of the HTTP clients, absolute; only with `http`. */
  readonly tokenFile?: string;
  /** Nobody needs a token; only with `http`, on loopback. */
  readonly noToken: boolean;
  /** Where the gateway keeps what is its own, absolute, instead of the place that XDG gives it. */
  readonly stateDir?: string;
  /** Serve stdio as well as HTTP; without `http`, stdio is served anyway. */
  readonly stdio: boolean;
  readonly graceMs: number;
  readonly reload: ReloadMode;
}

const EXIT_CANNOT_START = 1;
const EXIT_USAGE = 2;

/** Resolves with the exit code. */
export async function runServe(options: ServeOptions): Promise<number> {
  // No process groups and no signals there: the guarantees could not be kept.
  if (process.platform === 'win32') {
    return say('rea serve does not run on Windows; run it under WSL', EXIT_CANNOT_START);
  }
  const address = options.http === undefined ? null : hostAndPort(options.http);
  if (typeof address === 'string') return say(address, EXIT_USAGE);
  const usage = doorUsage(options);
  if (usage !== null) return say(usage, EXIT_USAGE);
  const port = metricsPort(process.env['REA_METRICS_PORT']);
  if (typeof port === 'string') return say(port, EXIT_CANNOT_START);
  const named = namedDoor(options);
  if (named?.ok === false) return say(named.message, EXIT_CANNOT_START);
  const { cwd, trustConfig } = options;
  const loaded = loadConfig({
    cwd,
    trustConfig,
    ...(options.config === undefined ? {} : { file: options.config }),
    env: process.env,
  });
  if (!loaded.ok) return say(problemLines(loaded.problems), EXIT_CANNOT_START);
  const policy = loadPolicy({ cwd, trustConfig });
  if (!policy.ok) return say(problemLines(policy.problems), EXIT_CANNOT_START);
  const place = {
    cwd,
    env: process.env,
    ...(options.stateDir === undefined ? {} : { chosen: options.stateDir }),
  };
  const state = prepareStateDirectory(place);
  const opening = named ?? ownDoor(state);
  if (!opening.ok) return say(opening.message, EXIT_CANNOT_START);
  const { door } = opening;
  const secrets = new LogSecrets(process.env);
  secrets.expect(loaded.config.servers);
  secrets.add(door.tokens);
  const log = createLogger(process.env, process.stderr, secrets);
  const doubt = state.ok ? state.warning : `${state.error}; this gateway keeps nothing there`;
  if (doubt !== null) log.warn(doubt);
  const { config } = loaded;
  const reload = new Reload({
    cwd,
    config,
    mode: options.reload,
    trustConfig,
    env: process.env,
    secrets,
    log,
  });
  tellWarnings(log, loaded.config, policy.policy);

  const opened = await openMetrics({
    port,
    servers: loaded.config.servers.map(({ name }) => name),
    version: version(),
    log,
  });
  if (!opened.ok) return say(opened.message, EXIT_CANNOT_START);
  const stdio = address === null || options.stdio;
  // The client can be gone before the gateway stands.
  let clientGone: (reason: string) => void = () => undefined;
  const started = await Gateway.start({
    cwd: options.cwd,
    config: loaded.config,
    guarded: guardedPlaces({ ...place, file: loaded.config.file }),
    version: version(),
    log,
    secrets,
    stdio,
    http: address === null ? null : { ...address, ...door },
    stateDir: state.ok ? state.dir : null,
    metrics: opened.metrics,
    exposeDiagnostics: policy.policy.exposeDiagnostics,
    onClientGone: (reason) => clientGone(reason),
  });
  if (!started.ok) return say(started.message, EXIT_CANNOT_START);
  const { gateway } = started;
  const shutdown = new Shutdown(gateway, options.graceMs, (error) => {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    writeSync(2, `${asciiJson({ level: 'fatal', msg: 'uncaught error', detail })}\n`);
  });
  clientGone = (reason) => shutdown.clientGone(reason);
  shutdown.listen();
  reload.start(gateway);
  // A terminal that is closed and a person who asks for a reload send the same signal.
  const hadTerminal = hasTerminal();
  process.on('SIGHUP', () => {
    if (hadTerminal && !hasTerminal()) shutdown.terminalGone();
    else reload.takeAll();
  });
  if (process.stderr.isTTY) {
    const [token, ...others] = door.tokens;
    const facts = {
      version: version(),
      cwd: options.cwd,
      dir: gateway.dir,
      servers: loaded.config.servers.map(({ name }) => name),
      endpoint: gateway.endpoint,
      token: token === undefined || others.length > 0 ? null : token,
    };
    process.stderr.write(banner(facts));
  }
  const code = await shutdown.finished;
  reload.close();
  return code;
}

function say(lines: string | readonly string[], code: number): number {
  for (const line of [lines].flat()) process.stderr.write(`${oneLine(line)}\n`);
  return code;
}
