/**
 * What is done before a gateway is built: leftovers of dead gateways are killed, and the places that no
 * client may name are taken down before any server could move them.
 */
import { KnownPlaces } from '../../shared/memory/known-places.ts';
import { LookupSlots } from '../../shared/memory/lookup-slots.ts';
import { ownIdentity, systemLook } from '../../shared/platform/identity.ts';
import { type Looks, learnPlaces } from '../processes/guarded-places.ts';
import { reapDeadGateways } from '../processes/reaper.ts';
import type { GatewayOptions } from './options.ts';

/** @param dir absolute path of `.rea`. */
export async function before(options: GatewayOptions, dir: string): Promise<Looks> {
  const { log, guarded } = options;
  const reaped = reapDeadGateways(dir, ownIdentity(), systemLook());
  for (const group of reaped.killed) log.warn(group, 'killed a leftover of a dead gateway');
  for (const problem of reaped.problems) log.warn(problem);
  const looks = { slots: LookupSlots.create(), known: KnownPlaces.create() };
  await learnPlaces(guarded, looks);
  return looks;
}
