/** What all supervisors of a thread share. Types only. */
import type { MessagePort } from 'node:worker_threads';
import type { ByteCredit } from '../../shared/memory/byte-credit.ts';
import type { ThreadVitals } from '../../shared/memory/vitals.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import type { Remote } from './http/remote.ts';
import type { Looks } from './rules/path-rule.ts';
import type { Post } from './to-main.ts';
import type { Workload } from './workload.ts';

export interface SupervisorContext {
  readonly byteCredit: ByteCredit;
  readonly workload: Workload;
  readonly vitals: ThreadVitals;
  readonly groupsFile: string;
  /** Id of the gateway's session. */
  readonly session: string;
  readonly guarded: GuardedPlaces;
  readonly looks: Looks;
  /** The link to a server behind HTTP; null in a thread that was not started for such servers. */
  readonly Remote: typeof Remote | null;
  readonly gatewayVersion: string;
  readonly post: Post;
  /** The port to the present state writer; another one after the state writer's thread was replaced. */
  readonly factsPort: () => MessagePort;
}
