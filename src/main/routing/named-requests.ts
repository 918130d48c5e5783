/**
 * Requests that name a tool or a prompt: takes each to the server that has the name, under the name that
 * the server gave it. Answers the gateway's own tool itself.
 */
import { rangeOf } from '../../shared/json/frame.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { MAX_NAME_CHARACTERS, readName } from '../../shared/json/keys.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';
import { JSON_RPC } from '../../shared/model/errors.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import { HEALTH_TOOL_NAME } from '../catalog/own-tools.ts';
import type { PendingLists } from './pending-lists.ts';
import type { ServerRequest } from './request.ts';
import type { Sender } from './send.ts';

export interface NamedRequestsOptions {
  readonly catalogs: Catalogs;
  readonly sender: Sender;
  readonly lists: PendingLists;
  /** JSON text of the health tool's result. */
  readonly health: () => string;
}

export class NamedRequests {
  readonly #options: NamedRequestsOptions;

  constructor(options: NamedRequestsOptions) {
    this.#options = options;
  }

  callTool(request: ServerRequest): void {
    this.#route(request, 'tools', rangeOf(request.frame, SLOT.paramsName));
  }

  getPrompt(request: ServerRequest): void {
    this.ofPrompt(request, rangeOf(request.frame, SLOT.paramsName));
  }

  /** A request about a prompt. @param at where its name stands. */
  ofPrompt(request: ServerRequest, at: ByteRange | null): void {
    this.#route(request, 'prompts', at);
  }

  #route(request: ServerRequest, kind: 'tools' | 'prompts', at: ByteRange | null): void {
    const { client, frame, idText } = request;
    const read = at === null ? null : readName(frame.line, at);
    if (at === null || read === null || 'wrong' in read) {
      const message = `${request.method} needs a name (a string of at most ${MAX_NAME_CHARACTERS} characters)`;
      return client.refused(idText, JSON_RPC.invalidParams, message);
    }
    const name = read.text;
    if (kind === 'tools' && name === HEALTH_TOOL_NAME) {
      return client.whenRead(idText, () =>
        client.answer(request, request.form.result(request.idRaw, this.#options.health())),
      );
    }
    const { catalogs, sender, lists } = this.#options;
    const target = catalogs.of(client).byName(kind, name);
    if (target.kind === 'target') {
      const edits = [{ at, with: target.keyRaw }];
      const { entry } = target;
      const tool = kind === 'tools' ? entry : null;
      const prompt = kind === 'prompts' ? entry : null;
      const subject = { method: request.method, tool, prompt, name: entry.key, approved: false };
      return sender.serve(request, target.server, (server) =>
        sender.submit(request, server, edits, {}, subject),
      );
    }
    if (target.kind === 'pending' && lists.await(request, target)) return;
    const why = target.kind === 'unknown' ? target.why : null;
    const unknown = `Unknown ${kind === 'tools' ? 'tool' : 'prompt'}: ${name}`;
    const message = why === null ? unknown : `${unknown}; ${why}`;
    client.refused(idText, JSON_RPC.invalidParams, message);
  }
}
