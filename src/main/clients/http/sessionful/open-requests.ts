/**
 * The requests of one HTTP client that have no answer yet, each under an id of its own towards the SDK's
 * transport, because a client's ids may be any number or string. Keeps what comes before the transport
 * has opened a stream for it.
 */
import type { PromptReply } from './prompt-reply.ts';
import type { SseStream } from './stream.ts';

/** A message that came before there was a stream. */
export interface Early {
  /** Empty when the request gets no answer. */
  readonly parts: readonly Uint8Array[];
  /** True for the last message: the answer, or the notice that the request gets no answer. */
  readonly final: boolean;
}

export class OpenRequest {
  /** Its id towards the transport. */
  readonly id: number;
  readonly idText: string;
  readonly method: string;
  /** Null until the transport has accepted the request. */
  stream: SseStream | null = null;
  /** While the answer alone may still be the response. */
  prompt: PromptReply | null = null;
  readonly #early: Early[] = [];

  constructor(id: number, idText: string, method: string) {
    this.id = id;
    this.idText = idText;
    this.method = method;
  }

  /** There is no stream yet: the message waits, and the response will be a stream. */
  keep(message: Early): void {
    this.#early.push(message);
    this.prompt?.leave();
  }

  /** Empties what was kept; oldest first. */
  takeEarly(): Early[] {
    return this.#early.splice(0);
  }

  /** The answer, when it is among what was kept. */
  get earlyAnswer(): readonly Uint8Array[] | null {
    return this.#early.find(({ parts, final }) => final && parts.length > 0)?.parts ?? null;
  }
}

export class OpenRequests {
  /** By the client's raw id. */
  readonly #requests = new Map<string, OpenRequest>();
  #nextId = 1;

  get size(): number {
    return this.#requests.size;
  }

  has(idText: string): boolean {
    return this.#requests.has(idText);
  }

  get(idText: string): OpenRequest | undefined {
    return this.#requests.get(idText);
  }

  open(idText: string, method: string): OpenRequest {
    const request = new OpenRequest(this.#nextId++, idText, method);
    this.#requests.set(idText, request);
    return request;
  }

  delete({ idText }: OpenRequest): void {
    this.#requests.delete(idText);
  }

  /** The session is over: none of them gets an answer from here. */
  clear(): void {
    for (const { prompt } of this.#requests.values()) prompt?.leave();
    this.#requests.clear();
  }
}
