/**
 * Messages of clients that the gateway does not know: takes each to the server it belongs to by what it
 * names (a task, a tool, a prompt, a resource) and by what servers advertise. A request for which that is
 * not clear is refused, never tried on several servers.
 */

import { type Frame, rangeOf } from '../../shared/json/frame.ts';
import type { Edit } from '../../shared/json/json-rpc.ts';
import { joinExact, replaceRanges } from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { member } from '../../shared/json/json-slice.ts';
import { readName, readTaskId, readUri } from '../../shared/json/keys.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';
import { JSON_RPC } from '../../shared/model/errors.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import { RELATED_TASK } from '../../shared/model/related-task.ts';
import { LEAVE_TASK, LISTEN_TO_TASK } from '../../shared/model/task-handles.ts';
import { withoutClaim } from '../calls/claim.ts';
import { judge, subjectOf } from '../calls/gate/subject.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import { serversFor } from '../catalog/extensions.ts';
import type { Profiles } from '../catalog/profiles.ts';
import type { Server } from '../servers/server.ts';
import type { Servers } from '../servers/servers.ts';
import type { Client } from './client.ts';
import type { ServerRequest } from './request.ts';
import type { Sender } from './send.ts';
import type { TaskRequests } from './tasks/task-requests.ts';

export interface UnknownOptions {
  readonly catalogs: Catalogs;
  readonly profiles: Profiles;
  readonly tasks: TaskRequests;
  readonly servers: Servers;
  readonly sender: Sender;
}

interface Destination {
  /** A name: the server that serves the client under it. */
  readonly to: Server | string;
  readonly edits: readonly Edit[];
  /** The tool that it names. */
  readonly tool: CatalogEntry | null;
  readonly prompt: CatalogEntry | null;
  /** Of the tool or prompt. */
  readonly name: string | null;
}

const NAMELESS = { edits: [], tool: null, prompt: null, name: null } as const;

/**
 * A later revision's handshake: a server's answer to it would be taken for the gateway's. And what the gateway says to its
 * own threads: a client could end what another one listens to.
 */
const NEVER_PASSED_ON = new Set(['server/discover', LISTEN_TO_TASK, LEAVE_TASK]);
/** Methods of the protocol itself begin with these, whatever servers advertise. */
const OF_PROTOCOL = new Set([
  'initialize',
  'ping',
  'server',
  'subscriptions',
  'tools',
  'prompts',
  'resources',
  'completion',
  'logging',
  'tasks',
  'notifications',
]);
const MAX_METHOD = 1024;
const NEWLINE = new TextEncoder().encode('\n');

export class UnknownMessages {
  readonly #options: UnknownOptions;

  constructor(options: UnknownOptions) {
    this.#options = options;
  }

  request(request: ServerRequest): void {
    const { method, client, idText } = request;
    const to =
      method.length > MAX_METHOD || NEVER_PASSED_ON.has(method) ? null : this.#find(request);
    if (to !== null) return this.#submit(request, to);
    const message = `Method not found: ${method.slice(0, 200)}`;
    client.refused(idText, JSON_RPC.methodNotFound, message);
  }

  /** True when servers advertise an extension, of the protocol or their own, that the method belongs to. */
  isOfExtension(method: string): boolean {
    const [word = ''] = method.split('/', 1);
    if (OF_PROTOCOL.has(word)) return false;
    return serversFor(method, this.#options.profiles.all()).length > 0;
  }

  /** To the server that has the task it names, else to the servers that advertise its kind, else to all. */
  notification(client: Client, method: string, frame: Frame): void {
    if (method.length > MAX_METHOD) return;
    const at = taskNamed(frame);
    if (at !== null) {
      const named = this.#ofTask(client, frame, at);
      if (named !== null) notify(named.server, method, frame, named.edits);
      return;
    }
    const advertised = serversFor(method, this.#options.profiles.all());
    for (const server of this.#options.servers.of(client)) {
      const concerned = advertised.length === 0 || advertised.includes(server.config.name);
      if (concerned) notify(server, method, frame, []);
    }
  }

  #submit(request: ServerRequest, { to, edits, tool, prompt, name }: Destination): void {
    const { sender } = this.#options;
    const subject = { method: request.method, tool, prompt, name, approved: false };
    if (typeof to !== 'string') return sender.submit(request, to, edits, {}, subject);
    sender.serve(request, to, (server) => sender.submit(request, server, edits, {}, subject));
  }

  #find({ frame, method, client }: ServerRequest): Destination | null {
    const taskAt = taskNamed(frame);
    const ofTask = taskAt === null ? null : this.#ofTask(client, frame, taskAt);
    if (ofTask !== null) return { ...NAMELESS, to: ofTask.server, edits: ofTask.edits };
    const advertised = serversFor(method, this.#options.profiles.all());
    const named = this.#named(frame, client);
    if (named !== null && (advertised.length === 0 || advertised.includes(named.server))) {
      const { server, ...what } = named;
      return { ...what, to: server };
    }
    const candidates = advertised.length > 0 ? advertised : this.#options.servers.names;
    const [only] = candidates;
    return only === undefined || candidates.length > 1 ? null : { ...NAMELESS, to: only };
  }

  /** The owner of the tool, prompt or resource that `params` name. */
  #named(
    frame: Frame,
    client: Client,
  ): (Omit<Destination, 'to'> & { readonly server: string }) | null {
    const catalog = this.#options.catalogs.of(client);
    const at = rangeOf(frame, SLOT.paramsName);
    const name = at === null ? null : readName(frame.line, at);
    if (at !== null && name !== null && 'text' in name) {
      for (const kind of ['tools', 'prompts'] as const) {
        const target = catalog.target(kind, name.text);
        if (target === null) continue;
        const edits = [{ at, with: target.keyRaw }];
        const { server, entry } = target;
        const [tool, prompt] = kind === 'tools' ? [entry, null] : [null, entry];
        return { server, edits, tool, prompt, name: entry.key };
      }
    }
    const uriAt = rangeOf(frame, SLOT.paramsUri);
    const uri = uriAt === null ? null : readUri(frame.line, uriAt);
    const owner = uri === null || 'wrong' in uri ? null : catalog.byUri(uri.text);
    return owner?.kind === 'server' ? { ...NAMELESS, server: owner.server } : null;
  }

  #ofTask(
    client: Client,
    { line }: Frame,
    at: ByteRange,
  ): { readonly server: Server; readonly edits: readonly Edit[] } | null {
    const id = readTaskId(line, at);
    const named = id === null ? null : this.#options.tasks.named(client, id, at);
    return named === null ? null : { server: named.task.server, edits: named.edits };
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

/** Nobody answers a notification: one that comes under HALT, or that the level does not allow, is dropped. */
function notify(server: Server, method: string, frame: Frame, edits: readonly Edit[]): void {
  if (server.halted().active) return;
  if (judge(subjectOf(method), server.config) !== 'pass') return;
  const parts = replaceRanges(frame.line, [...edits, ...withoutClaim(frame)]);
  server.notify(joinExact([...parts, NEWLINE]));
}
