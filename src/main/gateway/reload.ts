/**
 * Reads the configuration again when one of its files changes or a person asks for it. A valid one is put
 * in force, except programs and addresses new to this run: a changed file alone starts none. A server whose entry
 * has a mistake goes on as it is; for a file that is wrong as a whole nothing changes. All problems are logged and shown. Synchronous, so that reloads never overlap.
 */
import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { LoosenedRecord, ReloadRecord } from '../../shared/model/snapshot.ts';
import { keepRunning } from '../config/kept.ts';
import { type LoadResult, loadConfig, type Mistakes } from '../config/load.ts';
import { loosened } from '../config/loosened.ts';
import { loadPolicy, type Policy, policyFiles, withRules } from '../config/policy.ts';
import { type Problem, problemLines, warningLines } from '../config/problem.ts';
import { type Read } from '../config/program-texts.ts';
import { displayName } from '../config/read-file.ts';
import { PatternCheck } from '../config/redact-patterns.ts';
import { SameDirectories } from '../config/same-directories.ts';
import { FileWatch } from '../config/watch.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { Logger } from '../logger.ts';
import type { Reloaded } from '../operator/operable.ts';
import type { ProgramPins } from '../pins/program-pins.ts';
import { FileProblems } from './file-problems.ts';
import { PinnedPrograms } from './pinned-programs.ts';
import { Waiting } from './reload-waiting.ts';

/**
 * `auto`: all at once. `ask`: all but programs that nobody has accepted. `off`: all waits for SIGHUP, and files
 * are not watched. A program that is not pinned waits for `rea pins accept`, but for `auto` (see
 * docs/decisions/0024).
 */
export type ReloadMode = 'auto' | 'ask' | 'off';

/** The cause of a reload: a person may take all that is new, or one server's program. */
type By = 'file' | 'person' | { readonly server: string };

export interface ReloadOptions {
  /** Absolute. */
  readonly cwd: string;
  /** The configuration of the start; its file is read again. */
  readonly config: GatewayConfig;
  /** In force already. */
  readonly policy: Policy;
  /** Mistakes in single entries of it. */
  readonly mistakes: Mistakes;
  readonly mode: ReloadMode;
  /** True: files that others can change are used, as at the start. */
  readonly trustConfig: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** Of all servers that are put in force. */
  readonly secrets: LogSecrets;
  readonly log: Logger;
  /** The file of the start as it was read, and what of it is not started, with the reason by name. */
  readonly read: Pick<Config, 'config' | 'written' | 'places'>;
  readonly blocked: ReadonlyMap<string, string>;
  /** Null: there is no place to keep any. */
  readonly pins: { readonly programs: ProgramPins; readonly stateDir: string } | null;
}

export type Reconfigured =
  /** `loosened`: what is allowed now that was not before, a bounded line each. */
  | { readonly kind: 'done'; readonly loosened: readonly string[] }
  /** One line that says why it cannot be put in force. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** Another change has to be complete first. */
  | { readonly kind: 'later' };

/** The gateway, as far as a reload needs it. */
export interface Reconfigurable {
  /** True: nothing is put in force any more. */
  readonly stopping: boolean;
  reconfigure(config: GatewayConfig, policy: Policy): Reconfigured;
  showReload(record: ReloadRecord): void;
  /** Puts an act of a person into the audit log. */
  record(event: AuditEvent): void;
}

const AGAIN_MS = 100;
const LOOSENED_MS = 600_000;
/** Servers that a person is told of in one answer. */
const MOST_TOLD = 64;

type Config = Extract<LoadResult, { ok: true }>;

type Loaded =
  | ({ readonly ok: true; readonly policy: Policy } & Read & Pick<Config, 'mistakes' | 'places'>)
  | { readonly ok: false; readonly problems: readonly Problem[] };

export class Reload {
  readonly #options: ReloadOptions;
  readonly #watch: FileWatch;
  readonly #waiting: Waiting;
  readonly #directories: SameDirectories;
  readonly #pinned: PinnedPrograms | null;
  /** The files as they could be read last: applied again when programs are accepted. */
  #last: Extract<Loaded, { ok: true }>;
  #inForce: GatewayConfig;
  readonly #patterns: PatternCheck;
  /** What was read last. */
  #tried: Loaded | null = null;
  #gateway: Reconfigurable | null = null;
  #again: NodeJS.Timeout | null = null;
  readonly #problems = new FileProblems();
  #waits: Omit<ReloadRecord, 'problems'> = { waiting: [], more: 0 };
  /** The rules in force. */
  #ruled: Parameters<typeof loosened>[0];
  #loosened: LoosenedRecord | null = null;
  #forget: NodeJS.Timeout | undefined;
  /** Persons who wait for the end of a reload. */
  #asking: ((reloaded: Reloaded) => void)[] = [];
  /** What was taken since one of them was answered. */
  #taken: string | null = null;

  /** Changes count from now on; they are put in force after `start`. */
  constructor(options: ReloadOptions) {
    const { config, cwd, env, log, secrets } = options;
    this.#options = options;
    this.#inForce = config;
    this.#patterns = new PatternCheck(options.policy.redact.patterns);
    const shown = displayName(config.file, cwd);
    const { pins, mistakes, policy: written, read } = options;
    const programs = pins?.programs ?? null;
    this.#waiting = new Waiting({ config, shown, secrets, env, log, pins: programs });
    this.#last = { ok: true, ...read, mistakes, policy: written };
    this.#pinned =
      pins === null
        ? null
        : new PinnedPrograms(
            { ...pins, env, secrets, log },
            {
              onAccepted: () => this.#accepted(),
              record: (event) => this.#gateway?.record(event),
            },
          );
    this.#ruled = { policy: this.#held(written), servers: config.servers };
    const [policy, floor] = policyFiles({ cwd, env });
    const files = [config.file, policy];
    this.#directories = new SameDirectories(files);
    this.#watch = new FileWatch({
      files: [...files, floor],
      onChange: () => this.#request('a file has changed', 'file'),
    });
  }

  start(gateway: Reconfigurable): void {
    this.#gateway = gateway;
    const { blocked, mistakes, read } = this.#options;
    this.#problems.ofEntries(problemLines(mistakes.problems));
    const waiting = read.config.servers.filter(({ name }) => blocked.has(name));
    this.#waits = this.#waiting.update(
      waiting.map((wanted) => ({ wanted, running: null, prefixOf: null })),
      read,
    );
    this.#show();
    this.#pinned?.start();
    if (this.#options.mode !== 'off') this.#watch.start();
  }

  /** A person wants the present files in force, with new programs. */
  takeAll(): void {
    this.#request('SIGHUP', 'person');
  }

  /** Where nothing is read without SIGHUP, it is what was read last. */
  #accepted(): void {
    this.#show();
    if (this.#options.mode === 'off') this.#apply(this.#last, 'file');
    else this.#request('programs were accepted', 'file');
  }

  /**
   * A person wants the files in force as they are now.
   *
   * @param server the one whose program is taken if it is new, as others are not; null: all are.
   */
  ask(server: string | null): Promise<Reloaded> {
    if (this.#gateway === null || this.#gateway.stopping) {
      return Promise.resolve({ kind: 'refused', problems: ['the gateway is stopping'] });
    }
    return new Promise((resolve) => {
      this.#asking.push(resolve);
      this.#request('a command', server === null ? 'person' : { server });
    });
  }

  close(): void {
    this.#answer({ kind: 'refused', problems: ['the gateway is stopping'] });
    this.#watch.close();
    this.#pinned?.close();
    if (this.#again !== null) clearTimeout(this.#again);
    clearTimeout(this.#forget);
  }

  /** @param why for the log. */
  #request(why: string, by: By): void {
    if (this.#gateway === null || this.#gateway.stopping) return;
    const { log } = this.#options;
    log.info({ why }, 'reading the configuration again');
    if (this.#again !== null) clearTimeout(this.#again);
    this.#watch.acknowledge();
    if (by === 'person') this.#directories.accept();
    this.#tried = null;
    const loaded = this.#load();
    const another = this.#options.mode === 'ask' ? this.#directories.another() : null;
    if (another !== null) this.#refuse([this.#moved(another)]);
    else if (loaded.ok) this.#tryPatterns(loaded, by);
    else this.#refuse(problemLines(loaded.problems));
  }

  /** New patterns are tried elsewhere first; whatever is read meanwhile counts instead. */
  #tryPatterns(loaded: Extract<Loaded, { ok: true }>, by: By): void {
    this.#tried = loaded;
    const { patterns } = loaded.policy.redact;
    if (this.#patterns.areGood(patterns)) return this.#apply(loaded, by);
    void this.#patterns.problems(patterns).then((problems) => {
      if (this.#tried !== loaded) return;
      if (problems.length === 0) this.#apply(loaded, by);
      else this.#refuse(problemLines(problems));
    });
  }

  #apply(loaded: Extract<Loaded, { ok: true }>, by: By): void {
    const gateway = this.#gateway;
    if (gateway === null || gateway.stopping) return;
    const { log, cwd, mode } = this.#options;
    this.#last = loaded;
    const policy = this.#held(loaded.policy);
    const asks = mode !== 'auto' || this.#waiting.pinned;
    const takesAll = !asks || (by === 'person' && !this.#waiting.pinned);
    if (typeof by === 'object') this.#taken = this.#takeOne(loaded, by.server);
    const wanted = keepRunning(this.#inForce, loaded.config, loaded.mistakes);
    const { config: taken, withheld } = takesAll
      ? { config: wanted, withheld: [] }
      : this.#waiting.split(this.#inForce, wanted, loaded);
    // Those that go on as they are have the new rules, too.
    const config = withRules(taken, policy, loaded.places);
    const result = gateway.reconfigure(config, policy);
    if (result.kind === 'refused') {
      return this.#refuse([`${displayName(config.file, cwd)}: ${result.problem}`]);
    }
    if (by === 'person' && takesAll && asks) this.#waiting.take(loaded);
    if (result.kind === 'later') {
      this.#tighten(gateway, { ...loaded, policy });
      // Not read again by then: a person asked for the file as it was.
      this.#again = setTimeout(() => this.#apply(loaded, 'file'), AGAIN_MS).unref();
      return;
    }
    this.#inForce = config;
    this.#ruled = { policy, servers: config.servers };
    this.#pinned?.take(loaded);
    this.#tellLoosened(result.loosened);
    this.#waits = this.#waiting.update(withheld, loaded);
    const lines = problemLines(loaded.mistakes.problems);
    tellMistakes(log, lines);
    this.#problems.ofEntries(lines);
    this.#show();
    tellWarnings(log, loaded.config, policy);
    const waiting = withheld.slice(0, MOST_TOLD).map(({ wanted }) => wanted.name);
    const problems = this.#problems.record?.lines ?? [];
    this.#answer({ kind: 'done', waiting, problems, taken: this.#taken });
  }

  /** @returns the program in one line; null: it was not new. */
  #takeOne(loaded: Extract<Loaded, { ok: true }>, server: string): string | null {
    if (!this.#waiting.pinned) return this.#waiting.takeOne(loaded, server);
    return this.#pinned?.takeOne(loaded, server) ?? null;
  }

  /** The policy as far as what was accepted lets it hold. */
  #held(policy: Policy): Policy {
    return this.#pinned?.inForce(policy) ?? policy;
  }

  #answer(reloaded: Reloaded): void {
    for (const resolve of this.#asking.splice(0)) resolve(reloaded);
    this.#taken = null;
  }

  /** What is stricter does not wait for servers that are about to change. */
  #tighten(gateway: Reconfigurable, { policy, places }: Extract<Loaded, { ok: true }>): void {
    const config = withRules(this.#inForce, policy, places);
    const after = { policy, servers: config.servers };
    if (isDeepStrictEqual(this.#ruled, after) || loosened(this.#ruled, after).length > 0) return;
    if (gateway.reconfigure(config, policy).kind !== 'done') return;
    this.#inForce = config;
    this.#ruled = after;
  }

  /** Somebody else may have made the change: it is shown for a while. */
  #tellLoosened(lines: readonly string[]): void {
    if (lines.length === 0) return;
    for (const line of lines) this.#options.log.warn(`looser than before: ${line}`);
    this.#loosened = { lines, since: new Date().toISOString() };
    clearTimeout(this.#forget);
    this.#forget = setTimeout(() => {
      this.#loosened = null;
      this.#show();
    }, LOOSENED_MS).unref();
  }

  #show(): void {
    const loosened = this.#loosened === null ? {} : { loosened: this.#loosened };
    const pins = this.#pinned === null ? {} : { pins: this.#pinned.digest };
    const problems = this.#problems.record;
    this.#gateway?.showReload({ problems, ...this.#waits, ...loosened, ...pins });
  }

  #load(): Loaded {
    const { cwd, env, mode, trustConfig } = this.#options;
    const { file } = this.#options.config;
    const loaded = existsSync(file)
      ? loadConfig({ cwd, file, trustConfig, env })
      : { ok: false as const, problems: [gone(displayName(file, cwd), mode)] };
    const policy = loadPolicy({ cwd, trustConfig, env });
    if (loaded.ok && policy.ok) return { ...loaded, policy: policy.policy };
    const problems = [loaded, policy].flatMap((one) => (one.ok ? [] : one.problems));
    return { ok: false, problems };
  }

  #moved(directory: string): string {
    const shown = displayName(directory, this.#options.cwd);
    return `${shown}: is another directory than it was, and nobody has asked for what is in it; to take it: kill -HUP ${process.pid}, or restart rea serve`;
  }

  #refuse(lines: readonly string[]): void {
    const { log } = this.#options;
    for (const line of lines) log.error(line);
    log.warn('the earlier configuration stays in force');
    this.#problems.ofFile(lines);
    this.#show();
    this.#answer({ kind: 'refused', problems: this.#problems.record?.lines ?? [] });
  }
}

/** Logs mistakes in single entries of a file that was accepted. */
export function tellMistakes(log: Logger, lines: readonly string[]): void {
  for (const line of lines) log.error(line);
  if (lines.length > 0) log.warn('the servers with these mistakes are not changed; all else holds');
}

/** Logs warnings about a configuration that was accepted. */
export function tellWarnings(log: Logger, config: GatewayConfig, policy: Policy): void {
  for (const warning of warningLines([...config.warnings, ...policy.warnings])) log.warn(warning);
}

function gone(shown: string, mode: ReloadMode): Problem {
  const when = mode === 'off' ? 'read at the next SIGHUP' : 'read as soon as it is there';
  const fix = `put it back; it is ${when}`;
  return { file: shown, line: null, path: '', message: 'is gone', fix };
}
