/**
 * The server as its calls see it.
 */
import type { AsksConfig } from '../../shared/model/asks.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { Phase } from '../../shared/model/errors.ts';
import type { ToSupervisor } from '../../shared/protocol/to-supervisor.ts';
import type { Cause } from '../causes/causes.ts';
import type { Audit } from './audit.ts';
import type { Circuit } from './circuit.ts';
import type { Halt } from './gate/halt.ts';
import type { Observer } from './observer.ts';

/** Where messages for a server go. */
export interface ServerLink {
  /** Its slot in the thread that it runs in now. */
  readonly slot: number;
  /** False: there is no thread to post to. */
  post(message: ToSupervisor): boolean;
  /** True while its answers are not read, through no fault of its own. */
  readonly heldBack: boolean;
}

export interface Backend {
  readonly config: ServerConfig;
  readonly phase: Phase;
  readonly link: ServerLink;
  readonly circuit: Circuit;
  readonly observer: Observer;
  /** What is wrong with it; null: nothing that is known. */
  readonly cause: Cause | null;
  readonly audit: Audit;
  /** The kinds of request it may send to clients. */
  readonly asks: AsksConfig;
  halted(): Halt;
  /** Something that is shown of it has changed. */
  changed(): void;
}

/** The server, as a message names it. */
export function named({ config }: Pick<Backend, 'config'>): string {
  return `server "${config.name}"`;
}
