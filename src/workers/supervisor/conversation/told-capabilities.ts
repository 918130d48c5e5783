/** The client capabilities that a server is told: without those that it is not allowed to use. Pure. */
import type { AsksConfig } from '../../../shared/model/asks.ts';

const REFUSABLE = ['elicitation', 'sampling'] as const;

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
