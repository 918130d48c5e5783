/**
 * Clients whose calls interleave over shared servers: all use the same request ids and progress tokens,
 * of every JSON type, and every call carries a marker. `node test/stress/interleave.ts [calls]
 * [clients]`, by default 100000 calls of 20 clients; exits 1 when a message did not reach its own caller,
 * byte for byte and in order, or when a request of a server reached anybody else.
 */
import { RawHttpClient } from '../support/raw-http-client.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { conclude, isMain, numbers } from '../support/stress.ts';
import { tidy } from '../support/tidy.ts';
import { type Random, seededRandom } from './json-documents.ts';

export interface InterleaveResult {
  readonly clients: number;
  readonly calls: number;
  /** Calls whose messages were exactly those that were to come. */
  readonly exact: number;
  /** Progress notifications that came before the answer of their call. */
  readonly progress: number;
  /** Requests of servers that reached the client whose call made them ask. */
  readonly asked: number;
  /** Requests of servers refused because they could have been for several clients. */
  readonly refused: number;
  /** What was not as it must be: a sentence each, the first 20. */
  readonly problems: readonly string[];
  readonly seconds: number;
}

type Tally = { -readonly [Key in keyof InterleaveResult]: InterleaveResult[Key] } & {
  problems: string[];
};

const SHARED = ['a', 'b', 'c', 'd', 'e'];
/** Its only caller is the first client, so that none of its requests may be refused. */
const PRIVATE = 'sampler';
const LANES = 6;
const SAMPLING = { sampling: {} };
const MAX_PROBLEMS = 20;

/** Starts a gateway, runs all calls, and stops it. */
export async function interleave(calls: number, clients: number): Promise<InterleaveResult> {
  const server = { ...fixture('markers'), client_capabilities: SAMPLING };
  const rea = await startRea({
    args: ['--http', '127.0.0.1:0', '--no-token'],
    config: registry(Object.fromEntries([...SHARED, PRIVATE].map((name) => [name, server]))),
    initialize: false,
  });
  for (const name of [...SHARED, PRIVATE]) await rea.waitForPhase(name, 'ready');
  const url = await rea.waitForState(({ endpoint }) => endpoint.http, { what: 'the endpoint' });
  const tally: Tally = {
    clients,
    calls,
    exact: 0,
    progress: 0,
    asked: 0,
    refused: 0,
    problems: [],
    seconds: 0,
  };
  const started = performance.now();
  const all = Array.from({ length: clients }, (_, number) => new Caller(number, tally));
  await Promise.all(all.map((caller) => caller.open(url)));
  const share = (number: number) => Math.floor(((number + 1) * calls) / clients);
  await Promise.all(all.map((caller, at) => caller.run(share(at) - share(at - 1))));
  await Promise.all(all.map((caller) => caller.close()));
  tally.seconds = Math.round((performance.now() - started) / 100) / 10;
  await stop(rea, tally);
  return tally;
}

async function stop(rea: Rea, tally: Tally): Promise<void> {
  rea.kill('SIGTERM');
  const { code } = await rea.exited;
  if (code !== 0) note(tally, `the gateway ended with ${code}`);
  for (const line of rea.stderr.split('\n')) {
    if (/"level":"(error|fatal)"/.test(line)) note(tally, line);
  }
}

/** One client, with several calls under way at a time. */
class Caller {
  readonly #number: number;
  readonly #tally: Tally;
  readonly #random: Random;
  #client: RawHttpClient | null = null;
  #left = 0;
  #begun = 0;

  constructor(number: number, tally: Tally) {
    this.#number = number;
    this.#tally = tally;
    this.#random = seededRandom(Math.imul(number + 1, 0x9e37_79b1));
  }

  async open(url: string): Promise<void> {
    this.#client = await RawHttpClient.open(url, { capabilities: SAMPLING });
    await this.#client.listen((raw) => {
      if (!raw.includes('list_changed')) this.#problem(`got on its own stream: ${raw}`);
    });
  }

  async run(calls: number): Promise<void> {
    this.#left = calls;
    await Promise.all(Array.from({ length: LANES }, (_, lane) => this.#lane(lane)));
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  async #lane(lane: number): Promise<void> {
    for (let round = 0; this.#left > 0; round += 1) {
      this.#left -= 1;
      this.#begun += 1;
      const marker = `<client ${this.#number}> ${this.#begun} ${this.#filler()}`;
      // The same for all clients: nothing but the session tells two calls apart.
      const idRaw = spell(lane, round);
      if (this.#number === 0 && lane === 0) await this.#ask(idRaw, marker, PRIVATE);
      else if (this.#random.next() < 0.02) {
        await this.#ask(idRaw, marker, this.#random.pick(SHARED));
      } else await this.#mark(idRaw, spell(lane, round + 3), marker);
    }
  }

  /** A call with progress. */
  async #mark(idRaw: string, tokenRaw: string, marker: string): Promise<void> {
    const steps = this.#random.below(4);
    const ms = this.#random.next() < 0.2 ? this.#random.below(20) : 0;
    const args = JSON.stringify({ marker, steps, ms });
    const name = `${this.#random.pick(SHARED)}__mark`;
    const meta = `{"progressToken":${tokenRaw}}`;
    const got = await this.#call(idRaw, name, `,"arguments":${args},"_meta":${meta}`);
    const expected = Array.from(
      { length: steps },
      (_, at) =>
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${tokenRaw},"progress":${at + 1},"total":${steps},"message":${JSON.stringify(marker)}}}`,
    );
    if (this.#compare([...expected, answer(idRaw, marker)], got)) this.#tally.progress += steps;
  }

  /** A call in which the server asks its client before it answers. */
  async #ask(idRaw: string, marker: string, server: string): Promise<void> {
    const args = `,"arguments":${JSON.stringify({ marker })}`;
    const got = await this.#call(idRaw, `${server}__ask`, args);
    const isRefused = server !== PRIVATE && got.length === 1 && got[0]?.includes('"refused: ');
    if (isRefused === true && got[0]?.includes('which client') === true) {
      this.#tally.refused += 1;
      this.#tally.exact += 1;
    } else if (this.#compare([answer(idRaw, `sampled by ${this.#number}: ${marker}`)], got)) {
      this.#tally.asked += 1;
    }
  }

  /** Resolves with the messages of the call, without requests of servers, which are answered. */
  async #call(idRaw: string, name: string, rest: string): Promise<string[]> {
    const got: string[] = [];
    const body = `{"jsonrpc":"2.0","id":${idRaw},"method":"tools/call","params":{"name":"${name}"${rest}}}`;
    const answered: Promise<unknown>[] = [];
    const status = await this.#client?.post(body, (raw) => {
      if (raw.includes('"method":"sampling/createMessage"')) answered.push(this.#sample(raw));
      else got.push(raw);
    });
    await Promise.all(answered);
    if (status !== 200) this.#problem(`${name} got the status ${status}`);
    return got;
  }

  async #sample(raw: string): Promise<void> {
    const { id, params } = JSON.parse(raw);
    const { text } = params.messages[0].content;
    if (!text.startsWith(`<client ${this.#number}> `)) this.#problem(`was asked: ${raw}`);
    const content = { type: 'text', text: `sampled by ${this.#number}: ${text}` };
    const result = { role: 'assistant', model: 'test', content };
    const status = await this.#client?.post(JSON.stringify({ jsonrpc: '2.0', id, result }));
    if (status !== 202) this.#problem(`its answer got the status ${status}`);
  }

  #compare(expected: readonly string[], got: readonly string[]): boolean {
    const isExact =
      expected.length === got.length && expected.every((message, at) => message === got[at]);
    if (isExact) this.#tally.exact += 1;
    else this.#problem(`expected\n  ${expected.join('\n  ')}\ngot\n  ${got.join('\n  ')}`);
    return isExact;
  }

  #filler(): string {
    const length = this.#random.next() < 0.02 ? 20_000 : this.#random.below(60);
    return 'ü世'.repeat(length);
  }

  #problem(what: string): void {
    note(this.#tally, `client ${this.#number} ${what}`);
  }
}

function note({ problems }: Tally, what: string): void {
  if (problems.length < MAX_PROBLEMS) problems.push(what.slice(0, 2000));
}

/** What the server answers, under this id. */
function answer(idRaw: string, text: string): string {
  const result = { content: [{ type: 'text', text }] };
  return `{"jsonrpc":"2.0","id":${idRaw},"result":${JSON.stringify(result)}}`;
}

/** An id or token as raw JSON, of a type that changes with the round; no other lane has the same. */
function spell(lane: number, round: number): string {
  const number = lane + 1;
  const forms = [
    `${number}`,
    `"${number}"`,
    `-${number}`,
    `${number}.5`,
    `900719925474099${number}`,
    `"\\u00fc${number}"`,
    `${number}e3`,
    `1844674407370955161${number}`,
    `"ü ${number}"`,
  ];
  return forms[round % forms.length] ?? '';
}

if (isMain(import.meta.url)) {
  const [calls = 100_000, clients = 20] = numbers(process.argv.slice(2));
  const result = await interleave(calls, clients);
  await tidy();
  const { problems, ...counts } = result;
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  const row = { ...counts, problems: problems.length };
  conclude('interleaved calls', [row], problems.length === 0 && result.exact === calls);
}
