/**
 * What is done before a gateway is built: the end of what dead gateways have left begins, and the places that no
 * client may name are taken down before any server could move them.
 */
import { KnownPlaces } from '../../shared/memory/known-places.ts';
import { LookupSlots } from '../../shared/memory/lookup-slots.ts';
import { ownIdentity, systemLook } from '../../shared/platform/identity.ts';
import { removeOldLogs } from '../log/old-logs.ts';
import { prepareDirectory } from '../processes/directory.ts';
import { type Looks, learnPlaces } from '../processes/guarded-places.ts';
import { reapDeadGateways } from '../processes/reaper.ts';
import type { GatewayOptions } from './options.ts';

/** Node waits for its own children only. */
const FIRST_PROCESS =
  'rea is process 1 here: what its servers leave behind becomes its child and stays a zombie; start the container with an init (docker run --init)';

export interface Before {
  readonly ok: true;
  /** Absolute path of `.rea`. */
  readonly dir: string;
  readonly looks: Looks;
  /** Nothing that dead gateways have started is left, or it does not end. No server is started before. */
  readonly reaped: Promise<void>;
}

/** The message is one line: what, where, what to do. */
export async function before(
  options: GatewayOptions,
): Promise<Before | { readonly ok: false; readonly message: string }> {
  const { log, logFile, guarded } = options;
  const prepared = prepareDirectory(options.cwd);
  if (!prepared.ok) return { ok: false, message: prepared.error };
  const { dir } = prepared;
  if (process.pid === 1) log.warn(FIRST_PROCESS);
  const reaped = reapDeadGateways(dir, ownIdentity(), systemLook()).then(({ ended, problems }) => {
    for (const group of ended) log.warn(group, 'ended a leftover of a dead gateway');
    for (const problem of problems) log.warn(problem);
  });
  // Dead gateways are known by then, and nobody waits for it.
  if (logFile !== null) void reaped.then(() => removeOldLogs(dir, log));
  const looks = { slots: LookupSlots.create(), known: KnownPlaces.create() };
  await learnPlaces(guarded, looks);
  return { ok: true, dir, looks, reaped };
}

/** Why a gateway cannot be made there. */
export function unusable(dir: string, error: unknown): string {
  const detail = error instanceof Error ? error.message : String(error);
  return `cannot use ${dir}: ${detail}; choose a directory with --cwd`;
}
