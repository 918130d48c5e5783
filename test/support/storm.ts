/**
 * Calls to healthy and to faulty servers of one gateway at the same time, over stdio and HTTP, and the
 * books of them: what was sent, what came back byte for byte, and what the healthy servers were asked.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RawHttpClient } from './raw-http-client.ts';
import type { Rea } from './rea-process.ts';
import { fixture, type ServerSpec } from './servers.ts';
import { within } from './wait-for.ts';

/** A call of a faulty server. */
export interface FaultCall {
  readonly server: string;
  readonly tool: string;
  readonly args?: object;
  /** The raw answer when the call succeeds, null where it never does. */
  readonly answer: ((idRaw: string) => string) | null;
}

/** What a client's end is made of here; a call resolves with the only answer to it, as it came. */
interface Caller {
  call(tool: string, args: object): Promise<{ readonly idRaw: string; readonly raw: string }>;
}

export const HEALTHY: readonly string[] = ['good-one', 'good-two', 'good-three'];

const HTTP_CLIENTS = 2;
/** Of each kind, for each client. */
const LANES = 2;
const LEAST_CALLS_OF_LANE = 13;
/** Characters of the markers, one after the other; the largest are about a megabyte. */
const SIZES = [40, 1500, 40, 25_000, 40, 400, 120_000, 40, 1500, 40, 450_000, 40];
/** What JSON has to escape, and what is more than one byte. */
const FILLER = 'ü世"\\\n';
const MAX_PROBLEMS = 10;
/** A net under all calls of a storm; longer than any deadline that a test configures. */
const LIMIT_MS = 110_000;
/** How fixtures and the gateway begin what is no answer. */
const NO_ANSWER = /^\{"jsonrpc":"2\.0","method":/;
const REFUSED = 'not_sent';

/** Servers that note in `dir` what they are asked. */
export function healthyServers(dir: string): Record<string, ServerSpec> {
  return Object.fromEntries(
    HEALTHY.map((name) => [name, fixture('echo', '--journal', join(dir, name))]),
  );
}

/** An answer as most fixtures write it. */
export function textAnswer(text: string): (idRaw: string) => string {
  const result = JSON.stringify({ content: [{ type: 'text', text }] });
  return (idRaw) => `{"jsonrpc":"2.0","id":${idRaw},"result":${result}}`;
}

/** An answer as fixtures write raw results. */
export function rawAnswer(resultJson: string): (idRaw: string) => string {
  return (idRaw) => `{"result":${resultJson},"jsonrpc":"2.0","id":${idRaw}}`;
}

export class Callers {
  /** Calls by server. */
  readonly sent = new Map<string, number>();
  /** What became of the calls of faulty servers: `ok`, or `code outcome` of the error. */
  readonly outcomes = new Map<string, number>();
  /** What was not as it must be, a sentence each. */
  readonly problems: string[] = [];
  /** Characters in the answers of faulty servers. */
  received = 0;
  readonly #callers: Caller[] = [];
  readonly #clients: RawHttpClient[] = [];
  readonly #markers = new Map<string, string[]>();
  readonly #rea: Rea;
  readonly #next: (turn: number) => FaultCall;
  /** What is asked and not answered, in words. */
  readonly #open = new Set<string>();
  #turn = 0;
  #over = false;

  private constructor(rea: Rea, next: (turn: number) => FaultCall) {
    this.#rea = rea;
    this.#next = next;
  }

  /** Over the gateway's stdio and several sessions over HTTP. @param next tells the faulty calls. */
  static async open(rea: Rea, next: (turn: number) => FaultCall): Promise<Callers> {
    const callers = new Callers(rea, next);
    let token = 0;
    callers.#callers.push({
      call: async (tool, args) => {
        token += 1;
        const pending = rea.begin(tool, args, { progressToken: token });
        return { idRaw: JSON.stringify(pending.id), raw: (await pending.answer).raw };
      },
    });
    const url = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
    for (let at = 0; at < HTTP_CLIENTS; at += 1) await callers.#openHttp(url);
    return callers;
  }

  get answered(): number {
    return this.totalSent - this.#open.size;
  }

  get totalSent(): number {
    return [...this.sent.values()].reduce((sum, calls) => sum + calls, 0);
  }

  /** Calls of faulty servers that have ended in any way. */
  get endedFaults(): number {
    return [...this.outcomes.values()].reduce((sum, calls) => sum + calls, 0);
  }

  /** Calls all the time until `raged` resolves; resolves once everything is answered. */
  async run(raged: () => Promise<unknown>): Promise<void> {
    const lanes = this.#callers.flatMap((caller) =>
      Array.from({ length: LANES }, () => [this.#callHealthy(caller), this.#callFaulty(caller)]),
    );
    const end = raged().finally(() => {
      this.#over = true;
    });
    const open = () =>
      `${this.#over ? 'over' : 'not raged for long enough'}, received ${this.received}, ` +
      `of ${this.totalSent} calls ${this.#open.size} are open: ${[...this.#open].join(', ')}; ${this.#rea.standing()}`;
    await within(Promise.all([end, ...lanes.flat()]), LIMIT_MS, open);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  /** Compares what a healthy server noted in `dir` with what it was sent: each once, in one life. */
  audit(dir: string, server: string): void {
    const lines = readFileSync(join(dir, server), 'utf8').split('\n');
    const started = lines.filter((line) => line.startsWith('{"started":')).length;
    if (started !== 1) this.#problem(`${server} was started ${started} times`);
    const executed = lines
      .filter((line) => line.includes('"method":"tools/call"'))
      .map((line) => /"text":"<([^>]*)>/.exec(line)?.[1] ?? line.slice(0, 200));
    const sent = this.#markers.get(server) ?? [];
    if (executed.length !== sent.length) {
      this.#problem(`${server} executed ${executed.length} of ${sent.length} calls`);
    }
    const known = new Set(executed);
    const lost = sent.filter((marker) => !known.has(marker));
    if (lost.length > 0) this.#problem(`${server} did not get ${lost.length}, first ${lost[0]}`);
  }

  async #openHttp(url: string): Promise<void> {
    const client = await RawHttpClient.open(url);
    this.#clients.push(client);
    await client.listen((raw) => {
      if (!NO_ANSWER.test(raw)) this.#problem(`an answer came on a stream of its own: ${raw}`);
    });
    let last = 0;
    const call = async (name: string, args: object) => {
      last += 1;
      const params = JSON.stringify({ name, arguments: args, _meta: { progressToken: last } });
      const body = `{"jsonrpc":"2.0","id":${last},"method":"tools/call","params":${params}}`;
      const answers: string[] = [];
      const idRaw = String(last);
      const status = await client.post(body, (raw) => {
        if (!NO_ANSWER.test(raw)) answers.push(raw);
      });
      const [raw = `status ${status} without an answer`] = answers;
      if (answers.length > 1) this.#problem(`${answers.length} answers to ${name}: ${answers[1]}`);
      return { idRaw, raw };
    };
    this.#callers.push({ call });
  }

  async #callHealthy(caller: Caller): Promise<void> {
    for (let made = 0; made < LEAST_CALLS_OF_LANE || !this.#over; made += 1) {
      await this.#mark(caller, SIZES[made % SIZES.length] ?? 0);
    }
  }

  async #callFaulty(caller: Caller): Promise<void> {
    while (!this.#over) {
      this.#turn += 1;
      const { server, tool, args = {}, answer } = this.#next(this.#turn);
      const { idRaw, raw } = await this.#call(caller, server, tool, args);
      const outcome = answer !== null && raw === answer(idRaw) ? 'ok' : this.#failure(server, raw);
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
      this.received += raw.length;
      // Refusals come at once: asking for nothing else would be a storm of its own.
      if (outcome.endsWith(REFUSED)) await this.#mark(caller, 40);
    }
  }

  /** A call of a healthy server that must give back what nobody else has sent. */
  async #mark(caller: Caller, size: number): Promise<void> {
    this.#turn += 1;
    const marker = String(this.#turn);
    const server = HEALTHY[this.#turn % HEALTHY.length] ?? '';
    const text = `<${marker}>${FILLER.repeat(size / FILLER.length)}`;
    const markers = this.#markers.get(server) ?? [];
    this.#markers.set(server, markers);
    markers.push(marker);
    const { idRaw, raw } = await this.#call(caller, server, 'echo', { text });
    const expected = textAnswer(text)(idRaw);
    if (raw !== expected) this.#problem(`expected of ${server} ${short(expected)}, got ${raw}`);
  }

  async #call(caller: Caller, server: string, tool: string, args: object) {
    this.sent.set(server, (this.sent.get(server) ?? 0) + 1);
    const at = this.#callers.indexOf(caller);
    const open = `${this.totalSent} (${server} of client ${at}, at ${Math.round(performance.now())} ms)`;
    this.#open.add(open);
    const answer = await caller.call(`${server}__${tool}`, args);
    this.#open.delete(open);
    return answer;
  }

  /** The gateway's own error in words; anything else is a problem. */
  #failure(server: string, raw: string): string {
    const failure = failureOf(raw);
    if (failure?.server === server) return `${failure.code} ${failure.outcome}`;
    this.#problem(`${server} answered ${raw}`);
    return 'wrong';
  }

  #problem(what: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(short(what));
  }
}

function failureOf(raw: string): { code: string; outcome: string; server: string } | null {
  try {
    const { result, error } = JSON.parse(raw);
    return result?._meta?.['rea/error'] ?? error?.data?.['rea/error'] ?? null;
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

function short(text: string): string {
  return text.length <= 500 ? text : `${text.slice(0, 500)}… (${text.length} characters)`;
}
