/**
 * Requests for resources in the first moments of a run, while a list would wait for servers that were never
 * seen: they wait as long, so that a server that is quick does not get what another one is about to list.
 */
import type { Withdrawable } from '../calls/call.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ServerRequest } from './request.ts';

/** Goes on at once when everything is known or was waited for; never when the client withdraws. */
export function afterFirstLists(
  catalog: Catalog,
  { client, idText }: Pick<ServerRequest, 'client' | 'idText'>,
  go: () => void,
): void {
  let state: 'begun' | 'waits' | 'ended' = 'begun';
  const waiting: Withdrawable = {
    idText,
    withdraw: () => {
      state = 'ended';
    },
  };
  const goOn = () => {
    if (state === 'ended') return;
    if (state === 'waits') client.untrack(waiting);
    state = 'ended';
    go();
  };
  const whenListed = (kind: 'resources' | 'templates', next: () => void) =>
    catalog.whenListable(kind, performance.now(), next);
  whenListed('resources', () => whenListed('templates', goOn));
  if (state !== 'begun') return;
  state = 'waits';
  client.track(waiting);
}
