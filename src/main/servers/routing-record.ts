/** What the state file shows of the calls of one lane. */
import type { RoutingRecord } from '../../shared/model/snapshot.ts';
import type { Circuit } from '../calls/circuit.ts';
import type { Delivery } from '../calls/delivery.ts';

export interface RecordParts {
  readonly circuit: Circuit;
  readonly delivery: Delivery;
  readonly queued: number;
  readonly calls: number;
}

/** @param thread the one that the server runs in. */
export function routingRecord(
  { circuit, delivery, queued, calls }: RecordParts,
  thread: RoutingRecord['thread'],
): RoutingRecord {
  return {
    ...circuit.record(performance.now()),
    in_flight: delivery.inFlight.size,
    queued,
    calls,
    errors: delivery.errors,
    p50_ms: delivery.quantile(0.5),
    p99_ms: delivery.quantile(0.99),
    thread,
  };
}
