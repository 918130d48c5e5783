/** What is looked at, and what a check of it is. Types only. */
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { Policy } from '../config/policy.ts';
import type { ProgramTexts } from '../config/program-texts.ts';
import type { Loaded } from '../pins/command-place.ts';
import type { StatePlace } from '../processes/state-directory.ts';
import type { Gateway } from '../status/gateways.ts';
import type { Finding } from './finding.ts';

export interface Place {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute; it need not be there. */
  readonly stateDir: string;
  readonly statePlace: StatePlace;
  readonly loaded: Loaded;
  /** With the rules in force, and servers that nobody has accepted as blocked. */
  readonly config: GatewayConfig;
  readonly policy: Policy;
  /** The command lines of programs that `--start` starts before anybody has accepted them; null: it starts none. */
  readonly startsUnaccepted: ProgramTexts | null;
  /** Why nobody knows which programs were accepted, with what to type; null: it is known. */
  readonly pinsProblem: string | null;
  /** Of this directory, those that are dead as well. */
  readonly gateways: readonly Gateway[];
}

/** Looks at one thing of the machine or the project, starts no server, and leaves nothing behind. */
export type Check = (place: Place) => readonly Finding[] | Promise<readonly Finding[]>;
