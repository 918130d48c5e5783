/** What the state file shows of the calls of one lane. */
import type { RoutingRecord } from '../../shared/model/snapshot.ts';
import type { Circuit } from '../calls/circuit.ts';
import type { Delivery } from '../calls/delivery.ts';
import type { Dispatcher } from '../calls/dispatcher.ts';

interface Parts {
  readonly circuit: Circuit;
  readonly delivery: Delivery;
  readonly dispatcher: Dispatcher;
}

/** @param calls how many it was ever given. @param thread the one that it runs in. */
export function routingRecord(
  { circuit, delivery, dispatcher }: Parts,
  calls: number,
  { threadRecord: thread }: { readonly threadRecord: RoutingRecord['thread'] },
): RoutingRecord {
  return {
    ...circuit.record(performance.now()),
    in_flight: delivery.inFlight.size,
    queued: dispatcher.queued,
    calls,
    errors: delivery.errors,
    p50_ms: delivery.quantile(0.5),
    p99_ms: delivery.quantile(0.99),
    thread,
  };
}
