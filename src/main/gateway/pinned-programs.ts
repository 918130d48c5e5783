/**
 * The pins of programs while the gateway runs: the file is looked at several times a second, so that what a
 * person accepts is in force at once.
 */
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import { firstNames } from '../config/first-of.ts';
import type { Policy } from '../config/policy.ts';
import { programTexts, type Read } from '../config/program-texts.ts';
import { FileWatch } from '../config/watch.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { Logger } from '../logger.ts';
import {
  type Accepted,
  acceptedEvent,
  acceptedOf,
  pinnable,
  pinPrograms,
  withPrograms,
} from '../pins/pin-programs.ts';
import type { ProgramPins } from '../pins/program-pins.ts';
import { pinsPath, readPins } from '../pins/read-pins.ts';

export interface PinnedProgramsOptions {
  readonly programs: ProgramPins;
  readonly stateDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly secrets: Pick<LogSecrets, 'values'>;
  readonly log: Logger;
}

export interface PinnedProgramsEvents {
  /** Programs were accepted, or what the policy may say of them. */
  readonly onAccepted: () => void;
  readonly record: (event: AuditEvent) => void;
}

export class PinnedPrograms {
  readonly #options: PinnedProgramsOptions;
  readonly #events: PinnedProgramsEvents;
  readonly #watch: FileWatch;

  constructor(options: PinnedProgramsOptions, events: PinnedProgramsEvents) {
    this.#options = options;
    this.#events = events;
    this.#watch = new FileWatch({
      files: [pinsPath(options.stateDir)],
      onChange: () => this.#read(),
    });
  }

  /** @param policy as it is written. @returns it as far as it holds. */
  inForce(policy: Policy): Policy {
    return this.#options.programs.inForce(policy);
  }

  get digest(): string {
    return this.#options.programs.digest;
  }

  start(): void {
    this.#watch.start();
    // It may have changed while everything else began.
    this.#read();
  }

  close(): void {
    this.#watch.close();
  }

  /** Where whoever started the gateway wants every change in force: what is in force is pinned. */
  take(read: Read): void {
    const { programs } = this.#options;
    if (programs.action === 'take') this.#hold(read, read.config.servers, '--reload auto');
  }

  /**
   * A person has named this server in a command: its program is pinned, and holds at once.
   *
   * @returns it in one line, secrets hidden; null: it is nothing new.
   */
  takeOne(read: Read, name: string): string | null {
    const named = read.config.servers.filter((server) => server.name === name);
    const [taken] = this.#hold(read, named, 'a command that names it');
    return taken?.shown ?? null;
  }

  /** Pins them in this run, at once, and in the file. @param by for the log. @returns those that were not pinned. */
  #hold(read: Read, servers: readonly ServerConfig[], by: string): readonly Accepted[] {
    const { programs, stateDir, env, secrets, log } = this.#options;
    const unknown = pinnable(servers, read.written).filter(
      (server) => !programs.isPinned(server, read.written.get(server.name)),
    );
    if (unknown.length === 0) return [];
    const texts = programTexts(read, secrets.values(), env);
    const taken = acceptedOf(unknown, read.written, texts, (...one) => programs.pinOf(...one));
    for (const { name, shown } of taken) {
      log.info(`server "${name}" is pinned, as ${by} says: ${shown}`);
    }
    this.#events.record(acceptedEvent(taken, by));
    programs.update(withPrograms(programs.pins, taken, new Date().toISOString()));
    void pinPrograms(stateDir, taken).then((written) => {
      if (!written.ok) log.warn(written.error);
    });
    return taken;
  }

  #read(): void {
    const { programs, stateDir, log } = this.#options;
    this.#watch.acknowledge();
    const read = readPins(stateDir);
    // What was accepted in this run holds, also while only definitions were written down.
    if (read.kind === 'absent') return;
    if (read.kind === 'pins' && read.pins.programs === undefined) return;
    if (read.kind === 'damaged') {
      log.error(
        `${pinsPath(stateDir)} ${read.why}; what was pinned before holds until it is mended`,
      );
      return;
    }
    const before = programs.digest;
    const names = programs.update(read.pins);
    if (names.length > 0) {
      const servers = firstNames(names);
      log.info(`pinned from now on: ${servers.join(', ')}`);
      this.#events.record({ event: 'pinned', facts: { what: 'program', servers } });
    }
    if (programs.digest !== before) this.#events.onAccepted();
  }
}
