/**
 * Puts variables into the strings of one server, and collects two things: reasons why it cannot run,
 * and problems of the file. A wrong value that came from a variable only makes this server unavailable;
 * the message does not show the value.
 */
import { type ConfigDocument, problemAt } from './document.ts';
import type { Draft, DraftServer } from './draft.ts';
import { firstNames } from './first-of.ts';
import { formatPath, type Path, type Problem } from './problem.ts';
import { type Expansion, expand } from './variables.ts';

/** What is wrong with a value, and what would be right; neither holds the value. */
export interface Fault {
  readonly message: string;
  readonly fix: string;
}

/** @param isWritten true when the file holds the value itself, without a reference. */
export type Check = (value: string, isWritten: boolean) => Fault | null;

export const filled: Check = (value) =>
  value === '' ? { message: 'is empty', fix: 'give it a value' } : null;

/** Where the texts are put together. */
export interface Host {
  readonly env: NodeJS.ProcessEnv;
  /** The directory that the gateway works for, absolute. */
  readonly folder: string;
}

export class Expander {
  readonly problems: Problem[] = [];
  readonly #reasons = new Set<string>();
  readonly #draft: Draft;
  readonly #server: DraftServer;
  readonly #document: ConfigDocument;
  readonly #missing = new Set<string>();
  readonly #expanded = new Map<string, Expansion['variables'][number]>();

  readonly #host: Host;

  constructor(draft: Draft, server: DraftServer, document: ConfigDocument, host: Host) {
    this.#draft = draft;
    this.#server = server;
    this.#document = document;
    this.#host = host;
  }

  /** Another reason why the server cannot be started, in one line. */
  refuse(reason: string): void {
    this.#reasons.add(reason);
  }

  /** Expands a value that only the server's own entry can have. */
  own(keys: Path, text: string, check?: Check): string {
    return this.#expand(keys, [...this.#server.path, ...keys], text, check);
  }

  /** Expands a value that may come from `defaults`. */
  option(keys: Path, text: string, check?: Check): string {
    const own = [...this.#server.path, ...keys];
    const place = this.#document.has(own) ? own : ['defaults', ...keys];
    return this.#expand(keys, place, text, check);
  }

  /** Why the server cannot be started, in one line; null when it can. */
  unavailable(): string | null {
    const missing =
      this.#missing.size === 0 ? [] : [`missing env: ${firstNames([...this.#missing]).join(', ')}`];
    const reasons = [...missing, ...firstNames([...this.#reasons])];
    return reasons.length === 0 ? null : reasons.join('; ');
  }

  /** The variables that were put in, each once, sorted. */
  expanded(): Expansion['variables'] {
    return [...this.#expanded].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, it]) => it);
  }

  /** Names of all variables that its texts refer to, also of those that are not set. */
  variables(): string[] {
    return [...this.#missing, ...this.expanded().map(({ name }) => name)];
  }

  #expand(keys: Path, place: Path, text: string, check: Check | undefined): string {
    const { env, folder } = this.#host;
    const result = expand(text, this.#draft.dialect, env, folder);
    for (const name of result.missing) this.#missing.add(name);
    for (const one of result.variables) this.#expanded.set(JSON.stringify(one), one);
    for (const reference of result.editor) {
      this.#reasons.add(`needs ${reference}, which only an editor can fill in`);
    }
    for (const { text: unclear, fix } of result.unclear) {
      // The text after the name may be part of a secret that holds a "${".
      const [name] = /^\$\{(?:env:)?[A-Z_][A-Z0-9_]{0,40}(?![A-Za-z0-9_])/.exec(unclear) ?? ['${'];
      const message = `holds "${name}…", which is no reference to a variable`;
      this.problems.push(problemAt(this.#document, place, message, fix));
    }
    const { missing, editor, unclear } = result;
    // An incomplete value cannot be checked; and a server with a reason already needs no second one.
    const isWhole = missing.length + editor.length + unclear.length === 0;
    if (isWhole && this.#server.unavailable === null) {
      this.#check(keys, place, result, check);
    }
    return result.text;
  }

  #check(keys: Path, place: Path, { text, variables }: Expansion, check: Check | undefined): void {
    const isWritten = variables.length === 0;
    const fault = text.includes('\0') ? WITH_NUL : (check?.(text, isWritten) ?? null);
    if (fault === null) return;
    const { message, fix } = fault;
    // A client's file belongs to another program: a mistake in it only makes its server unavailable.
    if (isWritten && this.#draft.dialect === 'registry') {
      this.problems.push(problemAt(this.#document, place, message, fix));
    } else {
      this.#reasons.add(`${formatPath(keys)}${nameAll(variables)} ${message}: ${fix}`);
    }
  }
}

const WITH_NUL: Fault = { message: 'holds a NUL character', fix: 'remove it' };

/** ` (with ${A}, which is empty, and ${B})`; nothing when there are none. */
function nameAll(variables: Expansion['variables']): string {
  if (variables.length === 0) return '';
  const names = variables.map(({ name, value }) =>
    value === '' ? `\${${name}}, which is empty` : `\${${name}}`,
  );
  return ` (with ${[...new Set(names)].join(' and ')})`;
}
