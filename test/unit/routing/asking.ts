/** One server that asks, clients that are asked, and what both have heard. */

import type { Call, OpenQuestion } from '#src/main/calls/call.ts';
import type { Halt } from '#src/main/calls/gate/halt.ts';
import type * as routing from '#src/main/routing/client.ts';
import type { Grant } from '#src/main/routing/grant.ts';
import { Elicitations } from '#src/main/routing/server-requests/elicitations.ts';
import { RequestIds } from '#src/main/routing/server-requests/request-ids.ts';
import { ServerRequests } from '#src/main/routing/server-requests/server-requests.ts';
import { Tasks } from '#src/main/routing/tasks/tasks.ts';
import type * as servers from '#src/main/servers/server.ts';
import { scanFrame } from '#src/shared/json/frame.ts';
import type { AsksConfig } from '#src/shared/model/asks.ts';
import type { ReverseRequestMessage } from '#src/shared/protocol/from-supervisor.ts';

export interface Heard {
  readonly message: { id?: string; method?: string; params?: Record<string, unknown> };
  readonly relatedTo: string | null;
}

/** What the router knows of a client and of a server, as far as this is concerned. */
export class Client {
  readonly heard: Heard[] = [];
  readonly #capabilities: readonly string[];

  constructor(...capabilities: string[]) {
    this.#capabilities = capabilities;
  }

  get client(): routing.Client {
    return this as unknown as routing.Client;
  }

  several = false;
  /** What is different about some of its requests, by their ids. */
  readonly grants = new Map<string | null, Partial<Grant>>();

  grant(about: string | null): Grant {
    return {
      refusal: null,
      byAnswer: false,
      isAway: false,
      can: 0,
      supports: (...path) => this.#capabilities.includes(path.join('.')),
      ...this.grants.get(about),
    };
  }

  withdraw(_question: string, parts: readonly Uint8Array[], relatedTo: string | null): void {
    this.ask(parts, relatedTo);
  }

  /** The names of the questions, as far as they have any. */
  readonly names: (string | null)[] = [];

  ask(parts: readonly Uint8Array[], relatedTo: string | null, name: string | null = null): void {
    this.names.push(name);
    this.heard.push({ message: JSON.parse(Buffer.concat(parts).toString()), relatedTo });
  }
}

/** Unless a test is about that, anybody may be asked at any time. */
export const ALLOWED: AsksConfig = {
  elicitation: 'allow',
  sampling: 'allow',
  unsolicited: 'allow',
};

export class Server {
  owner: Client | null = null;
  readonly phase = 'ready';
  readonly config = { name: 'evil', asks: { ...ALLOWED } };
  current: Server = this;
  readonly told: { incarnation: number; text: string }[] = [];
  readonly calls = new Map<Client, string>();

  get server(): servers.Server {
    return this as unknown as servers.Server;
  }

  /** Calls in flight, and for each the number of questions that its clock stands for. */
  readonly inFlight = new Map<Call, number>();

  /** The last one that a clock was stopped for. */
  question: OpenQuestion | null = null;
  readonly callsInFlight = this;

  released(): void {}

  callsOf(): Call[] {
    return [...this.inFlight.keys()];
  }

  stopClock(call: Call, question: OpenQuestion): void {
    this.question = question;
    this.inFlight.set(call, (this.inFlight.get(call) ?? 0) + 1);
  }

  resumeClock(call: Call): void {
    this.inFlight.set(call, (this.inFlight.get(call) ?? 0) - 1);
  }

  /** The calls that were told that they wait. */
  readonly waiting: string[] = [];

  tellWaiting({ idText }: Call): void {
    this.waiting.push(idText);
  }

  ownerOf(id: number): object | null {
    return [...this.inFlight.keys()].find((call) => call.id === id)?.owner ?? null;
  }

  /** Whose calls have ended there without an answer. */
  readonly left = new Set<unknown>();

  othersLeft(owner: unknown): boolean {
    return [...this.left].some((one) => one !== owner);
  }

  callOf(client: unknown): string | null {
    return this.calls.get(client as Client) ?? null;
  }

  get asks(): AsksConfig {
    return this.current.config.asks;
  }

  sendLine(incarnation: number, line: Uint8Array): void {
    this.told.push({ incarnation, text: Buffer.from(line).toString() });
  }
}

export let clients: Set<Client>;
export let requests: ServerRequests;
export let server: Server;
export let tasks: Tasks;
export let elicitations: Elicitations;
export let halt: Halt;

/** Call it before each test. */
export function reset(): void {
  clients = new Set();
  server = new Server();
  tasks = new Tasks();
  elicitations = new Elicitations();
  halt = { active: false, reason: null };
  requests = new ServerRequests({
    clients: clients as unknown as Set<routing.Client>,
    tasks,
    elicitations,
    halted: () => halt,
    ids: new RequestIds(),
    waitingMs: 15_000,
  });
}

export function setHalt(next: Halt): void {
  halt = next;
}

export function join(...capabilities: string[]): Client {
  const client = new Client(...capabilities);
  clients.add(client);
  return client;
}

/** The server asks with id 9007199254740993 and a progress token of its own. */
export function ask(
  incarnation = 1,
  { method = 'sampling/createMessage', ...more }: Partial<ReverseRequestMessage> = {},
): void {
  const text = `{"jsonrpc":"2.0","id":9007199254740993,"method":"${method}","params":{"_meta":{"progressToken":"mine"},"maxTokens":1}}`;
  const range = (part: string) => [text.indexOf(part), text.indexOf(part) + part.length] as const;
  requests.ask(server.server, {
    type: 'reverse_request',
    slot: 0,
    incarnation,
    method,
    line: Buffer.from(text),
    id: range('9007199254740993'),
    token: range('"mine"'),
    needs: ['sampling'],
    name: null,
    calls: [...server.inFlight.keys()].map((one) => one.id),
    mayBeOfOthers: false,
    call: null,
    relatedTask: null,
    makesTask: false,
    taskId: null,
    elicitationId: null,
    ...more,
  });
}

export function receive(text: string) {
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(text);
  return frame;
}

/** The only caller makes a task of what it is asked. @returns the id under which it was asked. */
export function makeTask(client: Client, taskId: string): string {
  server.calls.clear();
  server.calls.set(client, '1');
  ask(1, { makesTask: true });
  const id = client.heard.at(-1)?.message.id ?? '';
  const result = `{"jsonrpc":"2.0","id":"${id}","result":{"task":{"taskId":"${taskId}"}}}`;
  requests.answer(client.client, receive(result));
  return id;
}

/** What the server was told last: its error, or its result. */
export function lastTold() {
  return JSON.parse(server.told.at(-1)?.text ?? '{}');
}

/** The client's answer to what it was asked last. */
export function answer(client: Client): void {
  const id = client.heard.findLast(({ message }) => message.method !== 'notifications/cancelled')
    ?.message.id;
  requests.answer(client.client, receive(`{"jsonrpc":"2.0","id":"${id}","result":{"late":1}}`));
}
