/**
 * Reads the configuration again while the gateway runs: when one of its files has become different, and
 * when it is asked to. What is valid is put in force as a whole; of what is not every problem is told,
 * and nothing changes. Reading and putting in force is one step, so that reloads never meet.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayConfig } from '../shared/model/config.ts';
import { loadConfig } from './config/load.ts';
import { loadPolicy, type Policy, unenforcedRules } from './config/policy.ts';
import { formatProblem, type Problem } from './config/problem.ts';
import { displayName } from './config/read-file.ts';
import { FileWatch } from './config/watch.ts';
import type { Logger } from './logger.ts';

export interface ReloadOptions {
  /** Absolute. */
  readonly cwd: string;
  /** The file that the configuration in force was read from; absolute. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
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
}

const AGAIN_MS = 100;

type Loaded =
  | { readonly ok: true; readonly config: GatewayConfig; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export class Reload {
  readonly #options: ReloadOptions;
  readonly #watch: FileWatch;
  #gateway: Reconfigurable | null = null;
  #again: NodeJS.Timeout | null = null;

  /** From now on changes are seen; they wait for `start`. */
  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#watch = new FileWatch({
      files: [options.file, join(options.cwd, '.rea', 'policy.yaml')],
      onChange: () => this.request('a file has changed'),
    });
  }

  start(gateway: Reconfigurable): void {
    this.#gateway = gateway;
    this.#watch.start();
  }

  /** @param why in words. */
  request(why: string): void {
    if (this.#gateway === null || this.#gateway.stopping) return;
    this.#options.log.info({ why }, 'reading the configuration again');
    this.#apply();
  }

  close(): void {
    this.#watch.close();
    if (this.#again !== null) clearTimeout(this.#again);
  }

  #apply(): void {
    if (this.#again !== null) clearTimeout(this.#again);
    if (this.#gateway === null || this.#gateway.stopping) return;
    const { log, file, cwd } = this.#options;
    this.#watch.acknowledge();
    const loaded = this.#load();
    if (!loaded.ok) return this.#refuse(loaded.problems.map(formatProblem));
    const { config, policy } = loaded;
    const result = this.#gateway.reconfigure(config, policy.exposeDiagnostics);
    switch (result.kind) {
      case 'done':
        return tellWarnings(log, config, policy);
      case 'refused':
        return this.#refuse([`${displayName(file, cwd)}: ${result.problem}`]);
      case 'later':
        this.#again = setTimeout(() => this.#apply(), AGAIN_MS).unref();
    }
  }

  #load(): Loaded {
    const { cwd, file, env } = this.#options;
    const loaded = existsSync(file)
      ? loadConfig({ cwd, file, env })
      : { ok: false as const, problems: [gone(displayName(file, cwd))] };
    const policy = loadPolicy({ cwd });
    if (loaded.ok && policy.ok) return { ok: true, config: loaded.config, policy: policy.policy };
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
  for (const warning of [...config.warnings, ...policy.warnings]) log.warn(warning);
  const unenforced = unenforcedRules(policy);
  if (unenforced.length > 0) {
    log.warn(`policy.yaml: not enforced by this version: ${unenforced.join(', ')}`);
  }
}

function gone(shown: string): Problem {
  const fix = 'put it back; it is read as soon as it is there';
  return { file: shown, line: null, path: '', message: 'is gone', fix };
}
