/**
 * Loads modules of the build, which are CommonJS, from code that an earlier process has compiled: V8 then neither
 * parses them nor compiles again what that process has used of them. Node has such a cache from version 22 on only, and
 * none that knows which functions of a thread are used.
 *
 * What is kept is code that will run, so it is used only from a directory that nobody else can write to, and only whole.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';
import { threadId } from 'node:worker_threads';
import { attempt, expecting, unlessRefused } from './errno.ts';

/** A module of CommonJS, as Node calls it. */
type Wrapped = (
  exports: object,
  require: (id: string) => unknown,
  module: { exports: object },
  filename: string,
  directory: string,
) => void;

const DIGEST_BYTES = 32;
const MAX_BYTES = 16 * 1024 * 1024;
/** Builds and versions of Node whose code is kept; of more the oldest goes. */
const MAX_KEPT = 8;

/** The modules of one process or thread. */
export class CompileCache {
  readonly #directory: string;
  readonly #root: string;
  /** For what is not of the build: it is found from everywhere in it alike. */
  readonly #others: NodeJS.Require;
  readonly #modules = new Map<string, { exports: object }>();
  /** What was compiled here because nothing was kept of it. */
  readonly #compiled: { readonly file: string; readonly source: Stats; readonly script: Script }[] =
    [];

  /**
   * @param directory absolute, private: what `cacheName` names, below a directory that is there or can be made.
   * @param root absolute directory of the build. Files in the cache are named by where a module lies in it.
   */
  constructor(directory: string, root: string) {
    this.#directory = directory;
    this.#root = resolve(root);
    this.#others = createRequire(join(root, 'main', 'index.js'));
  }

  /** Loads a module and all that it requires, each once. @param path absolute. @returns its exports. */
  load(path: string): object {
    const known = this.#modules.get(path);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    this.#modules.set(path, module);
    const directory = dirname(path);
    const require = (id: string): unknown =>
      id.startsWith('.') ? this.load(placeOf(directory, id)) : this.#others(id);
    const run: Wrapped = this.#compile(path).runInThisContext();
    run(module.exports, require, module, path, directory);
    return module.exports;
  }

  /** Keeps what was compiled here, for those who start later. Does nothing where it cannot be written. */
  keep(): void {
    const compiled = this.#compiled.splice(0);
    if (compiled.length === 0) return;
    attempt(() => {
      makeDirectory(this.#directory);
      for (const { file, source, script } of compiled) {
        if (read(file, source) === null) write(file, source, script.createCachedData());
      }
    });
  }

  #compile(path: string): Script {
    const name = path.slice(this.#root.length + 1).replaceAll('/', '.');
    const file = `${this.#directory}/${name}`;
    const stats = statSync(path);
    const kept = read(file, stats);
    const text = readFileSync(path, 'utf8');
    const script = new Script(
      `(function (exports, require, module, __filename, __dirname) {${text}\n})`,
      {
        filename: path,
        ...(kept === null ? {} : { cachedData: kept }),
      },
    );
    if (script.cachedDataRejected !== false) this.#compiled.push({ file, source: stats, script });
    return script;
  }
}

/** Most modules lie beside each other, so that no way has to be worked out, which every start would pay for. */
function placeOf(directory: string, id: string): string {
  return id.startsWith('./') ? `${directory}/${id.slice(2)}` : resolve(directory, id);
}

/** The name of the directory for a build, as this V8 with its present flags can use it. */
export function cacheName(build: string, root: string): string {
  const hash = createHash('sha256').update(`${build}\n${root}`).digest('hex').slice(0, 16);
  return `${hash}-${cachedDataVersionTag().toString(16).padStart(8, '0')}`;
}

/** @returns null: missing, somebody else's, damaged, or of a source that has changed. */
function read(file: string, source: Stats): Buffer | null {
  return unlessRefused(null, () => {
    const descriptor = openSync(
      file,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    try {
      const stats = fstatSync(descriptor);
      const isOurs = stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0;
      if (!stats.isFile() || !isOurs || stats.size > MAX_BYTES) return null;
      const bytes = readFileSync(descriptor);
      const code = bytes.subarray(DIGEST_BYTES);
      return digest(source, code).equals(bytes.subarray(0, DIGEST_BYTES)) ? code : null;
    } finally {
      closeSync(descriptor);
    }
  });
}

/** V8 does not notice every damage, and a source that has changed only when its length has. */
function digest(source: Stats, code: Buffer): Buffer {
  return createHash('sha256').update(`${source.size} ${source.mtimeMs}\n`).update(code).digest();
}

function write(file: string, source: Stats, code: Buffer): void {
  const temp = `${file}.${process.pid}.${threadId}.tmp`;
  try {
    writeFileSync(temp, Buffer.concat([digest(source, code), code]), { mode: 0o600, flag: 'wx' });
    renameSync(temp, file);
  } finally {
    rmSync(temp, { force: true });
  }
}

/** Creates the directory and its parent, but nothing above that. A new one makes the oldest go. */
function makeDirectory(path: string): void {
  const all = dirname(path);
  for (const one of [all, path]) {
    expecting(['EEXIST'], undefined, () => mkdirSync(one, { mode: 0o700 }));
  }
  const others = readdirSync(all)
    .filter((name) => /^[0-9a-f]{16}-[0-9a-f]{8}$/.test(name) && join(all, name) !== path)
    .map((name) => ({ name, changed: statSync(join(all, name)).mtimeMs }))
    .sort((one, other) => other.changed - one.changed);
  for (const { name } of others.slice(MAX_KEPT - 1)) rmSync(join(all, name), { recursive: true });
}
