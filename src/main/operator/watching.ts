/**
 * Streams for whoever watches: what happens to the servers, and the log. One look serves all watchers, and the
 * clock runs only while there is one. Who does not read is let go.
 */
import type { ServerResponse } from 'node:http';
import { logLine } from '../log/read-logs.ts';
import { Tail } from '../log/tail.ts';
import type { LaneView, Operable } from './operable.ts';

const LOOK_MS = 250;
/** A stream that is silent otherwise carries a comment this often. */
const ALIVE_LOOKS = 40;
const MAX_WATCHERS = 64;
const MAX_UNREAD_BYTES = 1024 * 1024;

interface LogWatcher {
  readonly tail: Tail;
  readonly server: string | null;
  readonly since: null;
  busy: boolean;
}

export class Watching {
  readonly #operable: Operable;
  /** Null: it watches the servers. */
  readonly #watchers = new Map<ServerResponse, LogWatcher | null>();
  #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | null = null;
  #looks = 0;

  constructor(operable: Operable) {
    this.#operable = operable;
  }

  /** Streams what is different from now on, after how everything is now. @returns false: too many watch. */
  events(response: ServerResponse): boolean {
    if (!this.#begin(response, null)) return false;
    if (this.#seen.size === 0) this.#changes();
    for (const server of this.#operable.servers()) {
      for (const lane of server.lanes) send(response, 'server', laneEvent(server.name, lane));
    }
    return true;
  }

  /** Streams the lines of the log from now on. @param server only those about it; null: all. */
  log(response: ServerResponse, path: string, server: string | null): boolean {
    const watcher = { tail: new Tail(path, 'end'), server, since: null, busy: false };
    return this.#begin(response, watcher);
  }

  close(): void {
    for (const response of this.#watchers.keys()) response.end();
    this.#stop();
  }

  #begin(response: ServerResponse, watcher: LogWatcher | null): boolean {
    if (this.#watchers.size >= MAX_WATCHERS) return false;
    this.#watchers.set(response, watcher);
    response.once('close', () => {
      this.#watchers.delete(response);
      void watcher?.tail.close();
      if (this.#watchers.size === 0) this.#stop();
    });
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    if (watcher !== null) this.#follow(response, watcher);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    return true;
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#seen = new Map();
  }

  #look(): void {
    const events = this.#changes();
    this.#looks += 1;
    for (const [response, watcher] of this.#watchers) {
      if (response.writableLength > MAX_UNREAD_BYTES) {
        response.destroy();
        continue;
      }
      if (watcher === null) for (const event of events) send(response, 'server', event);
      else this.#follow(response, watcher);
      if (this.#looks % ALIVE_LOOKS === 0) response.write(':\n\n');
    }
  }

  #follow(response: ServerResponse, watcher: LogWatcher): void {
    if (watcher.busy) return;
    watcher.busy = true;
    watcher.tail.read().then(
      (lines) => {
        watcher.busy = false;
        for (const line of lines) {
          if (logLine(line, '', watcher) !== null) send(response, 'log', line);
        }
      },
      () => response.end(),
    );
  }

  /** What is different from the last look, as JSON texts. */
  #changes(): string[] {
    const now = new Map<string, string>();
    const events: string[] = [];
    for (const server of this.#operable.servers()) {
      for (const lane of server.lanes) {
        const { phase, pid, restarts, circuit, why } = lane;
        const key = `${phase} ${pid} ${restarts} ${circuit} ${why}`;
        now.set(lane.name, key);
        if (this.#seen.get(lane.name) !== key) events.push(laneEvent(server.name, lane));
      }
    }
    for (const lane of this.#seen.keys()) {
      if (!now.has(lane)) events.push(JSON.stringify({ at: at(), lane, gone: true }));
    }
    this.#seen = now;
    return events;
  }
}

function laneEvent(server: string, lane: LaneView): string {
  const { name, phase, pid, restarts, circuit, why, action } = lane;
  return JSON.stringify({
    at: at(),
    server,
    lane: name,
    phase,
    pid,
    restarts,
    circuit,
    why,
    action,
  });
}

function send(response: ServerResponse, event: string, data: string): void {
  response.write(`event: ${event}\ndata: ${data}\n\n`);
}

function at(): string {
  return new Date().toISOString();
}
