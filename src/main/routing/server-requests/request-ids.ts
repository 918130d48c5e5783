/** Ids of requests to clients: numbers as text, because some clients were only ever asked by SDKs. */
export class RequestIds {
  #last = 0;

  mint(): string {
    this.#last += 1;
    return String(this.#last);
  }
}
