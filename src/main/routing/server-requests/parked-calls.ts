/**
 * How many calls at one server may wait for clients that were asked by an answer: one that never comes back holds a
 * place of `max_concurrency`. Pure.
 */
import type { Client } from '../client.ts';
import { type Addressee, notSupported } from './addressee.ts';

/** A question that is open. */
interface Asked {
  readonly client: Client;
  /** The request of its client by whose answer that was asked; null: it was asked by a request. */
  readonly parked: string | null;
}

const MAX_PARKED = 16;

export const TOO_MANY_PARKED = notSupported(
  `${MAX_PARKED} calls at this server wait for their clients already`,
);

/** Whether one more question may be asked. @param open those of the server. */
export function mayPark(open: readonly Asked[], { client, relatedTo }: Addressee): boolean {
  if (relatedTo === null || !client.grant(relatedTo).byAnswer) return true;
  const parked = new Map<Client, Set<string>>();
  let calls = 0;
  for (const one of open) {
    if (one.parked === null) continue;
    const its = parked.get(one.client) ?? new Set<string>();
    parked.set(one.client, its);
    if (!its.has(one.parked)) calls += 1;
    its.add(one.parked);
  }
  return calls < MAX_PARKED || parked.get(client)?.has(relatedTo) === true;
}
