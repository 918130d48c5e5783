/**
 * What stands for a session over HTTP where there is none: all requests of one principal, which share its limits.
 * Each is known by a key of its own, because the ids of several clients, or of one, may be the same. Owns the
 * responses.
 */
import type { ServerResponse } from 'node:http';
import { textAt } from '../../../../shared/json/frame.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import type { ByteCredit } from '../../../../shared/memory/byte-credit.ts';
import type { ClaimedRequest, ClientFace, ClientPort, OpenClient } from '../../port.ts';
import { Unsent } from '../../unsent.ts';
import { acceptsOf } from '../accept.ts';
import type { HttpLimits } from '../options.ts';
import { Post } from './post.ts';

export interface PrincipalOptions {
  readonly open: OpenClient;
  readonly credit: Pick<ByteCredit, 'addUnits'>;
  readonly limits: HttpLimits;
  /** Several clients come under it, or may. */
  readonly several: boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export type Asked = Pick<ClaimedRequest, 'frame' | 'method' | 'claim'>;

const CLOSED = 'the client has closed the response';

export class Principal implements ClientPort {
  readonly #options: PrincipalOptions;
  readonly #face: ClientFace;
  /** Those without an answer, by the key of their request. */
  readonly #posts = new Map<string, Post>();
  /** Those that are not read to their end. */
  readonly #unended = new Set<Post>();
  readonly #unsent: Unsent;
  #lastKey = 0;
  #lastUsed: number;

  constructor(options: PrincipalOptions) {
    this.#options = options;
    this.#lastUsed = options.now();
    this.#unsent = new Unsent({
      // Each response has an account of its own.
      credit: { addUnits: () => undefined },
      waiting: () => this.#unread(),
      onDrained: () => this.#face.drained(),
    });
    this.#face = options.open(this);
  }

  get several(): boolean {
    return this.#options.several;
  }

  /** One client that does not read must not hold up the others. */
  get needsDrain(): boolean {
    return !this.several && this.#unsent.needsDrain;
  }

  /** Requests without an answer, streams of changes among them. */
  get open(): number {
    return this.#posts.size;
  }

  /** Responses that are not read to their end, those with an answer among them. */
  get unended(): number {
    return this.#unended.size;
  }

  /** Milliseconds since its last use; 0 while a request is open. */
  idleMs(): number {
    const isBusy = this.#posts.size > 0 || this.#face.busy;
    return isBusy ? 0 : this.#options.now() - this.#lastUsed;
  }

  tool(name: string): Uint8Array | null {
    return this.#face.tool(name);
  }

  /** Serves one request to its end. @returns false: there is no such method, and nothing was written. */
  serve(
    response: ServerResponse,
    { frame, method, claim }: Asked,
    accept: string | undefined,
  ): boolean {
    this.#lastKey += 1;
    // No client's id begins with a letter.
    const key = `p${this.#lastKey}`;
    const post = new Post(response, {
      limits: this.#options.limits,
      accepts: acceptsOf(accept),
      credit: this.#options.credit,
      onGiven: (bytes) => this.#given(bytes),
    });
    this.#posts.set(key, post);
    this.#unended.add(post);
    response.once('close', () => {
      this.#unended.delete(post);
      if (this.#posts.delete(key)) this.#face.cancel(key, CLOSED);
      this.#lastUsed = this.#options.now();
    });
    const idRaw = Buffer.from(textAt(frame, SLOT.id) ?? 'null');
    const isServed = this.#face.serve({ frame, method, claim, idRaw, idText: key });
    if (isServed) post.begin();
    else this.#posts.delete(key);
    return isServed;
  }

  answer(parts: readonly Uint8Array[], idText: string | null): void {
    const post = this.#posts.get(idText ?? '');
    if (post === undefined) return;
    this.#posts.delete(idText ?? '');
    post.answer(parts);
  }

  send(parts: readonly Uint8Array[], relatedTo: string | null): void {
    this.#posts.get(relatedTo ?? '')?.send(parts);
  }

  finished(): void {
    // A request ends with its response, and with nothing else.
  }

  /** Ends what is open without an answer. */
  close(reason: string): void {
    for (const post of this.#posts.values()) post.end();
    this.#posts.clear();
    this.#face.closed(reason);
    this.#unsent.close();
  }

  /** Those that nobody reads must not fill the memory: the one that has stopped longest goes first. */
  #given(bytes: number): void {
    this.#unsent.given(bytes);
    let over = this.#unread() - this.#options.limits.maxUnreadBytes;
    while (over > 0) {
      const post = this.#longestStopped();
      if (post === null) return;
      over -= post.unread;
      this.#unended.delete(post);
      post.cut();
    }
  }

  #longestStopped(): Post | null {
    let [longest, since]: [Post | null, number] = [null, Infinity];
    for (const post of this.#unended) {
      const { stoppedAt } = post;
      if (stoppedAt !== null && stoppedAt < since) [longest, since] = [post, stoppedAt];
    }
    return longest;
  }

  #unread(): number {
    let bytes = 0;
    for (const post of this.#unended) bytes += post.unread;
    return bytes;
  }
}
