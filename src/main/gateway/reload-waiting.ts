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

/** So many are told one by one. */
const TOLD = 20;
/** So many are in the state file. */
const MOST = 64;
const LONGEST_CHANGES = 300;
const LONGEST_LIST = 1000;

interface Entry extends WaitingServer {
  /** Differs when there is something else to decide. */
  readonly key: string;
  /** Told by itself. */
  told: boolean;
}

export class Waiting {
  readonly #options: WaitingOptions;
  readonly #known = new Set<string>();
  #entries: readonly Entry[] = [];
  /** Those that were told by name only. */
  #rest: string = keyOf([]);

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
    for (const { name } of taken.slice(0, TOLD)) {
      log.info(`server "${name}" is taken at SIGHUP: ${text(name)}`);
    }
    if (taken.length > TOLD) {
      const rest = taken.slice(TOLD);
      log.info(`${rest.length} more are taken at SIGHUP: ${someNames(rest)}`);
    }
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
    this.#entries = withheld.slice(0, MOST).map((one, at) => {
      const key = keyOf([one]);
      const entry = before.get(key) ?? entryOf(key, one, text(one.wanted.name));
      if (at < TOLD && !entry.told) this.#tell(entry, one);
      return entry;
    });
    this.#tellRest(withheld.slice(TOLD));
    const names = new Set(withheld.map(({ wanted }) => wanted.name));
    const gone = [...before.values()].filter(({ name }) => !names.has(name));
    for (const { name } of gone.slice(0, TOLD)) {
      this.#options.log.info(`server "${name}" does not wait any longer`);
    }
    if (gone.length > TOLD) {
      const rest = gone.slice(TOLD);
      this.#options.log.info(`${rest.length} more do not wait any longer: ${someNames(rest)}`);
    }
    const waiting = this.#entries.map(({ name, change, what, since }) => {
      return { name, change, what, since };
    });
    return { waiting, more: Math.max(0, withheld.length - MOST) };
  }

  #tell(entry: Entry, { wanted, running, prefixOf }: Withheld): void {
    const { log, shown } = this.#options;
    const { name, what } = entry;
    const subject =
      running === null ? `server "${name}" waits` : `server "${name}" stays as it was`;
    const noun = wanted.endpoint === null ? 'program' : 'address';
    const why = prefixOf === null ? `its ${noun} is new to this run: ${what}` : what;
    log.warn(`${shown}: ${subject}: ${why}; to take it: ${remedy()}`);
    entry.told = true;
  }

  #tellRest(rest: readonly Withheld[]): void {
    const { log, shown } = this.#options;
    const key = keyOf(rest);
    if (rest.length > 0 && key !== this.#rest) {
      const some = someNames(rest.map(({ wanted }) => wanted));
      const what = `${rest.length} more servers wait: ${some}`;
      log.warn(`${shown}: ${what} (rea status --verbose); to take them: ${remedy()}`);
    }
    this.#rest = key;
  }

  #learn({ servers }: GatewayConfig): void {
    for (const server of servers) {
      const key = programKey(server);
      if (key !== null) this.#known.add(key);
    }
  }
}

function entryOf(key: string, { wanted, running, prefixOf }: Withheld, text: string): Entry {
  const parts = running === null ? [] : changedParts(running, wanted);
  const changed = shellWords(parts, 'more', LONGEST_CHANGES, shortWord);
  return {
    key,
    name: wanted.name,
    change: running === null ? 'new' : 'changed',
    what:
      prefixOf === null
        ? `${text}${parts.length === 0 ? '' : `; changed: ${changed}`}`
        : `server "${prefixOf}" keeps the prefix "${wanted.prefix}" as long as it waits`,
    since: new Date().toISOString(),
    told: false,
  };
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

/** Names of servers, so that they may be many. */
function someNames(servers: readonly { readonly name: string }[]): string {
  return shellWords(
    servers.map(({ name }) => name),
    'more',
    LONGEST_LIST,
    shortWord,
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
