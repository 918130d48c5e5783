/**
 * What the operator's room may know and ask of the gateway. The gateway implements it, so that this room
 * knows neither routing nor threads.
 */

import type { RedactPattern } from '../../shared/model/policy.ts';
import type { EndedCall } from '../calls/seen-calls.ts';

/** One running copy of a server. */
export interface LaneView {
  readonly name: string;
  /** Another one when it was replaced, as by a restart that was asked for; the same however often its process dies. */
  readonly copy: number;
  readonly phase: string;
  readonly pid: number | null;
  readonly restarts: number;
  readonly circuit: string;
  readonly in_flight: number;
  readonly queued: number;
  /** What is wrong with it, in words, redacted; null: nothing that is known. */
  readonly why: string | null;
  /** What a person does about it. */
  readonly action: string | null;
}

export interface ServerView {
  readonly name: string;
  /** `off`: it is in the configuration and not enabled. */
  readonly state: 'on' | 'off';
  /** True when it starts at its first call. */
  readonly lazy: boolean;
  readonly lanes: readonly LaneView[];
  /** Copies that are being replaced or removed, and the calls that they still have. */
  readonly leaving: number;
  readonly leaving_calls: number;
  readonly tools: number | null;
}

/** A request on its way to a server. */
export interface CallView {
  readonly server: string | null;
  readonly method: string;
  /** The tool or prompt as its server calls it; null: it names none. */
  readonly name: string | null;
  readonly client: string | null;
  /** It has not been handed to its server yet. */
  readonly waits: boolean;
  readonly ms: number;
}

/** How what calls were given is made fit to be shown. */
export interface GivenRules {
  /** Takes out secrets of all servers, and what looks like one. */
  readonly hide: (text: string) => string;
  /** The policy's own, for what else is not to be shown. */
  readonly patterns: readonly RedactPattern[];
}

/** A tool of the merged list: `[exposed name, server, JSON text of the server's own name]`. */
export type ToolPlace = readonly [exposed: string, server: string, ownRaw: string];

/** How an attempt to put the files in force has ended. */
export type Reloaded =
  | {
      readonly kind: 'done';
      /** Servers whose program or address still has to be taken. */
      readonly waiting: readonly string[];
      /** Mistakes in single entries, a line each. */
      readonly problems: readonly string[];
      /** The program or address that was new to the run until now; null: it was not new. */
      readonly taken: string | null;
    }
  /** Nothing has changed; why, a line each. */
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/** How the gateway looks from outside. */
export interface Sight {
  /** What its state file says, too. */
  status(): object;
  servers(): readonly ServerView[];
  calls(): readonly CallView[];
  /** JSON text of the merged list, and where each of its entries comes from. */
  tools(): { readonly json: Uint8Array; readonly places: readonly ToolPlace[] };
  /** Tells each call as it ends. @returns what ends that. */
  watchCalls(take: (call: EndedCall) => void): () => void;
  /** Null: what calls are given is not to be shown (`ui.show_arguments`). */
  readonly givenRules: GivenRules | null;
  /** Questions of the gateway to clients that have no answer yet. */
  readonly asksOpen: number;
  /** What the rules say about a tool that is listed, a line each; null: it is not listed. */
  rules(exposed: string): readonly string[] | null;
  /** What is in force, a line each. Names only: no value of a variable or header, no argument. */
  settings(): readonly string[];
}

/** What an operator has it do with its servers. */
export interface Handles {
  /**
   * Starts a server anew with the same settings: calls in flight end, calls that wait go over.
   *
   * @param now calls in flight are not waited for.
   * @returns why not yet, in words; null: it has begun.
   */
  restart(server: string, now: boolean): string | null;
  /** Reads the files as they are now. @param server the one whose new program is taken; null: all are. */
  reload(server: string | null): Promise<Reloaded>;
  /** Sets in the configuration file whether it is enabled. @returns what is wrong, in one line; null: it stands there. */
  setEnabled(server: string, enabled: boolean): Promise<string | null>;
}

export interface Operable extends Sight, Handles {
  readonly sessionId: string;
  readonly version: string;
  readonly stopping: boolean;
  /** The kill switch is set, as the gateway has seen it. */
  readonly halted: boolean;
  /** Absolute. */
  readonly configFile: string;
  /** Absolute; null: there is none. */
  readonly logFile: string | null;
  /** @returns false when it is set already. @throws the system's error. */
  freeze(reason: string): boolean;
  /** @returns why it is still set, in words, or null. @throws the system's error. */
  unfreeze(): string | null;
  /** Begins the stop, as a signal does. */
  stop(): void;
}
