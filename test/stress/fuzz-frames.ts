/**
 * Mutated frames in both directions through a real gateway: a client that writes them over stdio and
 * over HTTP, and a server that writes them. `node test/stress/fuzz-frames.ts [frames] [seed]`, by
 * default a million; exits 1 when anything crashed, was answered twice or never, disturbed a sane call,
 * or made stdout carry anything but messages.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { type BareGateway, startBareGateway } from '../support/bare-gateway.ts';
import { RawHttpClient } from '../support/raw-http-client.ts';
import { fixture, registry } from '../support/servers.ts';
import { conclude, isMain, numbers } from '../support/stress.ts';
import { tidy } from '../support/tidy.ts';
import { until, within } from '../support/wait-for.ts';
import { answeredId, due, wrongWith } from './frame-oracle.ts';
import { type Random, seededRandom } from './json-documents.ts';
import { clientMessages, mutated, serverMessages } from './mutations.ts';

export interface FuzzResult {
  readonly direction: 'client, stdio' | 'client, HTTP' | 'server';
  readonly frames: number;
  /** Requests among them that had to be answered, and were, once. */
  readonly answered: number;
  /** Calls in between, each of which had to succeed; and did. */
  readonly sane: number;
  /** A sentence each, the first 20. */
  readonly problems: readonly string[];
  readonly seconds: number;
}

type Tally = {
  -readonly [Key in keyof FuzzResult]: FuzzResult[Key];
} & { problems: string[] };

const BATCH = 1000;
const START_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 60_000;
const HTTP_AT_ONCE = 16;
const MAX_PROBLEMS = 20;
/** Room for all calls of a batch. */
const CONFIG = registry(
  { echo: fixture('echo'), emits: fixture('emits') },
  { max_queue: 10_000, breaker: { failures: 1000, cooldown_ms: 1000 } },
);

/** A client that writes mutated messages over stdio. */
export async function fuzzStdio(frames: number, seed: number): Promise<FuzzResult> {
  const tally = newTally('client, stdio', frames);
  const random = seededRandom(seed);
  const peer = new StdioPeer(tally);
  await peer.open();
  const messages = clientMessages();
  for (let at = 0; at < frames; at += BATCH) {
    const lines = Array.from({ length: Math.min(BATCH, frames - at) }, (_, index) =>
      withId(mutated(random, messages), `"m${at + index}"`),
    );
    await peer.exchange(random, Buffer.concat(lines.flatMap((line) => [line, NEWLINE])));
  }
  await peer.close();
  return finish(tally);
}

/** A client that posts mutated messages. */
export async function fuzzHttp(frames: number, seed: number): Promise<FuzzResult> {
  const tally = newTally('client, HTTP', frames);
  const random = seededRandom(seed);
  const gateway = startBareGateway(
    CONFIG,
    ['--http', '127.0.0.1:0', '--no-token', '--stdio'],
    () => {},
  );
  const url = await until(() => stateOf(gateway)?.endpoint.http, {
    limitMs: START_LIMIT_MS,
    what: 'the endpoint',
  });
  const messages = clientMessages();
  let next = 0;
  const visitor = async (): Promise<void> => {
    const client = await RawHttpClient.open(url);
    while (next < frames) {
      const body = withId(mutated(random, messages), `"m${next}"`);
      next += 1;
      const sane = next % 50 === 0 ? saneCall(`"sane-${next}"`) : null;
      await within(postOne(client, body, tally), ANSWER_LIMIT_MS, () => show(body));
      if (sane !== null && (await postOne(client, Buffer.from(sane), tally))) tally.sane += 1;
    }
    await client.close();
  };
  await Promise.all(Array.from({ length: HTTP_AT_ONCE }, visitor));
  await stop(gateway, tally);
  return finish(tally);
}

/** A server that writes mutated messages before each of its answers. */
export async function fuzzServer(frames: number, seed: number): Promise<FuzzResult> {
  const tally = newTally('server', frames);
  const random = seededRandom(seed);
  const peer = new StdioPeer(tally);
  await peer.open();
  const messages = serverMessages('999999999');
  const own = serverMessages('@CALL@');
  for (let at = 0; at < frames; at += BATCH) {
    const lines = Array.from({ length: Math.min(BATCH, frames - at) }, () =>
      mutated(random, random.next() < 1 / BATCH ? own : messages),
    );
    const bytes = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]));
    const args = JSON.stringify({ base64: bytes.toString('base64') });
    const emit = `{"jsonrpc":"2.0","id":"emit${at}","method":"tools/call","params":{"name":"emits__emit","arguments":${args},"_meta":{"progressToken":${at}}}}`;
    await peer.exchange(random, Buffer.from(`${emit}\n`));
  }
  const server = stateOf(peer.gateway)?.downstreams.find(({ name }) => name === 'emits');
  if (server?.phase !== 'ready' || server.restarts > 0) {
    note(tally, `the server is ${server?.phase}, restarted ${server?.restarts} times`);
  }
  await peer.close();
  return finish(tally);
}

/** The one client of a gateway on stdio, which keeps account of what it must be answered. */
class StdioPeer {
  readonly #tally: Tally;
  readonly #gateway: BareGateway;
  readonly #answers = new Map<string, number>();
  /** Answers with the id null. */
  #nameless = 0;
  #sane = 0;
  #wanted: { readonly idRaw: string; readonly resolve: (line: string) => void } | null = null;

  constructor(tally: Tally) {
    this.#tally = tally;
    this.#gateway = startBareGateway(CONFIG, [], (line) => this.#receive(line));
  }

  get gateway(): BareGateway {
    return this.#gateway;
  }

  async open(): Promise<void> {
    const params =
      '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"fuzz","version":"1"}}';
    await this.#ask(
      '"first"',
      `{"jsonrpc":"2.0","id":"first","method":"initialize","params":${params}}`,
    );
    await this.#gateway.write(
      Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}\n'),
    );
    const server = (name: string) =>
      stateOf(this.#gateway)?.downstreams.find((one) => one.name === name)?.phase === 'ready';
    await until(() => server('echo') && server('emits'), {
      limitMs: START_LIMIT_MS,
      what: 'the servers to be ready',
    });
  }

  /** Writes bytes, then a call; once that is answered, so must be all before it. */
  async exchange(random: Random, bytes: Buffer): Promise<void> {
    const expected = new Map<string, number>();
    const others = { nothing: 0, maybe: 0 };
    const cancelled = new Set<string>();
    for (const line of linesOf(bytes)) {
      const what = due(line);
      if (what.kind === 'answer') expected.set(what.idRaw, (expected.get(what.idRaw) ?? 0) + 1);
      else others[what.kind] += 1;
      if (what.kind === 'nothing' && what.cancels !== undefined) cancelled.add(what.cancels);
    }
    this.#answers.clear();
    this.#nameless = 0;
    for (const piece of pieces(random, bytes)) {
      await this.#gateway.write(piece);
      if (piece.length === 1) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const idRaw of expected.keys()) {
      if (idRaw.startsWith('"emit')) {
        await until(() => this.#answers.get(idRaw), { limitMs: ANSWER_LIMIT_MS, what: idRaw });
      }
    }
    this.#sane += 1;
    const id = `"sane-${this.#sane}"`;
    const answer = await this.#ask(id, saneCall(id));
    if (answer.includes(`"text":${id}`)) this.#tally.sane += 1;
    else note(this.#tally, `a sane call got ${answer}`);
    this.#settle(expected, cancelled, others, bytes);
  }

  async close(): Promise<void> {
    await stop(this.#gateway, this.#tally);
  }

  /** Compares the answers that came with those that were to come, and with those that could. */
  #settle(
    expected: ReadonlyMap<string, number>,
    cancelled: ReadonlySet<string>,
    { nothing, maybe }: { readonly nothing: number; readonly maybe: number },
    bytes: Buffer,
  ): void {
    let extra = 0;
    for (const [idRaw, count] of expected) {
      const got = this.#answers.get(idRaw) ?? 0;
      this.#answers.delete(idRaw);
      this.#tally.answered += Math.min(got, count);
      extra += Math.max(0, got - count);
      if (got < count && !cancelled.has(idRaw))
        note(this.#tally, `${idRaw} got ${got} answers of ${count}: ${show(bytes)}`);
    }
    for (const count of this.#answers.values()) extra += count;
    if (extra > maybe || extra + this.#nameless > maybe + nothing) {
      const what = `${extra} answers and ${this.#nameless} without id`;
      note(this.#tally, `${what}, but ${maybe} and ${nothing} were possible: ${show(bytes)}`);
    }
  }

  async #ask(idRaw: string, line: string): Promise<string> {
    const answer = new Promise<string>((resolve) => {
      this.#wanted = { idRaw, resolve };
    });
    await this.#gateway.write(Buffer.from(`${line}\n`));
    return within(
      answer,
      ANSWER_LIMIT_MS,
      () => `no answer to ${idRaw}; ${this.#gateway.grave.join()}`,
    );
  }

  #receive(line: Buffer): void {
    const wrong = wrongWith(line);
    if (wrong !== null) return note(this.#tally, `stdout carries ${wrong}: ${show(line)}`);
    const idRaw = answeredId(line);
    if (idRaw === null) return;
    if (idRaw === this.#wanted?.idRaw) return this.#wanted.resolve(line.toString());
    if (idRaw === 'null') this.#nameless += 1;
    else this.#answers.set(idRaw, (this.#answers.get(idRaw) ?? 0) + 1);
  }
}

/** Posts one body and judges the response. @returns whether it was answered as a request. */
async function postOne(client: RawHttpClient, body: Buffer, tally: Tally): Promise<boolean> {
  const answers: string[] = [];
  const status = await client.post(body, (raw) => answers.push(raw));
  const what = due(body);
  const isRefused = status === 400 || status === 202;
  const [answer = ''] = answers;
  if (!isRefused && (status !== 200 || answers.length !== 1)) {
    note(tally, `status ${status}, ${answers.length} answers: ${show(body)}`);
  } else if (what.kind === 'answer' && status === 202) {
    note(tally, `a request was taken for something else: ${show(body)}`);
  } else if (what.kind === 'answer' && status === 200) {
    if (answeredId(Buffer.from(answer)) === what.idRaw) {
      tally.answered += 1;
      return true;
    }
    note(tally, `${what.idRaw} was answered with ${answer}`);
  }
  return false;
}

async function stop(gateway: BareGateway, tally: Tally): Promise<void> {
  const code = await gateway.stop();
  if (code !== 0) note(tally, `the gateway ended with ${code}`);
  for (const line of gateway.grave) note(tally, line);
}

function stateOf({ dir }: BareGateway): StateSnapshot | null {
  try {
    return JSON.parse(readFileSync(join(dir, '.rea', 'serve.state.json'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const NEWLINE = Buffer.from('\n');

/** Messages are made with a placeholder in place of their id. */
function withId(bytes: Buffer, idRaw: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll('"@ID@"', idRaw), 'latin1');
}

function saneCall(idRaw: string): string {
  return `{"jsonrpc":"2.0","id":${idRaw},"method":"tools/call","params":{"name":"echo__echo","arguments":{"text":${idRaw}}}}`;
}

function* linesOf(bytes: Buffer): Generator<Buffer> {
  let from = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, from)) {
    yield bytes.subarray(from, at);
    from = at + 1;
  }
}

/** The bytes in one write, in random ones, or seldom the beginning one by one. */
function* pieces(random: Random, bytes: Buffer): Generator<Buffer> {
  const kind = random.next();
  let at = 0;
  while (kind < 0.02 && at < Math.min(bytes.length, 2000)) yield bytes.subarray(at, ++at);
  while (kind < 0.5 && at < bytes.length) {
    const to = at + 1 + random.below(8192);
    yield bytes.subarray(at, to);
    at = to;
  }
  if (at < bytes.length) yield bytes.subarray(at);
}

function newTally(direction: FuzzResult['direction'], frames: number): Tally {
  return { direction, frames, answered: 0, sane: 0, problems: [], seconds: performance.now() };
}

function finish(tally: Tally): FuzzResult {
  return { ...tally, seconds: Math.round((performance.now() - tally.seconds) / 100) / 10 };
}

function note({ problems }: Tally, what: string): void {
  if (problems.length < MAX_PROBLEMS) problems.push(what.slice(0, 1000));
}

function show(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString('latin1').slice(0, 600));
}

if (isMain(import.meta.url)) {
  const [frames = 1_000_000, seed = 1] = numbers(process.argv.slice(2));
  const results = [
    await fuzzStdio(Math.round(frames * 0.5), seed),
    await fuzzHttp(Math.round(frames * 0.05), seed),
    await fuzzServer(Math.round(frames * 0.45), seed),
  ];
  await tidy();
  for (const { problems } of results) {
    for (const problem of problems) process.stdout.write(`${problem}\n`);
  }
  conclude(
    `mutated frames, seed ${seed}`,
    results.map(({ problems, ...row }) => ({ ...row, problems: problems.length })),
    results.every(({ problems }) => problems.length === 0),
  );
}
