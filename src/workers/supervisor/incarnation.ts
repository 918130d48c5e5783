/**
 * One start of a server and all that ends with it: the child, the conversation with it, its stderr.
 * Wires them together and turns what they tell into inputs of the machine. Owned by the supervisor of
 * the slot.
 */
import type { SupervisorInput } from '../../shared/machines/supervisor-state.ts';
import type { DownstreamConfig } from '../../shared/model/config.ts';
import type { ListKind } from '../../shared/model/lists.ts';
import type { LastExit } from '../../shared/model/snapshot.ts';
import { cleanForTerminal } from '../../shared/wire/clean-text.ts';
import { SAMPLE_UNITS } from '../../shared/wire/framing.ts';
import type {
  CatalogEntry,
  FromSupervisor,
  LogMessage,
  ServerProfile,
} from '../../shared/wire/protocol.ts';
import { redactedHead } from '../../shared/wire/redact.ts';
import type { ThreadVitals } from '../../shared/wire/vitals.ts';
import { Child } from './child.ts';
import { buildChildEnv, withheldNames } from './environment.ts';
import { KEPT_ERROR_UNITS } from './own-requests.ts';
import { exitText } from './record.ts';
import { Session } from './session.ts';
import { StderrReader } from './stderr.ts';

const SAMPLE = { kept: SAMPLE_UNITS, shown: 200 };
const PROBLEM = { kept: KEPT_ERROR_UNITS, shown: 2000 };

export interface IncarnationOptions {
  readonly config: DownstreamConfig;
  readonly slot: number;
  readonly incarnation: number;
  readonly vitals: ThreadVitals;
  readonly groupsFile: string;
  readonly gatewayVersion: string;
  readonly clientCapabilities: string;
  readonly post: (message: FromSupervisor, transfer: ArrayBuffer[]) => void;
  readonly feed: (input: SupervisorInput) => void;
  /** Takes secrets out. */
  readonly redact: (text: string) => string;
  readonly log: (level: LogMessage['level'], text: string, fields: LogMessage['fields']) => void;
  /** Level last asked for, null if none was. */
  readonly logLevel: () => string | null;
  /** Called before the machine learns of the exit. */
  readonly onExit: (exit: LastExit) => void;
  readonly onProfile: (profile: ServerProfile, incarnation: number) => void;
  readonly onList: (kind: ListKind, entries: readonly CatalogEntry[], incarnation: number) => void;
  /** The child's start time became known late. */
  readonly onIdentified: () => void;
  /** A list could not be fetched. */
  readonly onNoList: (problem: string) => void;
}

export class Incarnation {
  readonly number: number;
  readonly child: Child;
  readonly session: Session;
  readonly stderr: StderrReader;
  /** Names of variables that the server may miss. */
  readonly withheld: readonly string[];

  /** Spawns and begins the handshake. */
  constructor(options: IncarnationOptions) {
    const { config, incarnation, feed, log } = options;
    this.number = incarnation;
    const env = buildChildEnv(process.env, config);
    this.withheld = withheldNames(process.env, env);
    this.stderr = new StderrReader({
      redact: options.redact,
      onLine: (line) => log('info', line, { stream: 'stderr' }),
      onDropped: (lines) => log('warn', 'lines of stderr were not logged', { lines }),
      now: () => performance.now(),
    });
    this.child = new Child({
      ...options,
      env,
      onSpawnFailed: (text) => {
        const detail = redactedHead(text, options.redact, PROBLEM);
        feed({ type: 'spawn_failed', incarnation, detail, random: Math.random() });
      },
      onStdout: (chunk) => this.session.push(chunk),
      onStderr: (chunk) => this.stderr.push(chunk),
      onUnreachable: (detail) => feed({ type: 'condemned', incarnation, reason: 'exit', detail }),
      onGone: (code, signal) => {
        this.session.end();
        this.stderr.end();
        const at = new Date().toISOString();
        options.onExit({ code, signal, at, stderr_tail: this.stderr.tail() });
        const detail = exitText(code, signal);
        feed({ type: 'exited', incarnation, code, signal, detail, random: Math.random() });
      },
      onTrouble: (text) => log('warn', text, {}),
      onIdentified: options.onIdentified,
    });
    if (this.child.pid !== null) feed({ type: 'spawned', incarnation, pid: this.child.pid });
    this.session = this.#converse(options);
  }

  /** Ends the conversation. @returns the calls without an answer, and whether each one left. */
  close(): { readonly call: number; readonly sent: boolean }[] {
    const unsent = new Set(this.child.unsentCalls());
    return this.session.close().map((call) => ({ call, sent: !unsent.has(call) }));
  }

  #converse(options: IncarnationOptions): Session {
    const { config, slot, incarnation, feed, log, redact } = options;
    const told = (text: string) => redactedHead(text, redact, PROBLEM);
    const condemn = (reason: 'handshake' | 'stall' | 'noise', detail: string) =>
      feed({ type: 'condemned', incarnation, reason, detail: told(detail) });
    return new Session({
      server: config.name,
      slot,
      incarnation,
      maxMessageBytes: config.maxMessageBytes,
      listTimeoutMs: config.startTimeoutMs,
      liveness: config.liveness,
      gatewayVersion: options.gatewayVersion,
      clientCapabilities: options.clientCapabilities,
      line: this.child,
      post: options.post,
      onProfile: (profile, leftOut) => {
        if (leftOut !== null) log('warn', leftOut, {});
        options.onProfile(profile, incarnation);
      },
      onHandshaken: (features) => {
        feed({ type: 'handshaken', incarnation, features });
        const level = options.logLevel();
        if (level !== null) this.session.setLogLevel(level);
      },
      onRefused: (problem) => condemn('handshake', problem),
      onStalled: (detail) => condemn('stall', detail),
      onTooMuchNoise: (detail) => condemn('noise', detail),
      onList: (kind, entries) => options.onList(kind, entries, incarnation),
      onListTrouble: (text, fatal) => {
        const problem = told(text);
        log('warn', problem, {});
        if (fatal) options.onNoList(problem);
      },
      onNoise: ({ lines, sample }) => {
        const shown = cleanForTerminal(redactedHead(sample, redact, SAMPLE));
        feed({ type: 'noise', incarnation, lines, sample: shown });
      },
      onDropped: ({ tooMany, tooLarge }) =>
        log('warn', 'notifications were not passed on', { tooMany, tooLarge }),
    });
  }
}
