/** Asks the servers of resources, as a client with a session would, to tell of changes: for streams of changes. */
import { scanFrame } from '../../../shared/json/frame.ts';
import { type AnswerForm, PLAIN } from '../../calls/answer-form.ts';
import type { Client } from '../../routing/client.ts';
import type { Router } from '../../routing/router.ts';
import type { Subject } from './listens.ts';

const SUBSCRIBED = new TextEncoder().encode('0');

export class Subscribing {
  readonly #router: Router;
  /** The gateway's own requests, by an id that no client can have. */
  readonly #own = new Map<string, () => void>();
  #lastOwn = 0;

  constructor(router: Router) {
    this.#router = router;
  }

  /** Subscribes to a resource or a task, or ends that. @param done whether its server agrees; called once, or never. */
  subscribe(client: Client, subject: Subject, on: boolean, done: (ok: boolean) => void): void {
    const { kind, id, can } = subject;
    if (kind === 'resource') this.#resource(client, id, on, done);
    else this.#router.tasks.listen({ client, taskId: id, can }, on, done);
  }

  /** A request has its answer. @returns false: it is none of these. */
  ended(idText: string): boolean {
    const own = this.#own.get(idText);
    if (own === undefined) return false;
    this.#own.delete(idText);
    own();
    return true;
  }

  #resource(client: Client, uri: string, on: boolean, done: (ok: boolean) => void): void {
    const method = on ? 'resources/subscribe' : 'resources/unsubscribe';
    const json = JSON.stringify({ jsonrpc: '2.0', id: 0, method, params: { uri } });
    const frame = scanFrame(new TextEncoder().encode(json));
    if ('error' in frame) return done(false);
    let ok = false;
    const told = (outcome: boolean) => {
      ok = outcome;
      return [];
    };
    const form: AnswerForm = {
      ...PLAIN,
      ofServer: (_method, { isError }) => told(!isError),
      result: () => told(true),
    };
    this.#lastOwn += 1;
    const idText = `own-${this.#lastOwn}`;
    this.#own.set(idText, () => done(ok));
    this.#router.route({
      client,
      clientName: null,
      frame,
      method,
      idRaw: SUBSCRIBED,
      idText,
      form,
      logLevel: null,
      listDeadline: null,
    });
  }
}
