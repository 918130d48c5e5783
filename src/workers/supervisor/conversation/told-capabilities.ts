/**
 * The client capabilities that a server is told: in a handshake those of all its clients, with each call those of the
 * call's client; without those that it is not allowed to use. Owned by the supervisor of the slot.
 */
import type { AsksConfig } from '../../../shared/model/asks.ts';
import { capabilitiesOf } from '../../../shared/model/client-can.ts';

const REFUSABLE = ['elicitation', 'sampling'] as const;

export class ToldCapabilities {
  /** JSON text, as it was configured; null: it was not. */
  readonly #configured: string | null;
  readonly #ofCalls = new Map<number, string>();
  #all: string;
  #asks: AsksConfig;

  /** @param all JSON text of what clients can do, where nothing is configured. */
  constructor(configured: string | null, all: string, asks: AsksConfig) {
    this.#configured = configured;
    this.#all = configured ?? all;
    this.#asks = asks;
  }

  /** From now on, see the constructor. */
  change(all: string, asks: AsksConfig): void {
    this.#all = this.#configured ?? all;
    this.#asks = asks;
    this.#ofCalls.clear();
  }

  /** JSON text. */
  get all(): string {
    return toldCapabilities(this.#all, this.#asks);
  }

  /** JSON text. @param can see `canOf`. */
  ofCall(can: number): string {
    const known = this.#ofCalls.get(can);
    if (known !== undefined) return known;
    const own = capabilitiesOf(this.#all, can, this.#configured !== null);
    const told = toldCapabilities(own, this.#asks);
    this.#ofCalls.set(can, told);
    return told;
  }
}

/** @param capabilities of the client, as JSON text. @returns the same text when nothing is denied. */
export function toldCapabilities(capabilities: string, asks: AsksConfig): string {
  const denied = REFUSABLE.filter((kind) => asks[kind] === 'deny');
  if (denied.length === 0) return capabilities;
  const told: Record<string, unknown> = JSON.parse(capabilities);
  // The same requests can also be made as tasks.
  const places = [told, within(within(told, 'tasks'), 'requests')];
  for (const place of places) for (const kind of denied) delete place[kind];
  return JSON.stringify(told);
}

function within(object: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = object[key];
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
