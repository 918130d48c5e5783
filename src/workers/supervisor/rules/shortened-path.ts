/**
 * One way to read a long string as a path, name by name: without empty names and `.`, and, where that is wanted,
 * without those that `..` takes back. Keeps no more than a path may be long. Pure.
 */
import { isAround } from './readings.ts';

/** What is left is judged like any other string up to this length. */
const MAX_LENGTH = 16_384;
/** So many names fit into it; those beyond are only counted, and have to be taken back. */
const MAX_NAMES = MAX_LENGTH / 2;
/** Longer than any name that a file system has; what goes on is no path unless it is taken back. */
const MAX_NAME = 1024;
/** V8 copies what is shorter. */
const SHORTEST_PART = 13;
/** Stands for such a name: no name holds a slash. */
const TOO_LONG = '/';
/** What follows is not part of a path to those that read URIs, or in C. */
const CUT = /[?#\0]/;

/** Not a part of the piece that it stood in, which would be kept with it: short ones are none anyway. */
function copied(text: string): string {
  return text.length < SHORTEST_PART ? text : Buffer.from(text, 'utf16le').toString('utf16le');
}

export class ShortenedPath {
  readonly #separator: RegExp;
  readonly #takesBack: boolean;
  readonly #names: string[] = [];
  #beyond = 0;
  #length = 0;
  #isAbsolute: boolean | null = null;
  #name = '';
  /** Of the present name, up to the last character that does not go with what is around the string. */
  #solid = 0;
  #cut: string[] | null = null;

  /** @param separators one or two characters. */
  constructor(separators: string, takesBack: boolean) {
    this.#separator = separators.length > 1 ? /[/\\]/g : /\//g;
    this.#takesBack = takesBack;
  }

  /** It stays too long, whatever follows. */
  get isLong(): boolean {
    if (this.#takesBack) return false;
    return this.#beyond > 0 || this.#length > MAX_LENGTH || this.#solid > MAX_NAME;
  }

  push(text: string): void {
    if (this.isLong) return;
    let from = 0;
    for (const { index } of text.matchAll(this.#separator)) {
      this.#add(text.slice(from, index));
      this.#endName();
      from = index + 1;
      if (this.isLong) return;
    }
    this.#add(text.slice(from));
  }

  /** What is left, in the ways in which a URI may begin. */
  end(): string[] {
    return [...this.#written(), ...(this.#cut ?? [])];
  }

  #add(part: string): void {
    const cut = this.#cut === null ? part.search(CUT) : -1;
    if (cut >= 0) {
      this.#append(part.slice(0, cut));
      this.#cut = this.#written();
      this.#append(part.slice(cut));
    } else this.#append(part);
  }

  #append(part: string): void {
    let end = part.length;
    while (end > 0 && isAround(part.charAt(end - 1))) end--;
    const before = this.#name.length;
    if (end > 0) this.#solid = Math.min(before + end, MAX_NAME + 1);
    this.#name += part.slice(0, Math.max(0, MAX_NAME + 1 - before));
  }

  #endName(): void {
    const name = this.#name.length > MAX_NAME ? TOO_LONG : this.#name;
    this.#name = '';
    this.#solid = 0;
    if (name === '') this.#isAbsolute ??= true;
    this.#isAbsolute ??= false;
    if (name === '' || name === '.') return;
    if (name === '..' && this.#takesBack) return this.#takeBack();
    if (name === TOO_LONG && !this.#takesBack) this.#beyond += 1;
    this.#put(name);
  }

  #put(name: string): void {
    if (this.#names.length >= MAX_NAMES) this.#beyond += 1;
    else {
      this.#names.push(copied(name));
      this.#length += name.length + 1;
    }
  }

  #takeBack(): void {
    if (this.#beyond > 0) this.#beyond -= 1;
    else if (this.#names.length > 0 && this.#names.at(-1) !== '..') this.#names.pop();
    else if (this.#isAbsolute !== true) this.#put('..');
  }

  #written(): string[] {
    if (this.#beyond > 0 || this.#solid > MAX_NAME || this.#names.includes(TOO_LONG)) return [];
    const last = this.#name.slice(0, this.#solid);
    const names = [...this.#names];
    if (last === '..' && this.#takesBack && names.length > 0 && names.at(-1) !== '..') names.pop();
    else if (last !== '') names.push(last);
    const [first = ''] = names;
    const path = `${this.#isAbsolute === true ? '/' : ''}${names.join('/')}`;
    if (path.length > MAX_LENGTH) return [];
    // One of its slashes is gone: what follows may be the name of a machine.
    return first.endsWith(':') ? [path, path.replace('/', '//')] : path === '' ? [] : [path];
  }
}
