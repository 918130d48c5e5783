/**
 * What servers need to be started as a gateway starts them, in one process without a gateway: the memory that
 * threads share, and who ends what is left. The list of process groups lies in the temporary directory: nothing is
 * written where gateways are, and nothing is locked.
 */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ByteCredit } from '../../../shared/memory/byte-credit.ts';
import { KnownPlaces } from '../../../shared/memory/known-places.ts';
import { LookupSlots } from '../../../shared/memory/lookup-slots.ts';
import type { GatewayConfig } from '../../../shared/model/config.ts';
import { groupsHeader } from '../../../shared/model/groups.ts';
import type { GuardedPlaces } from '../../../shared/model/guarded.ts';
import { errorText } from '../../../shared/platform/errno.ts';
import { ownIdentity, systemLook } from '../../../shared/platform/identity.ts';
import { removeFile, writeWholeFile } from '../../../shared/platform/safe-file.ts';
import { STRAGGLER_TERM_MS } from '../../../shared/platform/stragglers.ts';
import { ServerProcesses } from '../../gateway/server-processes.ts';
import type { LogSecrets } from '../../log-secrets.ts';
import type { Logger } from '../../logger.ts';
import type { Logins } from '../../logins/logins.ts';
import { KeptGuard } from '../../processes/kept-guard.ts';
import { creditLimits } from '../../servers/capacity.ts';

export interface GroundOptions {
  readonly config: GatewayConfig;
  /** Servers at the same time. */
  readonly jobs: number;
  readonly guarded: GuardedPlaces;
  readonly version: string;
  readonly log: Logger;
  readonly logins: Pick<Logins, 'serve'>;
  readonly secrets: LogSecrets;
}

export interface Ground extends GroundOptions {
  readonly credit: ByteCredit;
  readonly lookups: LookupSlots;
  readonly knownPlaces: KnownPlaces;
  readonly groupsFile: string;
  readonly processes: ServerProcesses;
  /** All servers have ended: ends what they have left, and removes what was written. */
  clear(): Promise<void>;
}

/** @returns one line that says why nothing can be started, as well. */
export function openGround(options: GroundOptions): Ground | string {
  const session = randomUUID();
  const identity = ownIdentity();
  const groupsFile = join(tmpdir(), `${session}.groups`);
  try {
    writeWholeFile(groupsFile, groupsHeader(identity), 'create');
  } catch (error) {
    return `${groupsFile} cannot be written: ${errorText(error)}`;
  }
  const { log, config, jobs } = options;
  const processes = new ServerProcesses({ session, identity, look: systemLook(), log });
  // The guard removes the file when this process is killed. There is no record of a gateway: the second name is the same.
  const guard = new KeptGuard({ groupsFile, instanceFile: groupsFile }, log);
  return {
    ...options,
    credit: ByteCredit.create(jobs, creditLimits(config)),
    lookups: LookupSlots.create(),
    knownPlaces: KnownPlaces.create(),
    groupsFile,
    processes,
    clear: async () => {
      await processes.endStragglers(STRAGGLER_TERM_MS);
      guard.release();
      removeFile(groupsFile);
    },
  };
}
