/**
 * What the supervisor of one slot tells others: events, lists and log lines to main, the record and the
 * remembered lists to the state writer. Keeps what the record holds beside the machine's state, over all
 * incarnations. Owned by the supervisor; decides nothing.
 */
import {
  initialSupervisor,
  nextStartOf,
  phaseOf,
  type SupervisorState,
} from '../../shared/machines/supervisor-state.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import { LIST_KINDS, type ListKind } from '../../shared/model/lists.ts';
import type { Withheld } from '../../shared/model/mcp.ts';
import type { SupervisorEvent } from '../../shared/model/server.ts';
import type { LastExit, LeftProcess, SupervisorRecord } from '../../shared/model/snapshot.ts';
import type { CatalogFact, SupervisorFact } from '../../shared/protocol/facts.ts';
import type {
  CallFailedMessage,
  FromSupervisor,
  LogMessage,
} from '../../shared/protocol/from-supervisor.ts';
import type { OpenSlot } from '../../shared/protocol/to-supervisor.ts';
import { cleanForTerminal } from '../../shared/text/clean-text.ts';
import type { SupervisorContext } from './context.ts';
import type { MarkedTools } from './conversation/command-tools.ts';
import { hashesOf, instructionsHashes } from './conversation/definition-hash.ts';
import type { SelfDescription } from './conversation/handshake.ts';
import { profileOf, rememberedProfile } from './conversation/profile.ts';
import { rememberedList } from './conversation/remembered-list.ts';
import type { BadOutput } from './limits/stdout-watch.ts';
import type { LastWords } from './process/last-words.ts';
import { deathExit, deathText, type Exit, plannedExit, recordOf } from './record.ts';
import type { ServerSecrets } from './secrets.ts';

/** Between two warnings of the same sort. */
const TELL_EVERY_MS = 1000;
const ARGUMENT = { kept: 1000, shown: 200 };
const NOTHING: Withheld = { count: 0, why: '' };

/** What the record holds of the present incarnation. */
export interface Present {
  /** Start time of its process as the system tells it, null while it is not known. */
  readonly startTime: string | null;
  /** The line of its stderr that tells most, without secrets. */
  readonly lastWords: LastWords | null;
  /** The first of its output that was no message, without secrets; null for none. */
  readonly badOutput: BadOutput | null;
  /** Names of environment variables that the server may miss. */
  readonly withheld: readonly string[];
  /** Lines of stdout that were no messages. */
  readonly noiseLines: number;
}

const NOTHING_KNOWN = { lastWords: null, badOutput: null, withheld: [] };

export class Telling {
  readonly #slot: number;
  readonly #generation: number;
  readonly #config: ServerConfig;
  readonly #context: SupervisorContext;
  readonly #secrets: ServerSecrets;
  #state: SupervisorState;
  #present: Present | null = null;
  #since = now();
  #lastExit: LastExit | null;
  /** How the present incarnation ended. */
  #ended: Exit | null = null;
  #lastError: string | null;
  #toolsCount: number | null = null;
  /** Of the protocol, as it was agreed on last. */
  #protocolVersion: string | null = null;
  #leftRunning: readonly LeftProcess[] = [];
  /** Noise of earlier incarnations. */
  #noiseBefore = 0;
  #catalog: Pick<CatalogFact, 'profile' | 'lists'> = { profile: null, lists: {} };
  readonly #withheld = new Map<ListKind, Withheld>();
  /** Why lists could not be fetched, until they are. */
  readonly #troubles = new Map<ListKind, string>();
  #rev = 0;
  #publishing = false;
  #argumentToldAt = Number.NEGATIVE_INFINITY;

  constructor(message: OpenSlot, context: SupervisorContext, secrets: ServerSecrets) {
    const { slot, generation, server, incarnation, restarts, lastExit, lastError } = message;
    this.#slot = slot;
    this.#generation = generation;
    this.#config = server;
    this.#context = context;
    this.#secrets = secrets;
    this.#lastError = server.unavailable ?? lastError;
    this.#lastExit = lastExit;
    this.#state = initialSupervisor(incarnation, restarts);
  }

  /** An incarnation begins. */
  begins(present: Present): void {
    this.#present = present;
    this.#ended = null;
  }

  /** The present incarnation has ended. */
  ends(): void {
    this.#noiseBefore += this.#present?.noiseLines ?? 0;
    this.#present = null;
  }

  /** @param refused the token that the server has refused; null: it is just connected to. */
  tokenWanted(incarnation: number, refused: string | null): void {
    this.#context.post({ type: 'token_wanted', slot: this.#slot, incarnation, refused }, []);
  }

  /** The machine has made a step. */
  moved(state: SupervisorState): void {
    if (phaseOf(state) !== phaseOf(this.#state)) this.#since = now();
    this.#state = state;
  }

  /** Sends the record to the state writer at the end of this turn of the loop: only the newest counts. */
  publish(): void {
    if (this.#publishing) return;
    this.#publishing = true;
    setImmediate(() => {
      this.#publishing = false;
      this.#rev += 1;
      const fact: SupervisorFact = {
        type: 'supervisor',
        server: this.#config.lane,
        generation: this.#generation,
        incarnation: this.#state.incarnation,
        rev: this.#rev,
        record: this.#record(this.#state),
      };
      this.#context.factsPort().postMessage(fact);
    });
  }

  /** Sends everything again, to a new state writer. */
  retell(): void {
    this.publish();
    if (this.#catalog.profile !== null) this.#remember(this.#catalog);
  }

  /** @param state right after the event. */
  event(event: SupervisorEvent, state: SupervisorState): void {
    if (event.event === 'child_died_unexpectedly') {
      const text = deathText(event, this.#present ?? NOTHING_KNOWN);
      this.#lastError = text;
      this.#lastExit = deathExit(event.reason, text, this.#ended ?? nothing());
    } else if (event.event === 'unreachable') {
      const { detail, begins } = event;
      this.#lastError = detail;
      const exit = begins ? null : this.#lastExit;
      this.#lastExit = { ...(exit ?? nothing()), reason: 'connect', detail };
    } else if (event.event === 'stable') {
      this.#lastError = null;
    }
    const nextStart = nextStartOf(state);
    this.#post({
      type: 'lifecycle',
      slot: this.#slot,
      server: this.#config.lane,
      incarnation: state.incarnation,
      at: now(),
      event,
      record: this.#record(state),
      nextStartInMs: nextStart === null ? null : Math.max(0, nextStart - performance.now()),
    });
  }

  /** Called before the machine learns of the exit. */
  exited(exit: Exit): void {
    this.#ended = exit;
    // Otherwise it has died, and the machine says why.
    if (this.#state.phase === 'draining') {
      this.#lastExit = plannedExit(this.#state.into, exit);
    }
  }

  /** A process has ended, and these that it had started were left alone. */
  left(processes: readonly LeftProcess[]): void {
    if (processes.length === 0 && this.#leftRunning.length === 0) return;
    this.#leftRunning = processes;
    if (processes.length > 0) {
      const names = processes.map(({ pid, program }) => `${program} (${pid})`).join(', ');
      this.log('warn', 'left running what it has started', { processes: names });
    }
    this.publish();
  }

  ticket(type: 'ticket_wanted' | 'ticket_returned'): void {
    this.#post({ type, slot: this.#slot });
  }

  callFailed(failed: Omit<CallFailedMessage, 'type' | 'slot'>): void {
    this.#post({ type: 'call_failed', slot: this.#slot, ...failed });
  }

  /** A secret that the configuration does not hold. */
  secret(value: string): void {
    this.#post({ type: 'secret', server: this.#config.name, value });
  }

  /** The server says too much for its thread. */
  heldBack(incarnation: number): void {
    this.#post({ type: 'held_back', slot: this.#slot, incarnation });
  }

  /** @param path of the launcher's socket. */
  launcherFailed(path: string, why: string): void {
    this.#post({ type: 'launcher_failed', slot: this.#slot, path, why });
  }

  described(description: SelfDescription, incarnation: number): void {
    const { revision } = description;
    if (revision !== this.#protocolVersion) this.log('info', `speaks MCP ${revision}`, {});
    this.#protocolVersion = revision;
    const profile = profileOf(description, (text) => this.#secrets.redact(text));
    const remembered = rememberedProfile(profile, description, (text) =>
      this.#secrets.redactValues(text),
    );
    this.#catalog = { ...this.#catalog, profile: remembered };
    this.#remember({ profile: remembered, lists: {} });
    const hashes = instructionsHashes(profile, remembered);
    this.#post({ type: 'profile', slot: this.#slot, incarnation, revision, profile, hashes });
  }

  listed(kind: ListKind, { entries, commandTools }: MarkedTools, incarnation: number): void {
    if (kind === 'tools') this.#toolsCount = entries.length;
    const remembered = rememberedList(entries, (text) => this.#secrets.redactValues(text));
    const isNews = this.#catalog.lists[kind] !== null;
    if (isNews && remembered.kept === null && remembered.why === 'secret') {
      const text = `its ${kind} are not remembered for the next start: a secret of its configuration stands in them`;
      this.log('warn', text, {});
    }
    const list = { [kind]: remembered.kept };
    this.#catalog = { ...this.#catalog, lists: { ...this.#catalog.lists, ...list } };
    this.#remember({ profile: null, lists: list });
    const pages = new Set(entries.map(({ json }) => json.buffer as ArrayBuffer));
    this.#troubles.delete(kind);
    const withheld = this.#withheld.get(kind) ?? NOTHING;
    const hashes = kind === 'resources' ? [] : hashesOf(entries, remembered.kept);
    const told = { slot: this.#slot, incarnation, kind, entries, hashes, commandTools, withheld };
    this.#context.post({ type: 'catalog', ...told }, [...pages]);
    this.publish();
  }

  /** Comes before `listed`. Logs each change once, also over restarts. @param withheld without secrets. */
  leftOut(kind: ListKind, withheld: Withheld): void {
    const { why } = this.#withheld.get(kind) ?? NOTHING;
    this.#withheld.set(kind, withheld);
    if (withheld.why !== why && withheld.why !== '') this.log('warn', withheld.why, {});
  }

  /** Logs each change once. @param problem without secrets. */
  listFailed(kind: ListKind, problem: string): void {
    if (this.#troubles.get(kind) === problem) return;
    this.#troubles.set(kind, problem);
    this.log('warn', problem, {});
    this.publish();
  }

  /** Nothing is known of a list: main need not wait for it. */
  unlisted(kind: ListKind, incarnation: number): void {
    this.#post({ type: 'unlisted', slot: this.#slot, incarnation, kind });
  }

  /** A call has left with a secret in it; told once a second at most. @param where the argument, in words. */
  argumentSecret(where: string, kind: string): void {
    const now = performance.now();
    if (now - this.#argumentToldAt < TELL_EVERY_MS) return;
    this.#argumentToldAt = now;
    const shown = cleanForTerminal(this.#secrets.redactedHead(where, ARGUMENT));
    const text = 'a call was sent with a secret among its arguments (redact.arguments: warn)';
    this.log('warn', text, { argument: shown, kind });
  }

  log(level: LogMessage['level'], message: string, fields: LogMessage['fields']): void {
    this.#post({ type: 'log', level, server: this.#config.lane, message, fields });
  }

  #post(message: FromSupervisor): void {
    this.#context.post(message, []);
  }

  /** Tells the state writer what to offer at the next start before the server is up. */
  #remember(told: Pick<CatalogFact, 'profile' | 'lists'>): void {
    const { fingerprint, name } = this.#config;
    const fact: CatalogFact = { type: 'catalog', server: name, fingerprint, heldUp: null, ...told };
    this.#context.factsPort().postMessage(fact);
  }

  #record(state: SupervisorState): SupervisorRecord {
    const [trouble = null] = this.#troubles.values();
    const withheld = LIST_KINDS.flatMap((kind) => this.#withheld.get(kind) ?? []);
    const extras = {
      since: this.#since,
      childStarted: this.#present?.startTime ?? null,
      lastExit: this.#lastExit,
      lastError: this.#lastError ?? trouble,
      withheld: withheld.reduce((sum, { count }) => sum + count, 0),
      withheldWhy: withheld.flatMap(({ why }) => (why === '' ? [] : [why])).join('; '),
      toolsCount: this.#toolsCount,
      protocolVersion: this.#protocolVersion,
      leftRunning: this.#leftRunning,
      noiseLines: this.#noiseBefore + (this.#present?.noiseLines ?? 0),
    };
    const offset = Date.now() - performance.now();
    return recordOf(state, extras, (at) => new Date(at + offset).toISOString());
  }
}

/** Of a server that never was there. */
function nothing(): Exit {
  return { code: null, signal: null, at: now(), stderr_tail: '' };
}

function now(): string {
  return new Date().toISOString();
}
