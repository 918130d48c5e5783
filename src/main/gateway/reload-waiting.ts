/**
 * Keeps the programs and addresses accepted in this run, and the servers that wait for a person because
 * theirs is new. Each is logged once, and shown until a person accepts it or the file changes.
 */
import type { GatewayConfig, ServerConfig } from '../../shared/model/config.ts';
import type { ReloadRecord, WaitingServer } from '../../shared/model/snapshot.ts';
import { type ProgramTexts, programTexts, type Read } from '../config/program-texts.ts';
import {
  changedParts,
  programKey,
  type Split,
  splitByProgram,
  type Withheld,
} from '../config/programs.ts';
import { shellWord, shellWords } from '../config/shell-words.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { Logger } from '../logger.ts';
import { blockedServer, MOST_MORE_BLOCKED } from '../pins/blocked.ts';
import type { ProgramPins } from '../pins/program-pins.ts';

export interface WaitingOptions {
  /** The configuration of the start: its programs and addresses are accepted. */
  readonly config: GatewayConfig;
  /** The name of the file in messages. */
  readonly shown: string;
  /** Of whatever runs or has run. */
  readonly secrets: LogSecrets;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Null: there is no place to keep any; what is known is what this run was started with. */
  readonly pins: ProgramPins | null;
}

/** So many are logged with a line each; the others by name only. */
const TOLD = 20;
/** At most so many are listed in the state file. */
const MOST = 64;
const LONGEST_CHANGES = 300;
const LONGEST_LIST = 1000;

interface Reason {
  readonly why: string;
  readonly what: string;
}

interface Entry extends WaitingServer {
  /** Differs when a person has something else to decide. */
  readonly key: string;
  /** It was logged with its own line. */
  told: boolean;
}

export class Waiting {
  readonly #options: WaitingOptions;
  readonly #known = new Set<string>();
  readonly #mostBlocked: number;
  #entries: readonly Entry[] = [];
  /** Key of the servers that were logged by name only. */
  #rest: string = keyOf([]);

  constructor(options: WaitingOptions) {
    this.#options = options;
    const { servers } = options.config;
    this.#mostBlocked =
      servers.filter(({ blocked }) => blocked !== null).length + MOST_MORE_BLOCKED;
    this.#learn(options.config);
  }

  /** True: only a program that is pinned may be started, whoever asks for the file. */
  get pinned(): boolean {
    return this.#options.pins?.action === 'block';
  }

  /** The part of `wanted` that may be put in force now. */
  split(running: GatewayConfig, wanted: GatewayConfig, { written }: Read): Split {
    const { pins } = this.#options;
    if (pins === null || !this.pinned) {
      return splitByProgram(running, wanted, (server) => {
        const key = programKey(server);
        return key === null || this.#known.has(key);
      });
    }
    const runs = new Map(running.servers.map((server) => [server.name, server]));
    let left = this.#mostBlocked;
    return splitByProgram(
      running,
      wanted,
      (server) =>
        isAs(runs.get(server.name), server) || pins.isPinned(server, written.get(server.name)),
      (server) => {
        left -= 1;
        return left < 0 ? null : blockedServer(server, pins.why(server, written.get(server.name)));
      },
    );
  }

  /** A person has asked for this configuration: whatever is in it is this run's from now on. */
  take(read: Read): void {
    const { log } = this.#options;
    const taken = read.config.servers.filter((server) => {
      const key = programKey(server);
      return key !== null && !this.#known.has(key);
    });
    const text = this.#textIn(read);
    for (const { name } of taken.slice(0, TOLD)) {
      log.info(`server "${name}" is taken at SIGHUP: ${text(name)}`);
    }
    if (taken.length > TOLD) {
      const rest = taken.slice(TOLD);
      log.info(`${rest.length} more are taken at SIGHUP: ${someNames(rest)}`);
    }
    this.#learn(read.config);
  }

  /**
   * A person has asked for this server: its program or address is this run's from now on.
   *
   * @returns it in one line, secrets hidden; null: it is nothing new.
   */
  takeOne(read: Read, name: string): string | null {
    const server = read.config.servers.find((one) => one.name === name);
    const key = server === undefined ? null : programKey(server);
    if (key === null || this.#known.has(key)) return null;
    const text = this.#textIn(read)(name);
    this.#options.log.info(`server "${name}" is taken by a command: ${text}`);
    this.#known.add(key);
    return text;
  }

  /**
   * The rest of a configuration is in force, and these wait. @returns what is shown of it.
   *
   * @param read all of it.
   */
  update(withheld: readonly Withheld[], read: Read): Omit<ReloadRecord, 'problems'> {
    const before = new Map(this.#entries.map((entry) => [entry.key, entry]));
    const text = this.#textIn(read);
    this.#entries = withheld.slice(0, MOST).map((one, at) => {
      const key = keyOf([one]);
      // Made again each time: a part of it may have become a secret of another server.
      const reason = this.#reasonOf(one, read, text);
      const earlier = before.get(key) ?? entryOf(key, one, this.#changeOf(one));
      const told = earlier.told || at < TOLD;
      if (told && !earlier.told) this.#tell(one, reason);
      return { ...earlier, what: reason.what, told };
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
    const more = Math.max(0, withheld.length - MOST);
    return this.pinned && withheld.length > 0
      ? { waiting, more, accept: this.#remedy('--all') }
      : { waiting, more };
  }

  #changeOf({ wanted, running }: Withheld): Entry['change'] {
    const { pins } = this.#options;
    if (running !== null) return 'changed';
    return pins === null || !this.pinned ? 'new' : pins.changeOf(wanted);
  }

  #tell({ wanted, running, prefixOf }: Withheld, { why }: Reason): void {
    const { log, shown } = this.#options;
    const { name } = wanted;
    const subject =
      running !== null
        ? `server "${name}" stays as it was`
        : `server "${name}" ${this.pinned ? 'is not started' : 'waits'}`;
    log.warn(`${shown}: ${subject}: ${why}; to take it: ${this.#remedy(prefixOf ?? name)}`);
  }

  /** Why one waits, in the log; and for who looks at what waits. */
  #reasonOf({ wanted, running, prefixOf }: Withheld, read: Read, text: ProgramTexts): Reason {
    if (prefixOf !== null) {
      const why = `server "${prefixOf}" keeps the prefix "${wanted.prefix}" as long as it waits`;
      return { why, what: why };
    }
    const noun = wanted.endpoint === null ? 'program' : 'address';
    const parts = running === null ? this.#drift(wanted, read) : changedParts(running, wanted);
    const changed = shellWords(parts, 'more', LONGEST_CHANGES, shortWord);
    const what = text(wanted.name, parts.length === 0 ? '' : `; changed: ${changed}`);
    const isNew = this.pinned ? 'is not pinned' : 'is new to this run';
    return { why: `its ${noun} ${isNew}: ${what}`, what };
  }

  /** The parts that are not as they were pinned. */
  #drift(wanted: ServerConfig, { written }: Read): string[] {
    const { pins } = this.#options;
    return pins === null || !this.pinned ? [] : pins.driftOf(wanted, written.get(wanted.name));
  }

  /** What a person does to take a server, or all of them. */
  #remedy(what: string): string {
    const { pins } = this.#options;
    if (pins !== null && this.pinned) return pins.acceptCommand(what);
    return `kill -HUP ${process.pid}, or restart rea serve`;
  }

  /**
   * What is shown of a server's program: without the secrets of any server, whether it runs or waits, and
   * without those of earlier ones.
   */
  #textIn(read: Read): ProgramTexts {
    const { secrets, env } = this.#options;
    return programTexts(read, secrets.values(), env);
  }

  #tellRest(rest: readonly Withheld[]): void {
    const { log, shown } = this.#options;
    const key = keyOf(rest);
    if (rest.length > 0 && key !== this.#rest) {
      const some = someNames(rest.map(({ wanted }) => wanted));
      const what = `${rest.length} more servers wait: ${some}`;
      log.warn(`${shown}: ${what} (rea status --verbose); to take them: ${this.#remedy('--all')}`);
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

function entryOf(key: string, { wanted }: Withheld, change: Entry['change']): Entry {
  return { key, name: wanted.name, change, what: '', since: new Date().toISOString(), told: false };
}

function keyOf(withheld: readonly Withheld[]): string {
  return JSON.stringify(
    withheld.map(({ wanted, running, prefixOf }) => {
      return [wanted.name, programKey(wanted), running && programKey(running), prefixOf];
    }),
  );
}

/** Names of servers in one text of bounded length. */
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

/** True when the program is the one that runs. */
function isAs(running: ServerConfig | undefined, wanted: ServerConfig): boolean {
  if (running === undefined || running.blocked !== null || running.pin !== wanted.pin) return false;
  const key = programKey(running);
  return key !== null && key === programKey(wanted);
}
