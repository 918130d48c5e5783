/**
 * Servers are killed at random moments, and whoever looks is told the same: on the page, by `rea status` and the state
 * file, by `__rea__health`, and at the end by the doctor.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import { type Page, servePage } from '../support/page.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

const KILLS = SOAKS ? 200 : 10;
/** So many kills come without a rest between them. */
const STORM = 4;
const LONGEST_REST_MS = 400;

vi.setConfig({ testTimeout: 120_000 + KILLS * 10_000, hookTimeout: 60_000 });
afterEach(tidy);

/** How one of those who tell says that a server stands. */
interface Said {
  /** It is there, and its circuit is closed. */
  readonly ready: boolean;
  readonly restarts: number;
  readonly circuit: string;
}

/** All that is told at a moment, by server. */
interface Look {
  readonly health: Readonly<Record<string, Said>>;
  readonly others: Readonly<Record<'page' | 'file', Readonly<Record<string, Said>>>>;
}

/** `weak` is not started again after a death, unless somebody does. */
const NAMES = ['one', 'two', 'weak'];
const EVERY_MS = 50;
/** A second's looks: on a busy machine they take longer, and so may those who tell. */
const SECOND = 1000 / EVERY_MS;

/** A look of the page is good for so long. */
const PAGE_MS = 200;

/** Looks at all who tell until it is ended. What differs for too long is kept. */
class Watch {
  readonly #rea: Rea;
  readonly #page: Page;
  readonly #last: Look[] = [];
  readonly differences: string[] = [];
  looks = 0;
  #over = false;
  readonly #done: Promise<void>;

  constructor(rea: Rea, page: Page) {
    this.#rea = rea;
    this.#page = page;
    this.#done = this.#run();
  }

  end(): Promise<void> {
    this.#over = true;
    return this.#done;
  }

  /** Resolves when nothing has changed for longer than anybody may take to say so. */
  async rest(): Promise<void> {
    const begun = this.looks;
    await until(() => this.looks > begun + SECOND + 1 && this.#isStill(), { what: 'a rest' });
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      const [health, page] = await Promise.all([healthOf(this.#rea), pageOf(this.#page)]);
      this.#take({ health, others: { page, file: fileOf(this.#rea) } });
      this.looks += 1;
      await pause(EVERY_MS);
    }
  }

  #take(now: Look): void {
    this.#last.push(now);
    if (this.#last.length > SECOND + 2) this.#last.shift();
    const [before] = this.#last;
    if (before === undefined || this.#last.length < SECOND + 2) return;
    for (const [who, said] of Object.entries(now.others) as ['page' | 'file', Look['health']][]) {
      for (const name of NAMES) {
        const [told, truth] = [said[name], now.health[name]];
        const isOld = (told?.restarts ?? 0) < (before.health[name]?.restarts ?? 0);
        // What lasts shorter than the time between two looks is seen by one of them alone.
        const differs =
          this.#hasStood(name) &&
          this.#last.every(({ others }) => !isDeepStrictEqual(others[who][name], truth));
        if (differs || isOld) {
          this.differences.push(`${who}: ${name}: ${JSON.stringify({ told, truth })}`);
        }
      }
    }
  }

  #isStill(): boolean {
    return this.#last.length === SECOND + 2 && NAMES.every((name) => this.#hasStood(name));
  }

  /** The health tool has said the same of it for a second. */
  #hasStood(name: string): boolean {
    const [first] = this.#last;
    return this.#last.every(({ health }) => isDeepStrictEqual(health[name], first?.health[name]));
  }
}

async function healthOf(rea: Rea): Promise<Record<string, Said>> {
  const { downstreams } = JSON.parse((await rea.call('__rea__health')).text);
  return saidOf(downstreams, ({ healthy, restarts, circuit_state }) => {
    return { ready: healthy, restarts, circuit: circuit_state };
  });
}

async function pageOf(page: Page): Promise<Record<string, Said>> {
  const { state } = await page.look();
  return saidOf(state.gateways[0].servers, ({ word, restarts, circuit }) => {
    return { ready: word === 'ready', restarts, circuit };
  });
}

function fileOf(rea: Rea): Record<string, Said> {
  return saidOf(rea.state()?.downstreams ?? [], ({ phase, restarts, circuit_state }) => {
    const ready = phase === 'ready' && circuit_state === 'closed';
    return { ready, restarts, circuit: circuit_state };
  });
}

function saidOf(servers: readonly any[], read: (one: any) => Said): Record<string, Said> {
  return Object.fromEntries(servers.map((one) => [one.name, read(one)]));
}

/** What the page says that is no figure of the moment. */
async function shownBy(page: Page) {
  const { state } = await page.look();
  const [{ servers }] = state.gateways;
  const shown = servers.map(({ name, word, restarts, circuit, tools, notes }: any) => {
    const lines = notes.map(({ text }: any) => text.replace(/; next try .*$/, ''));
    return { name, word, restarts, circuit, tools, lines };
  });
  return { summary: state.summary.text as string, servers: shown as readonly any[] };
}

/** While nothing changes each of them says just the same, word for word where there are words. */
async function compare(rea: Rea, page: Page): Promise<void> {
  const [shown, stdout, json, text] = await until(
    async () => {
      const seen = await shownBy(page);
      const [{ stdout: said }, { json: told }, { text: known }] = await Promise.all([
        runRea(['status', '--cwd', rea.dir]),
        rea.status(),
        rea.call('__rea__health'),
      ]);
      // A look of the page is good for a while; this one is later than all of that.
      await pause(2 * PAGE_MS);
      const again = await shownBy(page);
      return isDeepStrictEqual(again, seen) && ([seen, said, told, known] as const);
    },
    { what: 'a moment in which nothing changes' },
  );
  expect(stdout.split('\n', 1)[0]).toBe(shown.summary);
  const health: any[] = JSON.parse(text).downstreams;
  for (const told of json.serve.downstreams) {
    const { name, restarts, circuit_state: circuit, tools_count: tools, cause, action } = told;
    const { phase, last_error, last_exit } = told;
    const same = { phase, restarts, circuit_state: circuit, tools_count: tools };
    const known = health.find((one) => one.name === name);
    expect(known).toMatchObject({ ...same, last_error, last_exit });
    const lines = cause === null ? [] : [`  ${cause}`, `  → ${action}`];
    const seen = shown.servers.find((one) => one.name === name);
    expect(seen).toMatchObject({ restarts, circuit, tools, lines });
    expect(stdout).toMatch(new RegExp(`^${name} +${seen.word}`, 'm'));
  }
}

test(`through ${KILLS} random kills page, status and health never differ for longer than a second`, async () => {
  const restart = { ...QUICK.restart, intensity: 1000, period_ms: 600_000 };
  const never = { backoff_ms: 3_600_000, backoff_max_ms: 3_600_000 };
  const weak = { ...fixture('echo'), restart: { intensity: 1, ...never } };
  const config = registry({ one: fixture('echo'), two: fixture('echo'), weak }, { restart });
  const dir = makeDirectory();
  writeRegistry(dir, config);
  const policy = 'gateway: {health: {expose_diagnostics: true}}\n';
  writeFileSync(join(dir, '.rea', 'policy.yaml'), policy, { mode: 0o600 });
  const rea = await startRea({ cwd: dir });
  for (const name of NAMES) await rea.waitForPhase(name, 'ready');
  const page = await servePage(rea);
  const watch = new Watch(rea, page);
  let lives = 0;
  try {
    for (let kills = 0; kills < KILLS; ) {
      const name = NAMES[Math.floor(Math.random() * NAMES.length)];
      // Of a server that runs, starts, or ends just now.
      const pid = rea.state()?.downstreams.find((one) => one.name === name)?.pid ?? null;
      if (pid !== null && killOne(pid)) kills += 1;
      await pause(Math.random() * LONGEST_REST_MS);
      if (pid === null || kills % STORM !== 0) continue;
      await watch.rest();
      await compare(rea, page);
      if (rea.state()?.downstreams.find((one) => one.name === 'weak')?.phase !== 'failed') continue;
      const path = '/api/v1/servers/weak/restart';
      const { last } = await page.ask('POST', path, { body: {} });
      expect(last).toEqual({ done: { ok: true, text: 'ready' } });
      lives += 1;
    }
    await watch.rest();
  } finally {
    await watch.end();
  }
  expect(watch.differences).toEqual([]);
  await compare(rea, page);
  const told = await runRea(['doctor', '--json', '--cwd', rea.dir]);
  const { gateways, servers } = JSON.parse(told.stdout);
  expect(gateways).toEqual([{ pid: rea.pid, situation: 'running' }]);
  expect(servers.map(({ name, state }: any) => [name, state])).toEqual(
    NAMES.map((name) => [name, 'ok']),
  );
  if (SOAKS) expect(lives).toBeGreaterThan(0);
  await rea.stop();
});
