/**
 * What changes too often for a file, asked of each gateway over its control socket: calls in flight.
 * Nothing else depends on it: a gateway that cannot be asked is shown from its file.
 */
import { ask, Silent, Unreachable } from '../operator/ask.ts';
import { type Found, findGateways } from '../operator/reach.ts';
import { bool, count, fieldsOf, listOf, measure, text } from '../processes/fields.ts';
import type { Gateway } from '../status/gateways.ts';
import type { Verdict } from '../status/verdict.ts';

/** A request on its way to a server. */
export interface OpenCall {
  readonly method: string;
  readonly name: string | null;
  readonly client: string | null;
  /** It has not been handed to its server yet. */
  readonly waits: boolean;
  /** For so long. */
  readonly ms: number;
}

interface Figures {
  readonly in_flight: number;
  readonly queued: number;
}

interface About {
  readonly sessionId: string | null;
  readonly server: string;
}

/** Between two questions: while calls are in flight or looked at, and while all is quiet. */
const EVERY_MS = 1000;
const QUIET_MS = 3000;
/** After a gateway did not answer. */
const AGAIN_MS = 5000;
const MOST_SERVERS = 2000;
const MOST_CALLS = 1000;

export class Live {
  readonly #cwd: string;
  /** By session, then by the name of the server as the state file has it. */
  #figures = new Map<string, ReadonlyMap<string, Figures>>();
  #calls: { readonly session: string; readonly server: string; readonly list: OpenCall[] } | null =
    null;
  #found: readonly Found[] = [];
  #sessions = '';
  #nextAt = 0;
  #about: string | undefined;
  #isAsking = false;

  /** @param cwd absolute directory that `.rea` lies in. */
  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  /**
   * Asks again when it is time, and does not wait for the answer.
   *
   * @param about the server whose calls are wanted.
   */
  look(verdict: Verdict, about: About | null): void {
    const isNew = about?.server !== this.#about;
    if (this.#isAsking || (performance.now() < this.#nextAt && !isNew)) return;
    this.#about = about?.server;
    const sessions = verdict.gateways
      .filter(({ situation }) => situation === 'running')
      .map(({ sessionId }) => sessionId ?? '');
    this.#isAsking = true;
    void this.#ask(sessions, about).then((isWhole) => {
      this.#isAsking = false;
      const every = about !== null || this.#isBusy() ? EVERY_MS : QUIET_MS;
      this.#nextAt = performance.now() + (isWhole ? every : AGAIN_MS);
    });
  }

  /** The same, with the figures of now. */
  with(verdict: Verdict): Verdict {
    if (this.#figures.size === 0) return verdict;
    return { ...verdict, gateways: verdict.gateways.map((one) => this.#withFigures(one)) };
  }

  /** Null: nobody tells. */
  callsOf(sessionId: string | null, server: string): readonly OpenCall[] | null {
    const calls = this.#calls;
    return calls?.session === sessionId && calls.server === server ? calls.list : null;
  }

  #isBusy(): boolean {
    const all = [...this.#figures.values()].flatMap((lanes) => [...lanes.values()]);
    return all.some(({ in_flight, queued }) => in_flight + queued > 0);
  }

  #withFigures(gateway: Gateway): Gateway {
    const figures = this.#figures.get(gateway.sessionId ?? '');
    const { view } = gateway;
    if (view === null || figures === undefined || gateway.situation !== 'running') return gateway;
    const downstreams = view.downstreams?.map((one) => ({
      ...one,
      ...figures.get(one.name ?? ''),
    }));
    return { ...gateway, view: { ...view, downstreams: downstreams ?? null } };
  }

  /** @returns false when one did not answer. */
  async #ask(sessions: readonly string[], about: About | null): Promise<boolean> {
    const known = sessions.join(' ');
    if (known !== this.#sessions) this.#found = await findGateways(this.#cwd, null);
    this.#sessions = known;
    const figures = new Map<string, ReadonlyMap<string, Figures>>();
    let isWhole = true;
    let calls: OpenCall[] | null = null;
    const asked = this.#found.filter(({ sessionId }) => sessions.includes(sessionId));
    await Promise.all(
      asked.map(async (gateway) => {
        try {
          const { value } = await ask(gateway, { method: 'GET', path: 'servers' });
          figures.set(gateway.sessionId, figuresIn(value['servers']));
          if (about?.sessionId !== gateway.sessionId) return;
          const { value: open } = await ask(gateway, { method: 'GET', path: 'calls' });
          calls = callsIn(open['calls'], about.server);
        } catch (error) {
          if (!(error instanceof Silent || error instanceof Unreachable)) throw error;
          isWhole = false;
          // It may have another socket by now.
          this.#sessions = '';
        }
      }),
    );
    this.#figures = figures;
    const session = about?.sessionId ?? null;
    this.#calls =
      calls === null || about === null || session === null
        ? null
        : { session, server: about.server, list: calls };
    return isWhole;
  }
}

function figuresIn(servers: unknown): ReadonlyMap<string, Figures> {
  const figures = new Map<string, Figures>();
  for (const server of (listOf(servers) ?? []).slice(0, MOST_SERVERS)) {
    for (const one of (listOf(fieldsOf(server)?.['lanes']) ?? []).slice(0, MOST_SERVERS)) {
      const lane = fieldsOf(one) ?? {};
      const figure = { in_flight: count(lane['in_flight']), queued: count(lane['queued']) };
      figures.set(text(lane['name']) ?? '', figure);
    }
  }
  return figures;
}

/** The longest first. */
function callsIn(calls: unknown, server: string): OpenCall[] {
  const found = (listOf(calls) ?? []).slice(0, MOST_CALLS).flatMap((one) => {
    const call = fieldsOf(one) ?? {};
    if (text(call['server']) !== server) return [];
    const [name, client] = [text(call['name']), text(call['client'])];
    const method = text(call['method']) ?? '';
    return [{ method, name, client, waits: bool(call['waits']), ms: measure(call['ms']) ?? 0 }];
  });
  return found.sort((one, other) => other.ms - one.ms);
}
