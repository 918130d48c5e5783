/**
 * Reads the configuration again while the gateway runs: when one of its files has become different, and
 * when a person asks for it. What is valid is put in force, apart from programs and addresses that are
 * new to this run: a changed file alone starts none. Of what is not valid every problem is told, and
 * nothing changes. Reading and putting in force is one step, so that reloads never meet.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { ReloadRecord } from '../../shared/model/snapshot.ts';
import { loadConfig } from '../config/load.ts';
import { loadPolicy, type Policy, unenforcedRules } from '../config/policy.ts';
import { type Problem, problemLines, warningLines } from '../config/problem.ts';
import { displayName } from '../config/read-file.ts';
import { FileWatch } from '../config/watch.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { Logger } from '../logger.ts';
import { type Read, Waiting } from './reload-waiting.ts';

/** `auto`: everything at once. `off`: nothing before a person asks for it, files are not looked at. */
export type ReloadMode = 'auto' | 'ask' | 'off';

/** Who wants the configuration to be read. */
type By = 'file' | 'person';

export interface ReloadOptions {
  /** Absolute. */
  readonly cwd: string;
  /** What the gateway starts with; its file is the one that is read again. */
  readonly config: GatewayConfig;
  readonly mode: ReloadMode;
  /** Whether files are used that others can change, as at the start. */
  readonly trustConfig: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** Of all servers that are put in force. */
  readonly secrets: LogSecrets;
  readonly log: Logger;
}

export type Reconfigured =
  | { readonly kind: 'done' }
  /** One line that says why it cannot be. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** Another change has to be complete first. */
  | { readonly kind: 'later' };

/** What a configuration is put in force at. */
export interface Reconfigurable {
  /** Nothing is put in force any more. */
  readonly stopping: boolean;
  reconfigure(config: GatewayConfig, exposeDiagnostics: boolean): Reconfigured;
  showReload(record: ReloadRecord): void;
}

const AGAIN_MS = 100;

type Loaded =
  | ({ readonly ok: true; readonly policy: Policy } & Read)
  | { readonly ok: false; readonly problems: readonly Problem[] };

export class Reload {
  readonly #options: ReloadOptions;
  readonly #watch: FileWatch;
  readonly #waiting: Waiting;
  #inForce: GatewayConfig;
  #gateway: Reconfigurable | null = null;
  #again: NodeJS.Timeout | null = null;

  /** From now on changes are seen; they wait for `start`. */
  constructor(options: ReloadOptions) {
    const { config, cwd, env, log, secrets } = options;
    this.#options = options;
    this.#inForce = config;
    const shown = displayName(config.file, cwd);
    this.#waiting = new Waiting({ config, shown, secrets, env, log });
    this.#watch = new FileWatch({
      files: [config.file, join(cwd, '.rea', 'policy.yaml')],
      onChange: () => this.#request('a file has changed', 'file'),
    });
  }

  start(gateway: Reconfigurable): void {
    this.#gateway = gateway;
    if (this.#options.mode !== 'off') this.#watch.start();
  }

  /** A person wants what the files say now, new programs too. */
  takeAll(): void {
    this.#request('SIGHUP', 'person');
  }

  close(): void {
    this.#watch.close();
    if (this.#again !== null) clearTimeout(this.#again);
  }

  /** @param why in words. */
  #request(why: string, by: By): void {
    if (this.#gateway === null || this.#gateway.stopping) return;
    const { log } = this.#options;
    log.info({ why }, 'reading the configuration again');
    if (this.#again !== null) clearTimeout(this.#again);
    this.#watch.acknowledge();
    const loaded = this.#load();
    if (loaded.ok) this.#apply(loaded, by);
    else this.#refuse(problemLines(loaded.problems));
  }

  #apply(loaded: Extract<Loaded, { ok: true }>, by: By): void {
    const gateway = this.#gateway;
    if (gateway === null || gateway.stopping) return;
    const { log, cwd, mode } = this.#options;
    const asks = mode !== 'auto';
    const takesAll = by === 'person' || !asks;
    const { config, withheld } = takesAll
      ? { config: loaded.config, withheld: [] }
      : this.#waiting.split(this.#inForce, loaded.config);
    const result = gateway.reconfigure(config, loaded.policy.exposeDiagnostics);
    if (result.kind === 'refused') {
      return this.#refuse([`${displayName(config.file, cwd)}: ${result.problem}`]);
    }
    if (by === 'person' && asks) this.#waiting.take(loaded);
    if (result.kind === 'later') {
      // Not read again by then: what a person has asked for is what was in the file.
      this.#again = setTimeout(() => this.#apply(loaded, 'file'), AGAIN_MS).unref();
      return;
    }
    this.#inForce = config;
    gateway.showReload(this.#waiting.update(withheld, loaded));
    tellWarnings(log, loaded.config, loaded.policy);
  }

  #load(): Loaded {
    const { cwd, env, mode, trustConfig } = this.#options;
    const { file } = this.#options.config;
    const loaded = existsSync(file)
      ? loadConfig({ cwd, file, trustConfig, env })
      : { ok: false as const, problems: [gone(displayName(file, cwd), mode)] };
    const policy = loadPolicy({ cwd, trustConfig });
    if (loaded.ok && policy.ok) return { ...loaded, policy: policy.policy };
    const problems = [loaded, policy].flatMap((one) => (one.ok ? [] : one.problems));
    return { ok: false, problems };
  }

  #refuse(lines: readonly string[]): void {
    const { log } = this.#options;
    for (const line of lines) log.error(line);
    log.warn('the earlier configuration stays in force');
  }
}

/** Says what was accepted and is worth knowing. */
export function tellWarnings(log: Logger, config: GatewayConfig, policy: Policy): void {
  for (const warning of warningLines([...config.warnings, ...policy.warnings])) log.warn(warning);
  const unenforced = unenforcedRules(policy);
  if (unenforced.length > 0) {
    log.warn(`policy.yaml: not enforced by this version: ${unenforced.join(', ')}`);
  }
}

function gone(shown: string, mode: ReloadMode): Problem {
  const when = mode === 'off' ? 'read at the next SIGHUP' : 'read as soon as it is there';
  const fix = `put it back; it is ${when}`;
  return { file: shown, line: null, path: '', message: 'is gone', fix };
}
