/**
 * The operator's own patterns, in an engine that takes linear time on any text (docs/decisions/0027-results.md). Its
 * WebAssembly, a MiB, is loaded when the first pattern is used.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { RRegex, RRegexSet } from 'rregex';
import type { RedactPattern } from '../model/policy.ts';
import type { Found } from '../text/redact-patterns.ts';

type Engine = Pick<typeof import('rregex'), 'RRegex' | 'RRegexSet'>;

let loaded: Engine | null = null;

/** Its ES module waits for the file, and whoever has patterns must not pass anything on without them. */
function engine(): Engine {
  if (loaded === null) {
    const require = createRequire(import.meta.url);
    const directory = dirname(require.resolve('rregex/package.json'));
    loaded = require(join(directory, 'lib', 'commonjs.cjs')) as Engine;
  }
  return loaded;
}

export class OperatorPatterns {
  readonly #names: readonly string[];
  readonly #each: readonly RRegex[];
  /** Which of them match: asked first, and as quick for fifty as for one. */
  readonly #all: RRegexSet;

  /** @throws Error with the engine's reason when one cannot be used, or all of them together. */
  constructor(patterns: readonly Pick<RedactPattern, 'name' | 'regex' | 'flags'>[]) {
    const sources = patterns.map(sourceOf);
    const { RRegex, RRegexSet } = engine();
    this.#names = patterns.map(({ name }) => name);
    this.#each = sources.map((source) => new RRegex(source));
    this.#all = new RRegexSet(sources);
  }

  /** Frees their memory, which the engine has outside of the heap; nothing is found afterwards. */
  close(): void {
    for (const pattern of this.#each) pattern.free();
    this.#all.free();
  }

  /** All matches that are not empty; those of different patterns may overlap. */
  find(text: string): Found[] {
    const found: Found[] = [];
    for (const index of this.#all.matches(text)) {
      const pattern = this.#each[index];
      const kind = this.#names[index];
      if (pattern === undefined || kind === undefined) continue;
      const places = new Places(text);
      for (const match of pattern.findAll(text)) {
        const { start, end } = match;
        if (end > start) found.push({ from: places.unitsAt(start), to: places.unitsAt(end), kind });
      }
    }
    return found;
  }
}

/** UTF-16 units of a text at offsets in bytes, which never go back. */
class Places {
  readonly #bytes: Buffer | null;
  #at = 0;
  #units = 0;

  constructor(text: string) {
    const bytes = Buffer.from(text);
    this.#bytes = bytes.length === text.length ? null : bytes;
  }

  unitsAt(offset: number): number {
    if (this.#bytes === null) return offset;
    this.#units += this.#bytes.toString('utf8', this.#at, offset).length;
    this.#at = offset;
    return this.#units;
  }
}

/** Flags that mean the same in the engine; the others mean nothing there. */
function sourceOf({ regex, flags }: Pick<RedactPattern, 'regex' | 'flags'>): string {
  const inline = flags.replaceAll(/[^ims]/g, '');
  return inline === '' ? regex : `(?${inline})${regex}`;
}
