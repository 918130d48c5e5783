/**
 * One entry of a client's file → a draft of a server. Takes the words of all clients. What cannot be used keeps
 * this server down, with the reason; what has no meaning for a gateway is a note. Never throws. Pure.
 */

import { isObject } from '../../../shared/model/is-object.ts';
import type { DraftEndpoint } from '../draft.ts';
import { headerNameAdvice, isOwnHeader } from '../endpoint.ts';
import { clip, type Path, show } from '../problem.ts';
import type { ServerOptions } from '../schema.ts';
import type { FoundEntry, Style } from './lists.ts';
import { timeoutsOf } from './timeouts.ts';
import { toolLimits } from './tool-limits.ts';
import { home, kindOf, pairsOf, textOf } from './values.ts';
import { BUILT_IN, HTTP, KEYS, LAUNCH, READ, STDIO, UNSUPPORTED, VARIABLE } from './words.ts';

const MOST_NAMED = 8;

/** A finding about a member of an entry; never with a value that may be secret. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly fix: string;
}

export interface ReadEntry {
  readonly endpoint: Pick<DraftEndpoint, 'url' | 'headers'> | null;
  readonly command: string;
  readonly args: readonly string[];
  readonly options: ServerOptions;
  /** Why the server stays down; empty when it can be used. */
  readonly reasons: readonly Finding[];
  /** Accepted, but worth knowing. */
  readonly notes: readonly Finding[];
}

/** Null: the entry describes no server, and `note` says why. */
export type Entry =
  | { readonly kind: 'server'; readonly server: ReadEntry }
  | { readonly kind: 'none'; readonly note: Finding };

export function readEntry({ path, value, style }: FoundEntry): Entry {
  if (!isObject(value)) {
    const what = typeof value === 'string' ? 'is text' : `is ${show(value)}`;
    return { kind: 'none', note: { path, message: `skipped: ${what}`, fix: LAUNCH } };
  }
  return { kind: 'server', server: new EntryReader(path, flattened(value), style).read() };
}

/** Zed writes the command as an object, some clients the transport, some `mcp-remote` options within `settings`. */
function flattened(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { command, transport, ...rest } = value;
  const launch = isObject(command)
    ? { command: command['path'] ?? command['command'], args: command['args'], env: command['env'] }
    : command === undefined
      ? {}
      : { command };
  const way = isObject(transport) ? transport : transport === undefined ? {} : { transport };
  return { ...way, ...launch, ...rest };
}

class EntryReader {
  readonly #path: Path;
  readonly #entry: Readonly<Record<string, unknown>>;
  readonly #style: Style;
  readonly #reasons: Finding[] = [];
  readonly #notes: Finding[] = [];

  constructor(path: Path, entry: Readonly<Record<string, unknown>>, style: Style) {
    this.#path = path;
    this.#entry = entry;
    this.#style = style;
  }

  read(): ReadEntry {
    const enabled = this.#enabled();
    const kind = this.#kind();
    const remote = kind === 'url';
    const { command, args } = remote ? { command: '', args: [] } : this.#program();
    const options: ServerOptions = {
      enabled,
      ...(remote ? {} : this.#ofProgram()),
      ...this.#tools(),
      ...this.#timeouts(),
    };
    const endpoint = remote ? { url: this.#url(), headers: this.#headers() } : null;
    this.#noteUnknown();
    // What is switched off needs nothing more.
    const reasons = enabled ? this.#reasons : [];
    return { endpoint, command, args, options, reasons, notes: this.#notes };
  }

  #first(keys: readonly string[]): { key: string; value: unknown } | null {
    for (const key of keys) {
      const value = this.#entry[key];
      if (value !== undefined && value !== null) return { key, value };
    }
    return null;
  }

  #refuse(key: string | Path, message: string, fix: string): void {
    const path = [...this.#path, ...(typeof key === 'string' ? [key] : key)];
    this.#reasons.push({ path, message, fix });
  }

  #enabled(): boolean {
    const off = this.#first(KEYS.off)?.value;
    const on = this.#first(KEYS.on)?.value;
    return !(off === true || off === 'true' || on === false || on === 'false');
  }

  #kind(): 'command' | 'url' {
    const has = {
      command: this.#first(KEYS.command) !== null,
      url: this.#first(KEYS.url) !== null,
    };
    const type = this.#first(KEYS.type);
    if (type !== null && typeof type.value === 'string') {
      const word = type.value.toLowerCase().replaceAll(/[^a-z]/g, '');
      if (STDIO.has(word)) return has.command || !has.url ? 'command' : 'url';
      if (HTTP.has(word)) return 'url';
      if (UNSUPPORTED.has(word)) {
        const message = `servers of type ${word} are not supported`;
        this.#refuse(type.key, message, 'the server may also offer Streamable HTTP: type http');
        return 'url';
      }
      if (BUILT_IN.has(word)) {
        this.#refuse(type.key, 'is a part of the client itself', 'only the client can run it');
        return has.url ? 'url' : 'command';
      }
      this.#refuse(type.key, `is ${show(type.value)}`, 'write stdio or http');
    } else if (type !== null) {
      this.#refuse(type.key, `is ${show(type.value)}`, 'write stdio or http');
    }
    return has.url && !has.command ? 'url' : 'command';
  }

  #program(): { command: string; args: string[] } {
    const found = this.#first(KEYS.command);
    if (found === null) {
      this.#refuse('command', 'is missing', LAUNCH);
      return { command: '', args: [] };
    }
    const words = Array.isArray(found.value) ? found.value : [found.value];
    if (typeof words[0] !== 'string' && textOf(words[0]) !== null) {
      this.#refuse(found.key, `is ${kindOf(words[0])}`, 'write the program to start, in quotes');
    }
    const [command, ...before] = this.#texts(found.key, words);
    if (command === undefined || command === '') {
      this.#refuse(found.key, 'is empty', 'write the program to start');
    }
    const args = this.#first(KEYS.args);
    if (args !== null && !Array.isArray(args.value)) {
      this.#refuse(args.key, 'is no list', 'write a list of arguments, like ["-y", "name"]');
    }
    const after = Array.isArray(args?.value) ? this.#texts(args.key, args.value) : [];
    return { command: home(command ?? ''), args: [...before, ...after].map(home) };
  }

  /** Text, or what is meant as text. Other values are reasons. */
  #texts(key: string, list: readonly unknown[]): string[] {
    return list.map((one, at) => {
      const text = textOf(one);
      if (text === null) this.#refuse([key, at], `is ${kindOf(one)}`, 'write it as text');
      return this.#own(text ?? '');
    });
  }

  #ofProgram(): ServerOptions {
    const cwd = this.#text(KEYS.cwd, 'the path of a directory');
    const file = this.#text(KEYS.envFile, 'the path of a file');
    const names = [...this.#names('env_vars'), ...this.#names('env_keys')];
    return {
      env: this.#map(KEYS.env, (name) =>
        /^[^=\s\0]+$/.test(name) ? null : 'use a name without spaces and "="',
      ),
      ...(cwd === null ? {} : { cwd: home(cwd) }),
      ...(file === null ? {} : { env_file: home(file) }),
      ...(names.length === 0 ? {} : { env_passthrough: names }),
    };
  }

  #text(keys: readonly string[], what: string): string | null {
    const found = this.#first(keys);
    if (found === null || found.value === '') return null;
    if (typeof found.value === 'string') return this.#own(found.value);
    this.#refuse(found.key, `is ${kindOf(found.value)}`, `write ${what}`);
    return null;
  }

  /** Names of variables that are handed on. */
  #names(key: string): string[] {
    const list = this.#entry[key];
    if (!Array.isArray(list)) return [];
    return list.flatMap((one) => {
      const name = isObject(one) ? one['name'] : one;
      if (typeof name === 'string' && VARIABLE.test(name)) return [name];
      this.#refuse(key, 'has an entry that is no name of a variable', 'write names');
      return [];
    });
  }

  /** Names to texts; null means not set, numbers and yes or no are written out. */
  #map(keys: readonly string[], advice: (name: string) => string | null): Record<string, string> {
    const found = this.#first(keys);
    if (found === null) return {};
    const pairs = pairsOf(found.value);
    if (pairs === null) {
      this.#refuse(
        found.key,
        `is ${kindOf(found.value)}`,
        'write a mapping like {"NAME": "value"}',
      );
      return {};
    }
    const result: Record<string, string> = {};
    for (const [name, value] of pairs) {
      const fix = advice(name);
      const text = textOf(value);
      if (value === null || value === undefined) continue;
      if (fix !== null) this.#refuse([found.key, name], 'is no valid name', fix);
      else if (text === null) this.#refuse([found.key, name], `is ${kindOf(value)}`, 'write text');
      else result[name] = this.#own(text);
    }
    return result;
  }

  #url(): string {
    const found = this.#first(KEYS.url);
    if (found !== null && typeof found.value === 'string' && found.value !== '') {
      return this.#own(found.value.trim());
    }
    this.#refuse(found?.key ?? 'url', found === null ? 'is missing' : 'is no text', LAUNCH);
    return '';
  }

  #headers(): Record<string, string> {
    const written = this.#map(KEYS.headers, () => null);
    for (const key of ['requestOptions', 'requestInit']) {
      const options = this.#entry[key];
      if (!isObject(options) || !isObject(options['headers'])) continue;
      for (const [name, value] of Object.entries(options['headers'])) {
        const text = textOf(value);
        if (text !== null) written[name] = this.#own(text);
      }
    }
    const token = this.#entry['bearer_token_env_var'];
    if (typeof token === 'string') this.#fromVariable(written, 'Authorization', 'Bearer ', token);
    const variables = this.#entry['env_http_headers'];
    for (const [name, value] of isObject(variables) ? Object.entries(variables) : []) {
      if (typeof value === 'string') this.#fromVariable(written, name, '', value);
    }
    return this.#sendable(written);
  }

  #fromVariable(to: Record<string, string>, name: string, before: string, variable: string): void {
    if (VARIABLE.test(variable)) to[name] = `${before}\${${variable}}`;
    else this.#refuse(['headers', name], 'names no variable', 'write the name of a variable');
  }

  /** Without those that the gateway sets itself, and each once whatever its case; the last one counts. */
  #sendable(written: Readonly<Record<string, string>>): Record<string, string> {
    const byName = new Map<string, readonly [string, string]>();
    const ignored: string[] = [];
    for (const [name, value] of Object.entries(written)) {
      if (isOwnHeader(name)) ignored.push(name);
      else if (headerNameAdvice(name) !== null) {
        this.#refuse(
          ['headers', clip(name, 60)],
          'is no name of a header',
          'use letters, digits and "-"',
        );
      } else byName.set(name.toLowerCase(), [name, value]);
    }
    if (ignored.length > 0) {
      const path = [...this.#path, 'headers'];
      const message = `${ignored.join(', ')}: not sent as written`;
      this.#notes.push({ path, message, fix: 'the gateway sets these headers itself' });
    }
    return Object.fromEntries(byName.values());
  }

  #tools(): ServerOptions {
    const { allow, deny, refused } = toolLimits(this.#entry);
    for (const { key, message, fix } of refused) this.#refuse(key, message, fix);
    if (allow === null && deny.length === 0) return {};
    return {
      tools: {
        ...(allow === null ? {} : { allow: [...allow] }),
        ...(deny.length === 0 ? {} : { deny: [...deny] }),
      },
    };
  }

  #timeouts(): ServerOptions {
    const { options, ignored } = timeoutsOf(this.#entry, this.#style);
    for (const key of ignored) {
      this.#notes.push({
        path: [...this.#path, key],
        message: 'without effect',
        fix: 'write a number of the size that the client takes',
      });
    }
    return options;
  }

  /** References in the words of the client → those that all clients' files have here. */
  #own(text: string): string {
    return this.#style === 'opencode'
      ? text.replaceAll(/\{(env|file):([^}]*)\}/g, '${$1:$2}')
      : text;
  }

  #noteUnknown(): void {
    const unknown = Object.keys(this.#entry).filter(
      (key) => !READ.has(key) && !/tool|timeout/i.test(key),
    );
    if (unknown.length === 0) return;
    const names = unknown.slice(0, MOST_NAMED).map((key) => clip(key, 60));
    const more = unknown.length > MOST_NAMED ? ` and ${unknown.length - MOST_NAMED} more` : '';
    this.#notes.push({
      path: this.#path,
      message: `without effect here: ${names.join(', ')}${more}`,
      fix: 'they are for the client itself',
    });
  }
}
