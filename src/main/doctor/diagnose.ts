/** One run of `rea doctor`: the checks, then the servers, then what is asked of addresses. */
import type { ServerConfig } from '../../shared/model/config.ts';
import { IDLE } from '../../shared/model/idle.ts';
import { LogSecrets } from '../log-secrets.ts';
import { createLogger } from '../logger.ts';
import { Logins } from '../logins/logins.ts';
import { guardedPlaces } from '../processes/guarded-places.ts';
import { CHECKS } from './checks.ts';
import { type Finding, finding } from './finding.ts';
import { askedOf } from './look.ts';
import type { Place } from './place.ts';
import { type DoctorReport, notStarted, reportOf, serverReport } from './report.ts';
import { oauthChallenge } from './servers/challenge.ts';
import { examine } from './servers/examine.ts';
import type { Examined } from './servers/examined.ts';
import { findingsOf, troubleOf } from './servers/findings.ts';
import { openGround } from './servers/ground.ts';
import { offersOf } from './servers/offers.ts';

export interface DiagnoseOptions {
  /** Only these servers; none: all. */
  readonly servers: readonly string[];
  readonly jobs: number;
  readonly version: string;
  readonly signal: AbortSignal;
  /** One line about what is going on. */
  readonly onProgress: (text: string) => void;
}

export async function diagnose(place: Place, options: DiagnoseOptions): Promise<DoctorReport> {
  options.onProgress('looking at the machine');
  const { servers: asked } = options;
  const all = askedOf(place.config.servers, asked);
  const looked = { ...place, config: { ...place.config, servers: all } };
  const findings: Finding[] = (
    await Promise.all(CHECKS.map(async (check) => check(looked)))
  ).flat();
  for (const { name, blocked } of all) findings.push(...blockedFinding(name, blocked));
  const secrets = new LogSecrets(place.env);
  secrets.expect(place.loaded.config.servers);
  const started = await startAll(place, options, all, secrets);
  findings.push(...started.findings);
  const { examined } = started;
  const offers = offersOf(place.config, examined);
  for (const one of examined) {
    findings.push(...findingsOf(one, offers.get(one.server.name) ?? null));
  }
  if (!options.signal.aborted) findings.push(...(await oauthFindings(examined)));
  const byName = new Map(examined.map((one) => [one.server.name, one]));
  const report = reportOf({
    version: options.version,
    cwd: place.cwd,
    gateways: place.gateways,
    servers: all.map(({ name, endpoint }) => {
      const one = byName.get(name);
      if (one === undefined) return notStarted(name, endpoint !== null);
      return serverReport(one, offers.get(name) ?? null);
    }),
    findings,
  });
  // What servers say was redacted in their threads; what is said about names and lists was not.
  return { ...report, findings: report.findings.map((one) => secrets.hideIn(one) as Finding) };
}

/** For a token that is just being renewed. */
const CLOSE_MS = 5000;

async function startAll(
  place: Place,
  options: DiagnoseOptions,
  all: readonly ServerConfig[],
  secrets: LogSecrets,
): Promise<{ readonly examined: readonly Examined[]; readonly findings: readonly Finding[] }> {
  if (place.pinsProblem !== null) {
    return { examined: [], findings: [finding('pins', null, place.pinsProblem)] };
  }
  const servers = all.filter(({ blocked }) => blocked === null);
  if (servers.length === 0) return { examined: [], findings: [] };
  const isTold = place.env['REA_LOG_LEVEL'] === 'debug';
  const log = createLogger(place.env, isTold ? process.stderr : null, secrets);
  const logins = new Logins({
    stateDir: place.stateDir,
    log,
    onSecrets: (server, learned) => secrets.learn(server, learned),
  });
  const ground = openGround({
    config: place.config,
    jobs: Math.min(options.jobs, servers.length),
    guarded: guardedPlaces({
      ...place.statePlace,
      file: place.config.file,
      tokenFile: null,
      others: [],
    }),
    version: options.version,
    log,
    logins,
    secrets,
  });
  if (typeof ground === 'string') {
    return { examined: [], findings: [finding('no_start', null, ground)] };
  }
  try {
    const { signal } = options;
    const onProgress = (done: number, running: readonly string[]) => {
      options.onProgress(
        `${done} of ${servers.length} looked at; ${running.join(', ')}`.slice(0, 79),
      );
    };
    return { examined: await examine({ servers, ground, signal, onProgress }), findings: [] };
  } finally {
    await logins.close(CLOSE_MS);
    await ground.clear();
  }
}

/** In the words of the gateway that does not start it. */
function blockedFinding(name: string, why: string | null): Finding[] {
  if (why === null) return [];
  const trouble = troubleOf(name, { ...IDLE, phase: 'blocked', last_error: why });
  return trouble === null ? [] : [trouble];
}

async function oauthFindings(examined: readonly Examined[]): Promise<Finding[]> {
  const refused = examined.filter(({ server, serves, record }) => {
    return (
      !serves && server.endpoint?.oauth === null && record.last_error?.includes('HTTP 401') === true
    );
  });
  const asked = refused.map(async ({ server: { name, endpoint } }) => {
    const challenge = endpoint === null ? null : await oauthChallenge(endpoint.url);
    return challenge === null ? [] : [finding('oauth', name, challenge, name)];
  });
  return (await Promise.all(asked)).flat();
}
