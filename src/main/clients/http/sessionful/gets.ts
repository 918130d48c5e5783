/** The GET requests of one session: a stream for what belongs to no request, or one that broke and is taken up. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { JSON_RPC } from '../../../../shared/model/errors.ts';
import { replyError } from '../../../http/replies.ts';
import type { EventLog } from './events.ts';
import type { Outbox } from './outbox.ts';
import type { Responses } from './responses.ts';
import { ask, forward, isAccepted } from './sdk-transport.ts';

const CONFLICT = 409;
const UNKNOWN_EVENT = {
  status: 400,
  code: JSON_RPC.gatewayError,
  message: 'Last-Event-ID is not known in this session, or no longer',
};

export class Gets {
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #events: EventLog;
  readonly #responses: Responses;
  readonly #outbox: Outbox;

  constructor(
    transport: WebStandardStreamableHTTPServerTransport,
    events: EventLog,
    responses: Responses,
    outbox: Outbox,
  ) {
    this.#transport = transport;
    this.#events = events;
    this.#responses = responses;
    this.#outbox = outbox;
  }

  /** Opens the stream for what belongs to no request, or goes on with a stream that broke. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stream = this.#responses.stream(response);
    let isStandalone = true;
    let afterwards = () => {};
    const lastEventId = request.headers['last-event-id'];
    if (typeof lastEventId === 'string' && lastEventId !== '') {
      const resumption = this.#events.lookUp(lastEventId);
      if (resumption.kind === 'unknown') {
        return replyError(response, UNKNOWN_EVENT);
      }
      if (resumption.kind === 'complete') {
        // 204 makes an event source stop reconnecting.
        response.writeHead(204).end();
        return;
      }
      isStandalone = !resumption.related;
      afterwards = this.#events.resumeOn(lastEventId, stream);
    }
    let reply = await ask(this.#transport, request).finally(afterwards);
    if (reply.status === CONFLICT && isStandalone) {
      // The newest wins: the client may have lost the other one without anybody noticing.
      this.#transport.closeStandaloneSSEStream();
      reply = await ask(this.#transport, request);
    }
    if (!isAccepted(reply)) {
      await forward(reply, response);
      return;
    }
    if (isStandalone) this.#outbox.opened(stream);
    const carried = this.#responses.carry(stream, reply, response);
    if (isStandalone) this.#outbox.catchUp();
    await carried;
    this.#outbox.ended(stream);
  }
}
