/** What the page asks for: what there is to see, and what the control socket does as well. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ControlLog } from '../operator/control-options.ts';
import type { Operable } from '../operator/operable.ts';
import type { Found } from '../operator/reach.ts';
import { type ApiRequest, NOT_KNOWN, reply } from '../operator/reply.ts';
import { bodyOf } from '../operator/request-body.ts';
import { type Api, route } from '../operator/routes.ts';
import { Watching } from '../operator/watching.ts';
import { fieldsOf } from '../processes/fields.ts';
import type { ApiAsked } from './listener.ts';
import type { Looks } from './looks.ts';
import { wereReplaced } from './page-state.ts';
import { tryTool } from './try-tool.ts';

export interface PageOptions {
  readonly operable: Operable;
  readonly looks: Looks;
  readonly log: Pick<ControlLog, 'warn'>;
  /** The gateway as its own control socket has it; null: it has none. */
  readonly self: () => Found | null;
}

const BODY_MS = 10_000;
const MOST_NAME = 1000;
const TO_SERVER: readonly string[] = ['restart', 'enable', 'disable'];
/** Of the control socket's the page has these: it neither stops the gateway nor takes programs that wait. */
const TO_GATEWAY: readonly string[] = ['freeze', 'unfreeze'];
/** Answers that take time, at once, of all tabs: a browser keeps six connections, and needs some to look, and to freeze. */
const MOST_ACTS = 4;

export function pageRoutes({ operable, looks, log, self }: PageOptions) {
  const api: Api = {
    operable,
    log,
    watching: new Watching(operable),
    page: null,
    by: 'from its page',
  };
  let acts = 0;

  return async (
    asked: ApiAsked,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const { method, path, query } = asked;
    const [what = '', name, verb] = path;
    if (method === 'GET') {
      if (path.length !== 1) return reply(response, 404, NOT_KNOWN);
      return look(what, query, response);
    }
    const body = await bodyOf(request, BODY_MS);
    if (body === null)
      return reply(response, 400, { error: 'send one JSON object of at most 64 KiB' });
    if (operable.stopping) return reply(response, 503, { error: 'the gateway is stopping' });
    response.once('finish', () => looks.expire());
    const passOn: ApiRequest = { method, path, query, body };
    // Whatever else goes on, the kill switch gets through.
    if (path.length === 1 && TO_GATEWAY.includes(what)) {
      return route(api, passOn, response);
    }
    if (acts >= MOST_ACTS) {
      return reply(response, 503, {
        error: `${MOST_ACTS} things are going on already: wait for one of them to end`,
      });
    }
    acts += 1;
    response.once('close', () => {
      acts -= 1;
    });
    if (what === 'call' && path.length === 1) return call(body, response);
    if (what !== 'servers' || path.length !== 3 || !TO_SERVER.includes(verb ?? '')) {
      return reply(response, 404, NOT_KNOWN);
    }
    const changed = changedMeanwhile(name ?? '', query.get('seen'));
    if (changed !== null) return reply(response, 409, { error: changed });
    return route(api, passOn, response);
  };

  async function look(
    what: string,
    query: URLSearchParams,
    response: ServerResponse,
  ): Promise<void> {
    switch (what) {
      case 'look': {
        const text = await looks.look(query);
        const length = Buffer.byteLength(text);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
        response.end(text);
        return;
      }
      case 'tools':
        return route(api, { method: 'GET', path: ['tools'], query, body: null }, response);
      case 'rules': {
        const lines = operable.rules((query.get('tool') ?? '').slice(0, MOST_NAME));
        return lines === null
          ? reply(response, 404, {
              error: 'no rule decides about it: it is a tool of the gateway itself, or is gone',
            })
          : reply(response, 200, { lines });
      }
      case 'settings':
        return reply(response, 200, { lines: operable.settings() });
      default:
        return reply(response, 404, NOT_KNOWN);
    }
  }

  /** Somebody else was faster: what is asked for was meant for what is gone. @param seen null: nothing was seen. */
  function changedMeanwhile(name: string, seen: string | null): string | null {
    const server = operable.servers().find((one) => one.name === name);
    if (server === undefined || seen === null || !wereReplaced(server, seen)) return null;
    return `${name} has changed meanwhile, and nothing was done: look, and try again`;
  }

  function call(body: NonNullable<ApiRequest['body']>, response: ServerResponse): void {
    const { tool, arguments: given } = body;
    const args = fieldsOf(given);
    const gateway = self();
    if (typeof tool !== 'string' || args === null) {
      return reply(response, 400, { error: 'give a tool and its arguments' });
    }
    if (gateway === null) return reply(response, 409, { error: 'it has no control socket' });
    tryTool(gateway, operable.version, { tool, args }, response);
  }
}
