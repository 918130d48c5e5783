/**
 * `rea doctor`: looks at the machine and the project, starts each accepted server once as a gateway would, and says
 * what is wrong, why, and what mends it. Needs no gateway, disturbs none that runs, and leaves nothing behind.
 */
import { asciiJson, oneLine } from '../../shared/text/clean-text.ts';
import { loadConfig } from '../config/load.ts';
import { checkedPolicy } from '../config/policy.ts';
import { problemLines } from '../config/problem.ts';
import { diagnose } from '../doctor/diagnose.ts';
import { askedOf, placeOf } from '../doctor/look.ts';
import { doctorPage } from '../doctor/page.ts';
import { MOST_JOBS } from '../option-values.ts';
import { defaultStartLimit } from '../servers/start-tickets.ts';
import { paintFor } from '../status/colours.ts';
import { widthOf } from '../status/width.ts';
import { version } from '../version.ts';
import { unknownServer } from './unknown-server.ts';

export interface DoctorOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly config?: string;
  /** Absolute. */
  readonly stateDir?: string;
  readonly trustConfig: boolean;
  /** Only these servers; none: all. */
  readonly servers: readonly string[];
  /** Servers at the same time. @default one for each core, 2 to 32 */
  readonly jobs?: number;
  readonly json: boolean;
  /** Where nothing was accepted yet, start what is configured all the same. */
  readonly start: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WriteStream;
}

const EXIT_USAGE = 2;
/** As of a program that SIGINT has ended. */
const EXIT_INTERRUPTED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Resolves with the exit code: 0 nothing to mend, 1 findings, 2 bad usage or configuration. */
export async function runDoctor(options: DoctorOptions): Promise<number> {
  const { cwd, env, stdout, stderr, trustConfig, config: file } = options;
  const refuse = (lines: readonly string[]) => {
    for (const line of lines) stderr.write(`${oneLine(line)}\n`);
    return EXIT_USAGE;
  };
  // No process groups and no signals there, as for rea serve.
  if (process.platform === 'win32') {
    return refuse(['rea doctor does not run on Windows; run it under WSL']);
  }
  const files = { cwd, env, trustConfig };
  const loaded = loadConfig({ ...files, ...(file === undefined ? {} : { file }) });
  if (!loaded.ok) return refuse(problemLines(loaded.problems));
  const policy = checkedPolicy(files);
  if (!policy.ok) return refuse(problemLines(policy.problems));
  const unknown = unknownServer(
    options.servers,
    loaded.config.servers.map(({ name }) => name),
  );
  if (unknown !== null) return refuse([unknown]);
  const place = placeOf(options, loaded, policy.policy);
  if (typeof place === 'string') return refuse([place]);
  const { startsUnaccepted } = place;
  if (startsUnaccepted !== null) {
    for (const { name } of askedOf(place.config.servers, options.servers)) {
      stderr.write(`${oneLine(`starts ${name}, not accepted yet: ${startsUnaccepted(name)}`)}\n`);
    }
  }

  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const progress = stderr.isTTY ? stderr : null;
  try {
    const report = await diagnose(place, {
      ...options,
      jobs: options.jobs ?? Math.min(MOST_JOBS, defaultStartLimit()),
      version: version(),
      signal: interrupted.signal,
      onProgress: (text) => progress?.write(`\r\u001b[K${text}`),
    });
    progress?.write('\r\u001b[K');
    if (interrupted.signal.aborted) {
      stderr.write('interrupted: what was started has ended\n');
      return EXIT_INTERRUPTED;
    }
    const isTerminal = 'isTTY' in stdout && stdout.isTTY === true;
    const text = options.json
      ? `${asciiJson(report, 2)}\n`
      : doctorPage(report, widthOf(stdout, isTerminal, env), paintFor(isTerminal, env));
    await new Promise<void>((resolve) => stdout.write(text, () => resolve()));
    return report.exit_code;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}
