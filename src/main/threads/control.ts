/**
 * Comlink with deadlines. A Comlink call never settles when the other thread dies or hangs, so each
 * one ends here at its deadline, or as soon as the port closes.
 */
import type { MessagePort } from 'node:worker_threads';
import { type Remote, wrap } from 'comlink';
import { controlEndpoint } from '../../shared/protocol/control-endpoint.ts';

/** Why a control call has no result. */
export class ControlError extends Error {
  readonly code: 'CONTROL_TIMEOUT' | 'CONTROL_CLOSED';

  constructor(code: ControlError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export class ControlLink<T> {
  readonly #port: MessagePort;
  readonly #remote: Remote<T>;
  readonly #rejectors = new Set<(reason: ControlError) => void>();
  #closed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#remote = wrap<T>(controlEndpoint(port));
    port.once('close', () => this.#end());
    port.unref();
  }

  /**
   * Runs one call on the other side.
   *
   * @throws ControlError when it takes longer than `deadlineMs` or the thread is gone.
   */
  async call<R>(request: (remote: Remote<T>) => Promise<R>, deadlineMs: number): Promise<R> {
    if (this.#closed) throw new ControlError('CONTROL_CLOSED', 'the thread is gone');
    let rejector: (reason: ControlError) => void = () => undefined;
    const cut = new Promise<never>((_resolve, reject) => {
      rejector = reject;
    });
    this.#rejectors.add(rejector);
    const timer = setTimeout(
      () => rejector(new ControlError('CONTROL_TIMEOUT', `no answer within ${deadlineMs} ms`)),
      deadlineMs,
    );
    try {
      return await Promise.race([request(this.#remote), cut]);
    } finally {
      clearTimeout(timer);
      this.#rejectors.delete(rejector);
    }
  }

  close(): void {
    this.#port.close();
    this.#end();
  }

  #end(): void {
    this.#closed = true;
    for (const reject of this.#rejectors) {
      reject(new ControlError('CONTROL_CLOSED', 'the thread is gone'));
    }
    this.#rejectors.clear();
  }
}
