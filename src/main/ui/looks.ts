/**
 * What the page shows, put together when it asks: however many ask at once, the files are looked at at most five times a
 * second, and while nobody asks only to measure. Keeps what has happened of late, from the first look until nobody looks.
 */
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import type { EndedCall } from '../calls/seen-calls.ts';
import { clock } from '../log/short-line.ts';
import type { Operable } from '../operator/operable.ts';
import { readAudit } from '../status/audit.ts';
import { judgeStatus } from '../status/verdict.ts';
import { latency } from '../status/words.ts';
import { Looking } from '../watch/looking.ts';
import { Given } from './given.ts';
import { LogLines, type ShownLine } from './log-lines.ts';
import { pageState } from './page-state.ts';
import { Ring, type Since } from './ring.ts';
import { SAMPLE_MS, UsageHistory } from './usage-history.ts';

/** A call that has ended, as the page shows it. */
interface ShownCall {
  readonly when: string;
  readonly client: string;
  readonly server: string;
  readonly what: string;
  readonly took: string;
  readonly outcome: string;
  /** Of the request and its answer. */
  readonly bytes: number;
  /** What it was given; empty: nothing, or it is not to be shown. */
  readonly given: string;
}

export interface LooksOptions {
  readonly operable: Operable;
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A look is good for so long. */
const LOOK_MS = 200;
const MOST_CALLS = 1000;
const LONGEST_NAME = 128;
const LONGEST_CLIENT = 64;
const NO_LINES: Since<ShownLine> = { next: 0, list: [] };

export class Looks {
  readonly #operable: Operable;
  readonly #looking: Looking;
  readonly #calls = new Ring<ShownCall>(MOST_CALLS);
  readonly #usage = new UsageHistory();
  readonly #given = new Given();
  /** Some of the calls say what they were given. */
  #saysGiven = false;
  readonly #timer: NodeJS.Timeout;
  readonly #unwatch: () => void;
  #log: LogLines | null = null;
  #usageJson = '';
  #state = '';
  #rev = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor({ operable, cwd, env }: LooksOptions) {
    this.#operable = operable;
    // An audit log may be long, and main has no time to count its lines.
    this.#looking = new Looking(cwd, env, (dir) => readAudit(dir, 0));
    this.#unwatch = operable.watchCalls((call) => this.#take(call));
    this.#timer = setInterval(() => this.#measure(), SAMPLE_MS).unref();
    this.#measure();
  }

  /**
   * JSON text of everything that is new to whoever asks.
   *
   * @param query `state`, `usage`, `calls`, `log`: how far it has come. What is not named is not wanted, but for the state.
   */
  async look(query: URLSearchParams): Promise<string> {
    this.#look();
    this.#forgetGiven();
    const parts = [`"rev":${this.#rev}`];
    const of = (name: string) => (query.has(name) ? Number(query.get(name)) : null);
    if (of('state') !== this.#rev) parts.push(`"state":${this.#state}`);
    const usage = of('usage');
    if (usage !== null && usage !== this.#usage.rev) parts.push(`"usage":${this.#usageJson}`);
    const calls = of('calls');
    if (calls !== null) {
      const given = this.#operable.givenRules !== null;
      parts.push(`"calls":${JSON.stringify({ ...this.#calls.since(calls), given })}`);
    }
    const log = of('log');
    if (log !== null) parts.push(`"log":${JSON.stringify(await this.#logSince(log))}`);
    return `{${parts.join(',')}}`;
  }

  /** After a change the next look is made anew, so that it shows the change. */
  expire(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    this.#unwatch();
    this.#given.close();
    return this.#log?.close() ?? Promise.resolve();
  }

  #look(): void {
    const at = performance.now();
    if (at - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = at;
    const { facts } = this.#looking.look(Date.now());
    const { sessionId, asksOpen, stopping } = this.#operable;
    const live = { sessionId, asksOpen, stopping, servers: this.#operable.servers() };
    const state = JSON.stringify(pageState(facts, judgeStatus(facts.evidence), live));
    if (state === this.#state) return;
    this.#state = state;
    this.#rev += 1;
  }

  #take(call: EndedCall): void {
    const rules = this.#operable.givenRules;
    const given = call.line === null || rules === null ? '' : this.#given.shown(call.line, rules);
    if (given !== '') this.#saysGiven = true;
    this.#calls.push({ ...shownCall(call), given });
  }

  /** The policy says now that it is not to be shown: what was kept goes, too. */
  #forgetGiven(): void {
    if (!this.#saysGiven || this.#operable.givenRules !== null) return;
    this.#calls.replace((call) => ({ ...call, given: '' }));
    this.#given.close();
    this.#saysGiven = false;
  }

  #measure(): void {
    this.#forgetGiven();
    const { facts } = this.#looking.look(Date.now());
    const { gateways } = judgeStatus(facts.evidence);
    const own = gateways.find(({ sessionId }) => sessionId === this.#operable.sessionId);
    this.#usage.sample(own?.view?.downstreams ?? []);
    const { rev } = this.#usage;
    // Written once, however many ask.
    this.#usageJson = JSON.stringify({ rev, lines: this.#usage.lines() });
  }

  #logSince(from: number): Promise<Since<ShownLine>> {
    const { logFile } = this.#operable;
    if (logFile === null) return Promise.resolve(NO_LINES);
    this.#log ??= new LogLines(logFile);
    return this.#log.since(from, Date.now());
  }
}

/** Every text of others is bounded and made harmless here, once. */
function shownCall({
  at,
  client,
  server,
  method,
  name,
  ms,
  outcome,
  code,
  bytes,
}: EndedCall): Omit<ShownCall, 'given'> {
  return {
    when: clock(new Date(at)),
    client: shownName(client ?? '–', LONGEST_CLIENT),
    server,
    what: shownName(name ?? method, LONGEST_NAME),
    took: latency(ms),
    outcome: code ?? outcome,
    bytes,
  };
}

/** What is not printable takes more room when it is. */
function shownName(text: string, most: number): string {
  return clip(oneLine(clip(text, most)), most);
}
