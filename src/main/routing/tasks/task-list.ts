/**
 * One `tasks/list` of a client: asks each server that has tasks of it for all its pages and keeps, of what
 * comes, the client's own. The answer is one page. A server that fails only leaves its tasks out.
 */
import { replaceRanges } from '../../../shared/json/json-rpc.ts';
import type { AnswerMessage } from '../../../shared/protocol/from-supervisor.ts';
import type { Call, CallOwner } from '../../calls/call.ts';
import type { Server } from '../../servers/server.ts';
import type { ServerRequest } from '../request.ts';
import type { Sender } from '../send.ts';
import { MAX_TASKS, shown, type Tasks } from './tasks.ts';

const MAX_PAGES = 50;
const encoder = new TextEncoder();
const COMMA = encoder.encode(',');

export class TaskList {
  readonly idText: string;
  readonly #request: ServerRequest;
  readonly #tasks: Tasks;
  readonly #sender: Sender;
  readonly #calls = new Map<Server, Call>();
  readonly #listed = new Map<string, readonly Uint8Array[]>();
  #left: number;

  /** Begins, and has its client track it as a request that can be cancelled. */
  constructor(
    request: ServerRequest,
    servers: readonly Server[],
    options: { readonly tasks: Tasks; readonly sender: Sender },
  ) {
    this.idText = request.idText;
    this.#request = request;
    this.#tasks = options.tasks;
    this.#sender = options.sender;
    this.#left = servers.length;
    request.client.track(this);
    if (servers.length === 0) this.#answer();
    for (const server of servers) this.#page(server, {}, 1);
  }

  withdraw(reason: string): void {
    for (const [server, call] of this.#calls) server.cancel(call, reason);
  }

  #page(server: Server, params: object, number: number): void {
    let cursor: string | null = null;
    const onTasks = (answer: AnswerMessage) => {
      this.#keep(server, answer);
      cursor = answer.tasks?.nextCursor ?? null;
      return [];
    };
    const owner: CallOwner = {
      needsDrain: false,
      answer: () => {
        const isLast = cursor === null || number >= MAX_PAGES;
        if (isLast) this.#done(server);
        else this.#page(server, { cursor: JSON.parse(cursor ?? '""') }, number + 1);
      },
      send: () => {},
    };
    const hooks = { tasks: 'list', onTasks } as const;
    const call = this.#sender.ask(server, 'tasks/list', params, { owner, hooks });
    if (call === null) this.#done(server);
    else this.#calls.set(server, call);
  }

  #keep(server: Server, { line, tasks }: AnswerMessage): void {
    for (const note of tasks?.notes ?? []) {
      const task = this.#tasks.ofServer(server, note.id);
      if (task?.client !== this.#request.client || this.#listed.size >= MAX_TASKS) continue;
      if (note.ended) this.#tasks.ended(task, performance.now());
      const [start, end] = note.at;
      const edits = shown(task, note).map((edit) => ({
        with: edit.with,
        at: [edit.at[0] - start, edit.at[1] - start] as const,
      }));
      this.#listed.set(task.shownId, replaceRanges(line.subarray(start, end), edits));
    }
  }

  #done(server: Server): void {
    this.#calls.delete(server);
    this.#left -= 1;
    if (this.#left === 0) this.#answer();
  }

  #answer(): void {
    const entries = [...this.#listed.values()];
    this.#request.client.answer(this, [
      encoder.encode('{"jsonrpc":"2.0","id":'),
      this.#request.idRaw,
      encoder.encode(',"result":{"tasks":['),
      ...entries.flatMap((parts, at) => (at === 0 ? parts : [COMMA, ...parts])),
      encoder.encode(']}}'),
    ]);
  }
}
