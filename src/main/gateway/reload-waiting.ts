/**
 * The programs and addresses that count as this run's, and the servers that wait because theirs is not
 * among them: each is told in the log once, and shown until a person takes it or the file changes.
 */
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { ReloadRecord, WaitingServer } from '../../shared/model/snapshot.ts';
import { Redactor } from '../../shared/text/redact.ts';
import { programText } from '../config/program-text.ts';
import {
  changedParts,
  programKey,
  type Split,
  splitByProgram,
  type Withheld,
} from '../config/programs.ts';
import { shellWord, shellWords } from '../config/shell-words.ts';
import type { Written } from '../config/written.ts';
import type { Logger } from '../logger.ts';

/** A configuration as it was read. */
export interface Read {
  readonly config: GatewayConfig;
  readonly written: ReadonlyMap<string, Written>;
}

export interface WaitingOptions {
  /** Its programs and addresses are those that this run starts with. */
  readonly config: GatewayConfig;
  /** The name of the file in messages. */
  readonly shown: string;
  readonly log: Logger;
}

/** So many are told and shown one by one. */
const MOST = 64;
const LONGEST_CHANGES = 300;
const LONGEST_LIST = 1000;

interface Entry extends WaitingServer {
  /** Differs when there is something else to decide. */
  readonly key: string;
}

export class Waiting {
  readonly #options: WaitingOptions;
  readonly #known = new Set<string>();
  #entries: readonly Entry[] = [];
  /** Those beyond `MOST`. */
  #rest: string = keyOf([]);
  #more = 0;

  constructor(options: WaitingOptions) {
    this.#options = options;
    this.#learn(options.config);
  }

  /** What of `wanted` may be put in force now. */
  split(running: GatewayConfig, wanted: GatewayConfig): Split {
    return splitByProgram(running, wanted, (key) => this.#known.has(key));
  }

  /** A person has asked for this configuration: whatever is in it is this run's from now on. */
  take({ config, written }: Read, running: GatewayConfig): void {
    const { log } = this.#options;
    const taken = config.servers.filter((server) => {
      const key = programKey(server);
      return key !== null && !this.#known.has(key);
    });
    const text = textOf(written, running);
    for (const { name } of taken.slice(0, MOST)) {
      log.info(`server "${name}" is taken at SIGHUP: ${text(name)}`);
    }
    if (taken.length > MOST) log.info(`${taken.length - MOST} more are taken at SIGHUP`);
    this.#learn(config);
  }

  /** The rest of a configuration is in force, and these wait. @returns what is shown of it. */
  update(
    withheld: readonly Withheld[],
    written: Read['written'],
    running: GatewayConfig,
  ): ReloadRecord {
    const before = new Map(this.#entries.map((entry) => [entry.key, entry]));
    const text = textOf(written, running);
    this.#entries = withheld.slice(0, MOST).map((one) => {
      const key = keyOf([one]);
      return before.get(key) ?? this.#tell(key, one, text(one.wanted.name));
    });
    this.#tellRest(withheld.slice(MOST));
    const names = new Set(withheld.map(({ wanted }) => wanted.name));
    for (const { name } of before.values()) {
      if (!names.has(name)) this.#options.log.info(`server "${name}" does not wait any longer`);
    }
    const waiting = this.#entries.map(({ name, change, what, since }) => {
      return { name, change, what, since };
    });
    return { waiting, more: this.#more };
  }

  #tell(key: string, { wanted, running, prefixOf }: Withheld, text: string): Entry {
    const { log, shown } = this.#options;
    const { name, endpoint } = wanted;
    const subject =
      running === null ? `server "${name}" waits` : `server "${name}" stays as it was`;
    const noun = endpoint === null ? 'program' : 'address';
    const parts = running === null ? [] : changedParts(running, wanted);
    const changed = shellWords(parts, 'more', LONGEST_CHANGES, shortWord);
    const differs = parts.length === 0 ? '' : `; changed: ${changed}`;
    const [why, what] =
      prefixOf === null
        ? [`its ${noun} is new to this run: ${text}${differs}`, `${text}${differs}`]
        : [`server "${prefixOf}" keeps the prefix "${wanted.prefix}" as long as it waits`, null];
    log.warn(`${shown}: ${subject}: ${why}; to take it: ${remedy()}`);
    return {
      key,
      name,
      change: running === null ? 'new' : 'changed',
      what: what ?? why,
      since: new Date().toISOString(),
    };
  }

  #tellRest(rest: readonly Withheld[]): void {
    const { log, shown } = this.#options;
    const key = keyOf(rest);
    if (rest.length > 0 && key !== this.#rest) {
      const names = rest.map(({ wanted }) => wanted.name);
      const some = shellWords(names, 'more', LONGEST_LIST, shortWord);
      log.warn(`${shown}: ${rest.length} more servers wait: ${some}; to take them: ${remedy()}`);
    }
    this.#rest = key;
    this.#more = rest.length;
  }

  #learn({ servers }: GatewayConfig): void {
    for (const server of servers) {
      const key = programKey(server);
      if (key !== null) this.#known.add(key);
    }
  }
}

function remedy(): string {
  return `kill -HUP ${process.pid}, or restart rea serve`;
}

function keyOf(withheld: readonly Withheld[]): string {
  return JSON.stringify(
    withheld.map(({ wanted, running, prefixOf }) => {
      return [wanted.name, programKey(wanted), running && programKey(running), prefixOf];
    }),
  );
}

function shortWord(text: string): string {
  return shellWord(text, 100);
}

/** What is shown of a program, without what the servers that run are given to keep. */
function textOf(written: Read['written'], { servers }: GatewayConfig): (name: string) => string {
  let redactor: Redactor | null = null;
  return (name) => {
    redactor ??= new Redactor({
      values: servers.flatMap(({ env, endpoint }) => [
        ...Object.values(env),
        ...Object.values(endpoint?.headers ?? {}),
      ]),
    });
    const program = written.get(name);
    if (program === undefined) return 'unknown';
    return programText(program, redactor.redact.bind(redactor));
  };
}
