/**
 * `.rea/` is nobody's argument: no message of a client leaves for a server's process if one of its strings
 * names a file of the gateway's own, in whatever way servers read paths (docs/decisions/0013-paths.md).
 * One for each incarnation. Judges; sends nothing.
 */
import { homedir, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { elements, kindAt, member } from '../../../shared/json/json-slice.ts';
import type { KnownPlaces } from '../../../shared/memory/known-places.ts';
import type { ServerConfig } from '../../../shared/model/config.ts';
import type { GuardedPlaces } from '../../../shared/model/guarded.ts';
import type { CatalogEntry } from '../../../shared/model/mcp.ts';
import type { BlockedPath } from '../../../shared/model/policy.ts';
import { errorCode } from '../../../shared/platform/errno.ts';
import { stringMember } from '../conversation/own-requests.ts';
import { buildChildEnv } from '../process/environment.ts';
import { argumentName } from './argument-name.ts';
import { Bases, basePaths } from './bases.ts';
import { isContent as isContentName } from './blocked.ts';
import { Lookups } from './lookups.ts';
import type { Mounts } from './mounts.ts';
import type { OddNames } from './odd-names.ts';
import { type Denial, PathCheck } from './path-check.ts';
import { Places } from './places.ts';
import type { Surroundings } from './readings.ts';
import { Rights } from './rights.ts';
import type { SlowLooks } from './slow-looks.ts';
import { Strings } from './strings.ts';

/** What all supervisors of a thread share. */
export interface Looks {
  readonly known: KnownPlaces;
  readonly mounts: Mounts;
  readonly odd: OddNames;
  readonly slow: SlowLooks;
}

export interface PathRuleOptions {
  readonly config: ServerConfig;
  readonly guarded: GuardedPlaces;
  readonly looks: Looks;
  /** The server's process; null while there is none. */
  readonly pid: () => number | null;
  /** What the policy blocks now. */
  readonly blocked: () => readonly BlockedPath[];
  /** Does a part of the work; its time counts as the server's. */
  readonly work: (task: () => void) => void;
}

/** Why a message does not leave: which string, in words, and what is wrong with it. Unredacted. */
export interface Refusal {
  readonly code: 'ERR_DENIED_PATH' | 'ERR_DENIED_MASK' | 'ERR_DENIED_SECRET';
  readonly where: string;
  readonly text: string;
  readonly why: string;
  /** A sentence: what a person can do. */
  readonly remedy: string;
}

/** These ask for something, and change nothing that they name. */
const READING = new Set([
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/get',
  'completion/complete',
]);
const PARAMS = Buffer.from('"params":');
const OWN_REMEDY = "A person can change the gateway's files with an editor";
const TRUE = 0x74;
const MAX_ROOTS = 64;
const LATE =
  "which could not be looked up in time, because its file system does not answer: it may be one of the gateway's own files";

export class PathRule {
  readonly #options: PathRuleOptions;
  readonly #places: Places;
  readonly #bases: Bases;
  readonly #around: Surroundings;
  readonly #rights: Rights;
  #readers: ReadonlySet<string> = new Set();
  #newBase = true;
  #followed: number | null = null;

  constructor(options: PathRuleOptions) {
    const { config, guarded, looks } = options;
    this.#options = options;
    this.#places = new Places(guarded, looks.known, () => this.#lookups());
    this.#around = surroundingsOf(config);
    const home = this.#around.homes.get('') ?? '/';
    this.#bases = new Bases(basePaths(config, guarded.cwd, home), looks.mounts);
    this.#rights = new Rights(options.pid);
  }

  /** What the server offers as its tools: some of them say that they change nothing. */
  tools(entries: readonly CatalogEntry[]): void {
    this.#readers = new Set(entries.filter(({ json }) => onlyReads(json)).map(({ key }) => key));
  }

  /** A request. @returns null when it may leave. */
  request(line: Uint8Array): Refusal | null | Promise<Refusal | null> {
    // Before it there is nothing of a client's; a method that says so has its quotes escaped.
    const from = Buffer.from(line.buffer, line.byteOffset, line.length).indexOf(PARAMS);
    return from < 0 ? null : this.#judge(line, from + PARAMS.length, () => this.#writes(line));
  }

  /** A notification, or an answer to a request of the server's. @returns null when it may leave. */
  message(line: Uint8Array): Refusal | null | Promise<Refusal | null> {
    return this.#judge(line, 0, () => true);
  }

  /** An answer leaves that may tell the server its roots, to which relative paths may then refer. */
  learnRoots(line: Uint8Array): void {
    const result = member(line, [0, line.length], 'result');
    const roots = result === null ? null : member(line, result, 'roots');
    if (roots === null || kindAt(line, roots[0]) !== 'array') return;
    for (const root of elements(line, roots, MAX_ROOTS)) {
      const path = pathOfUri(stringMember(line, root, 'uri') ?? '');
      if (path !== null && this.#bases.add(path)) this.#newBase = true;
    }
  }

  #judge(
    line: Uint8Array,
    from: number,
    writes: () => boolean,
  ): Refusal | null | Promise<Refusal | null> {
    const { mounts } = this.#options.looks;
    const now = performance.now();
    mounts.refresh(now);
    this.#follow();
    const lookups = this.#lookups();
    const again = this.#places.refresh(now) || this.#newBase;
    this.#newBase = false;
    const bases = this.#bases.refresh(again, this.#places, lookups);
    const blocked = this.#options.blocked();
    const surface = { places: this.#places, bases, around: this.#around, blocked };
    const strings = new Strings(line, from);
    const isContent = (at: number) => isContentName(argumentName(line, at));
    const check = new PathCheck(surface, lookups, strings, { writes, isContent });
    const result = check.run();
    if (result === null) return this.#goOn(check, lookups, line, strings);
    return result === 'fine' ? null : this.#refuse(result, line);
  }

  async #goOn(
    check: PathCheck,
    lookups: Lookups,
    line: Uint8Array,
    strings: Strings,
  ): Promise<Refusal | null> {
    for (;;) {
      if (!lookups.wanting) await new Promise((resolve) => setImmediate(resolve));
      else if (!(await lookups.fetch())) {
        const { at, text } = check.waitsFor ?? { at: strings.start, text: '' };
        return this.#refuse({ at, text, why: LATE, blocked: null }, line);
      }
      let result: ReturnType<PathCheck['run']> = null;
      this.#options.work(() => {
        result = check.run();
      });
      const found = result as ReturnType<PathCheck['run']>;
      if (found !== null) return found === 'fine' ? null : this.#refuse(found, line);
    }
  }

  #refuse({ at, text, why, blocked }: Denial, line: Uint8Array): Refusal {
    this.#places.lookAgain();
    const remedy = blocked === null ? OWN_REMEDY : `To allow it: take the pattern out there`;
    const where = argumentName(line, at);
    return { code: 'ERR_DENIED_PATH', where, text, why, remedy };
  }

  #follow(): void {
    if (this.#followed !== null) return;
    this.#followed = this.#options.pid();
    if (this.#followed === null) return;
    this.#bases.follow(this.#followed);
    this.#newBase = true;
  }

  #lookups(): Lookups {
    const { looks, pid } = this.#options;
    return new Lookups(looks, this.#rights, pid());
  }

  #writes(line: Uint8Array): boolean {
    const whole = [0, line.length] as const;
    const method = stringMember(line, whole, 'method') ?? '';
    if (READING.has(method)) return false;
    const params = method === 'tools/call' ? member(line, whole, 'params') : null;
    const tool = params === null ? null : stringMember(line, params, 'name');
    return tool === null || !this.#readers.has(tool);
  }
}

function onlyReads(tool: Uint8Array): boolean {
  const annotations = member(tool, [0, tool.length], 'annotations');
  const hint = annotations === null ? null : member(tool, annotations, 'readOnlyHint');
  return hint !== null && tool[hint[0]] === TRUE;
}

function surroundingsOf(config: ServerConfig): Surroundings {
  const env = buildChildEnv(process.env, config);
  const user = systemUser();
  const homes = new Map([['', env['HOME'] ?? user?.homedir ?? homedir()]]);
  if (user !== null) homes.set(user.username, user.homedir);
  return { homes, env };
}

/** Null: whoever runs this has no entry in the table of users. */
function systemUser(): { readonly username: string; readonly homedir: string } | null {
  try {
    return userInfo();
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return null;
  }
}

/** Null when the URI names no file of this machine. */
function pathOfUri(uri: string): string | null {
  try {
    return fileURLToPath(uri);
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return null;
  }
}
