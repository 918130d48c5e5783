/**
 * The body of a response without its content coding. None was asked for, but some servers and proxies compress
 * all the same. Whoever reads it bounds what it takes: no more is inflated than is read.
 */
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import type { InflateRaw } from 'node:zlib';

/** More codings than this are no honest ones. */
const MAX_CODINGS = 5;
const ZLIB_METHOD = 0x08;

/** Destroying the body destroys the response. A body that cannot be decoded breaks off. */
export function decoded(response: IncomingMessage): Readable {
  const coding = response.headers['content-encoding'];
  if (coding === undefined) return response;
  const names = coding.toLowerCase().split(',');
  const known = names.length > MAX_CODINGS ? [] : names.map((name) => decoderOf(name.trim()));
  const decoders = known.filter((decoder) => decoder !== null).toReversed();
  const [last] = decoders.slice(-1);
  if (last === undefined) return response;
  pipeline([response, ...decoders], () => undefined);
  // Without a listener, an error would be thrown.
  last.on('error', () => undefined);
  return last;
}

/** Whether an error of a decoded body means that its bytes are wrong, and not that the connection broke. */
export function isOfCoding(error: NodeJS.ErrnoException): boolean {
  return /^(?:Z_|ERR__)/.test(error.code ?? '');
}

/** Null for a coding that does not change the bytes, and for one that is not known: there are misnomers. */
function decoderOf(name: string): Transform | null {
  // Loaded on demand: most servers do not compress.
  const load = () => createRequire(import.meta.url)('node:zlib') as typeof import('node:zlib');
  switch (name) {
    case 'gzip':
    case 'x-gzip': {
      const { createGunzip, constants } = load();
      return createGunzip({ flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH });
    }
    case 'br': {
      const { createBrotliDecompress, constants } = load();
      const flush = constants.BROTLI_OPERATION_FLUSH;
      return createBrotliDecompress({ flush, finishFlush: flush });
    }
    case 'deflate':
      return new Inflater(load());
    default:
      return null;
  }
}

/** Some servers send deflate without its zlib frame; the first byte tells. */
class Inflater extends Transform {
  readonly #zlib: typeof import('node:zlib');
  #inflate: InflateRaw | null = null;

  constructor(zlib: typeof import('node:zlib')) {
    super();
    this.#zlib = zlib;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#inflate ??= this.#begin(chunk[0] ?? 0);
    this.#inflate.write(chunk, done);
  }

  override _flush(done: TransformCallback): void {
    if (this.#inflate === null) return done();
    this.#inflate.once('end', () => done()).end();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inflate?.destroy();
    done(error);
  }

  #begin(first: number): InflateRaw {
    const { createInflate, createInflateRaw, constants } = this.#zlib;
    const options = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
    const hasFrame = (first & 0x0f) === ZLIB_METHOD;
    const inflate = hasFrame ? createInflate(options) : createInflateRaw(options);
    inflate.on('data', (chunk: Buffer) => this.push(chunk));
    inflate.on('error', (error) => this.destroy(error));
    return inflate;
  }
}
