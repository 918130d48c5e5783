/**
 * `rea status --watch` on a terminal: looks, draws what has changed, and does what keys say, until it is left. What is
 * wrong with it ends it, with the terminal as it was before.
 */
import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { type Paint, paintFor } from '../status/colours.ts';
import { ownTokenOf } from '../status/doors.ts';
import { lives } from '../status/gateways.ts';
import { judgeStatus } from '../status/verdict.ts';
import { type Acting, nameOf, type Place, perform } from './acts.ts';
import { type Composed, compose } from './compose.ts';
import type { Message } from './footer.ts';
import { type Keypress, keyOf } from './keys.ts';
import { Live } from './live.ts';
import { LogView } from './log-view.ts';
import { LOOK_MS, Looking } from './looking.ts';
import { terminalLost } from './lost-terminal.ts';
import { Screen } from './screen.ts';
import type { Seen } from './seen.ts';
import { chosenOf, idOf, press, START, type Target, type WatchState } from './state.ts';

export interface WatchOptions extends Place {
  /** Where the user asked, absolute; `cwd` may lie above. */
  readonly askedIn: string;
  /** The page of this server is shown first. */
  readonly server?: string;
  readonly out: WriteStream;
  /** Null: there is no keyboard. */
  readonly keys: ReadStream | null;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Times on the page are in seconds. */
const REDRAW_MS = 1000;
/** How long it stays on the screen what became of a key. */
const MESSAGE_MS = 15_000;
/** A process that was to be stopped and was not goes on after this. */
const STOPPED_MS = 100;

/** Resolves when it is left by a key, or when the keyboard ends. A signal ends the process as it does without it. */
export async function watchOnTerminal(options: WatchOptions): Promise<void> {
  const watching = new Watching(options);
  try {
    await watching.run();
  } finally {
    watching.end();
    await watching.switched();
  }
}

class Watching {
  readonly #options: WatchOptions;
  readonly #screen: Screen;
  readonly #looking: Looking;
  readonly #live: Live;
  readonly #paint: Paint;
  readonly #handlers: (() => void)[] = [];
  /** By what they are about: one at a time. */
  readonly #acting = new Set<string>();
  readonly #switching = new Set<Promise<unknown>>();
  #quit: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #state: WatchState = START;
  #composed: Composed | null = null;
  #seen: Seen | null = null;
  #log: LogView | null = null;
  #message: (Message & { readonly until: number }) | null = null;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: WatchOptions) {
    const { cwd, env, out, keys, server } = options;
    this.#options = options;
    this.#screen = new Screen(out, keys);
    this.#looking = new Looking(cwd, env);
    this.#live = new Live(cwd);
    this.#paint = paintFor(true, env);
    // Whether or not there is such a server.
    if (server !== undefined) {
      this.#state = { ...START, page: 'server', chosen: idOf(null, server) };
    }
  }

  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#quit = resolve;
      this.#fail = reject;
      this.#begin();
    });
  }

  #begin(): void {
    const { out, keys } = this.#options;
    for (const signal of SIGNALS) this.#on(process, signal, () => this.#die(signal));
    this.#on(process, 'SIGTSTP', () => this.#suspend());
    this.#on(process, 'SIGCONT', () => this.#resume());
    this.#on(out, 'resize', () => this.#resized());
    // The terminal is gone.
    this.#on(out, 'error', () => this.#quit());
    if (keys !== null) {
      emitKeypressEvents(keys);
      this.#on(keys, 'keypress', (typed: string | undefined, key: Keypress) => {
        this.#pressed(typed, key);
      });
      for (const event of ['end', 'error']) this.#on(keys, event, () => this.#quit());
      keys.resume();
    }
    this.#screen.enter();
    this.#look();
    // What is to be shown first is known now.
    this.#look();
    this.#draw();
    this.#timer = setInterval(() => this.#guarded(() => this.#look()), LOOK_MS);
  }

  /** The kill switch is set at once; that it was, is recorded a little later. */
  async switched(): Promise<void> {
    await Promise.allSettled(this.#switching);
  }

  /** May be called at any time, and again. */
  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const { out, keys } = this.#options;
    // A terminal that is gone says so when it is given back, and later: there is nobody to tell.
    for (const stream of [out, keys]) stream?.on('error', terminalLost);
    this.#screen.leave();
    for (const off of this.#handlers.splice(0)) off();
    this.#log?.close();
    this.#log = null;
    keys?.pause();
  }

  // biome-ignore lint/suspicious/noExplicitAny: each event has its own arguments.
  #on(on: NodeJS.EventEmitter, event: string, handler: (...all: any[]) => void): void {
    const guarded = (...all: unknown[]) => this.#guarded(() => handler(...all));
    on.on(event, guarded);
    this.#handlers.push(() => on.off(event, guarded));
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #look(): void {
    const now = Date.now();
    const { facts, isNew } = this.#looking.look(now);
    const verdict = this.#live.with(judgeStatus(facts.evidence));
    const target = this.#looked();
    this.#showLogOf(target);
    this.#seen = {
      facts,
      verdict,
      askedIn: this.#options.askedIn,
      tokenOf: ownTokenOf(this.#options.cwd),
      log: this.#log?.lines ?? [],
      calls: target === null ? null : this.#live.callsOf(target.sessionId, target.server),
    };
    const isOver = this.#message !== null && performance.now() > this.#message.until;
    if (isOver) this.#message = null;
    const isDue = performance.now() - this.#drawnAt >= REDRAW_MS;
    if (isNew || isDue || isOver) this.#draw();
    this.#live.look(verdict, target);
    this.#readLog().catch(this.#fail);
  }

  async #readLog(): Promise<void> {
    const isNew = await this.#log?.look();
    if (isNew === true) this.#again();
  }

  #again(): void {
    this.#guarded(() => {
      this.#look();
      this.#draw();
    });
  }

  #draw(): void {
    const seen = this.#seen;
    if (seen === null || !this.#screen.isOn) return;
    this.#drawnAt = performance.now();
    const { columns, rows } = this.#screen.size;
    const room = { columns, rows, paint: this.#paint };
    this.#composed = compose(seen, this.#state, this.#message, room);
    this.#state = this.#composed.state;
    this.#screen.draw(this.#composed.lines);
  }

  #resized(): void {
    this.#screen.forget();
    this.#draw();
  }

  #pressed(typed: string | undefined, pressed: Keypress): void {
    const key = keyOf(typed, pressed);
    const seen = this.#seen;
    if (key === null || seen === null || this.#composed === null) return;
    const { targets, height, canAsk } = this.#composed;
    const shown = { targets, height, canAsk, halted: seen.facts.halt.active };
    const [next, act] = press(this.#state, key, shown);
    this.#state = next;
    this.#again();
    if (act === null) return;
    if (act.kind === 'quit') this.#quit();
    else if (act.kind === 'suspend') this.#suspend();
    else if (act.kind === 'redraw') this.#resized();
    else if (act.kind === 'say') this.#say({ lines: [act.line], tone: 'bad' });
    else this.#act(act).catch(this.#fail);
  }

  async #act(act: Acting): Promise<void> {
    const about = 'target' in act ? act.target.id : 'all';
    if (this.#acting.has(about)) {
      return this.#say({ lines: [`${nameOf(act)}: what was asked before is still going on`] });
    }
    this.#acting.add(about);
    this.#say({ lines: [`${nameOf(act)} …`] });
    const { cwd, config, env } = this.#options;
    const place = { cwd, env, ...(config === undefined ? {} : { config }) };
    const living = this.#seen?.verdict.gateways.filter(lives) ?? [];
    const pid = living.length > 1 && 'target' in act ? act.target.pid : null;
    try {
      // Its last words come with its end, which is told below.
      const tell = (line: string) =>
        setImmediate(() => {
          if (this.#acting.has(about)) this.#say({ lines: [line] });
        });
      const doing = perform(act, place, pid, tell);
      if (!('target' in act)) this.#switching.add(doing);
      const message = await doing;
      this.#switching.delete(doing);
      this.#look();
      this.#acting.delete(about);
      this.#say(message);
    } finally {
      this.#acting.delete(about);
    }
  }

  #say(message: Message): void {
    this.#message = { ...message, until: performance.now() + MESSAGE_MS };
    this.#draw();
  }

  /** The server whose page is shown. */
  #looked(): Target | null {
    if (this.#state.page !== 'server') return null;
    return chosenOf(this.#state, this.#composed?.targets ?? []);
  }

  #showLogOf(target: Target | null): void {
    if (this.#log?.server === target?.lane) return;
    this.#log?.close();
    this.#log = target === null ? null : new LogView(this.#options.cwd, target.lane);
  }

  /** With all of its process group, as the terminal does it: whoever has started it is stopped, too. */
  #suspend(): void {
    this.#screen.leave();
    const own = process.listeners('SIGTSTP');
    process.removeAllListeners('SIGTSTP');
    process.kill(0, 'SIGTSTP');
    // Where nobody could let it go on the system does not stop it.
    setTimeout(() => {
      if (this.#timer === null) return;
      for (const listener of own) process.on('SIGTSTP', listener);
      this.#guarded(() => this.#resume());
    }, STOPPED_MS);
  }

  #resume(): void {
    this.#screen.enter();
    this.#again();
  }

  /** As the signal does it where nobody listens. */
  #die(signal: NodeJS.Signals): void {
    this.end();
    process.kill(process.pid, signal);
  }
}
