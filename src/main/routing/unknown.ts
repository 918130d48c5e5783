/**
 * Messages of clients that the gateway does not know: takes each to the server it belongs to by what it
 * names (a task, a tool, a prompt, a resource) and by what servers advertise. A request of which that is
 * not clear is refused, never tried on several servers.
 */

import { type Frame, rangeOf } from '../../shared/json/frame.ts';
import { joinExact, replaceRanges } from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { member } from '../../shared/json/json-slice.ts';
import { readName, readTaskId, readUri } from '../../shared/json/keys.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';
import { JSON_RPC } from '../../shared/model/errors.ts';
import { RELATED_TASK } from '../../shared/model/related-task.ts';
import type { Edit } from '../calls/call-table.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import { serversFor } from '../catalog/extensions.ts';
import type { Profiles } from '../catalog/profiles.ts';
import type { Session } from '../clients/session.ts';
import type { Downstream } from '../servers/server.ts';
import type { Servers } from '../servers/servers.ts';
import type { ServerRequest } from './request.ts';
import type { TaskRequests } from './tasks/task-requests.ts';

export interface UnknownOptions {
  readonly catalogs: Catalogs;
  readonly profiles: Profiles;
  readonly tasks: TaskRequests;
  readonly servers: Servers;
  /** @param to a server by its name: that which serves the client. */
  readonly submit: (
    request: ServerRequest,
    to: Downstream | string,
    edits: readonly Edit[],
  ) => void;
}

interface Destination {
  readonly to: Downstream | string;
  readonly edits: readonly Edit[];
}

/** A later revision's handshake: a server's answer to it would be taken for the gateway's. */
const NEVER_PASSED_ON = new Set(['server/discover']);
const MAX_METHOD = 1024;
const NEWLINE = new TextEncoder().encode('\n');

export class UnknownMessages {
  readonly #options: UnknownOptions;

  constructor(options: UnknownOptions) {
    this.#options = options;
  }

  request(request: ServerRequest): void {
    const { method, session, idText } = request;
    const to =
      method.length > MAX_METHOD || NEVER_PASSED_ON.has(method) ? null : this.#find(request);
    if (to !== null) return this.#options.submit(request, to.to, to.edits);
    const message = `Method not found: ${method.slice(0, 200)}`;
    session.refused(idText, JSON_RPC.methodNotFound, message);
  }

  /** To the server whose task it names, else to those that advertise its kind, else to all. */
  notification(session: Session, method: string, frame: Frame): void {
    if (method.length > MAX_METHOD) return;
    const at = taskNamed(frame);
    if (at !== null) {
      const named = this.#ofTask(session, frame, at);
      if (named !== null) notify(named.downstream, replaceRanges(frame.line, named.edits));
      return;
    }
    const advertised = serversFor(method, this.#options.profiles.all());
    for (const downstream of this.#options.servers.of(session)) {
      const concerned = advertised.length === 0 || advertised.includes(downstream.config.name);
      if (concerned) notify(downstream, [frame.line]);
    }
  }

  #find({ frame, method, session }: ServerRequest): Destination | null {
    const taskAt = taskNamed(frame);
    const ofTask = taskAt === null ? null : this.#ofTask(session, frame, taskAt);
    if (ofTask !== null) return { to: ofTask.downstream, edits: ofTask.edits };
    const advertised = serversFor(method, this.#options.profiles.all());
    const named = this.#named(frame, session);
    if (named !== null && (advertised.length === 0 || advertised.includes(named.server))) {
      return { to: named.server, edits: named.edits };
    }
    const candidates = advertised.length > 0 ? advertised : this.#options.servers.names;
    const [only] = candidates;
    return only === undefined || candidates.length > 1 ? null : { to: only, edits: [] };
  }

  /** The owner of the tool, prompt or resource that `params` name. */
  #named(
    frame: Frame,
    session: Session,
  ): { readonly server: string; readonly edits: readonly Edit[] } | null {
    const catalog = this.#options.catalogs.of(session);
    const at = rangeOf(frame, SLOT.paramsName);
    const name = at === null ? null : readName(frame.line, at);
    if (at !== null && name !== null && 'text' in name) {
      for (const kind of ['tools', 'prompts'] as const) {
        const target = catalog.byName(kind, name.text);
        if (target.kind !== 'target') continue;
        return { server: target.server, edits: [{ at, with: target.keyRaw }] };
      }
    }
    const uriAt = rangeOf(frame, SLOT.paramsUri);
    const uri = uriAt === null ? null : readUri(frame.line, uriAt);
    const owner = uri === null || 'wrong' in uri ? null : catalog.byUri(uri.text);
    return owner?.kind === 'server' ? { server: owner.server, edits: [] } : null;
  }

  #ofTask(
    session: Session,
    { line }: Frame,
    at: ByteRange,
  ): { readonly downstream: Downstream; readonly edits: readonly Edit[] } | null {
    const id = readTaskId(line, at);
    const named = id === null ? null : this.#options.tasks.named(session, id, at);
    return named === null ? null : { downstream: named.task.downstream, edits: named.edits };
  }
}

/** Where a message names a task. */
function taskNamed(frame: Frame): ByteRange | null {
  const at = rangeOf(frame, SLOT.paramsTaskId);
  if (at !== null) return at;
  const meta = rangeOf(frame, SLOT.paramsMeta);
  const related = meta === null ? null : member(frame.line, meta, RELATED_TASK);
  return related === null ? null : member(frame.line, related, 'taskId');
}

function notify(downstream: Downstream, parts: readonly Uint8Array[]): void {
  downstream.notify(joinExact([...parts, NEWLINE]));
}
