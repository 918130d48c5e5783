/** What an incarnation is made of. Types only. */
import type { SupervisorInput } from '../../shared/machines/supervisor-state.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { BlockedPath, InjectionDetection, RedactRules } from '../../shared/model/policy.ts';
import type { LauncherAddress } from '../../shared/protocol/launch.ts';
import type { SupervisorContext } from './context.ts';
import type { ConversationOptions } from './conversation/conversation.ts';
import type { ServerSecrets } from './secrets.ts';
import type { Telling } from './telling.ts';

export interface IncarnationOptions {
  readonly number: number;
  readonly slot: number;
  readonly creditLane: number;
  readonly config: ServerConfig;
  readonly capabilities: ConversationOptions['capabilities'];
  /** Level that clients have asked for; null: none was. */
  readonly logLevel: string | null;
  /** Starts the process; null: this process forks. */
  readonly launcher: LauncherAddress | null;
  readonly context: SupervisorContext;
  /** What the policy blocks now. */
  readonly blocked: () => readonly BlockedPath[];
  /** What becomes of secrets now. */
  readonly redact: () => RedactRules;
  /** What becomes of results that hide something now. */
  readonly injection: () => InjectionDetection;
  /** Of a result, now. */
  readonly maxResultBytes: () => number;
  readonly secrets: ServerSecrets;
  readonly telling: Telling;
  /** Gives an input to the machine. */
  readonly feed: (input: SupervisorInput) => void;
}
