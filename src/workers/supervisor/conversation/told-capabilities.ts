/** What a server is told that its client can do: not what the server may not ask for anyway. Pure. */
import type { AsksConfig } from '../../../shared/model/asks.ts';

const REFUSABLE = ['elicitation', 'sampling'] as const;

/** @param capabilities JSON text of the client's. @returns the same text when nothing is denied. */
export function toldCapabilities(capabilities: string, asks: AsksConfig): string {
  const denied = REFUSABLE.filter((kind) => asks[kind] === 'deny');
  if (denied.length === 0) return capabilities;
  const told: Record<string, unknown> = JSON.parse(capabilities);
  // Tasks can be made of what is asked for in the same words.
  const places = [told, within(within(told, 'tasks'), 'requests')];
  for (const place of places) for (const kind of denied) delete place[kind];
  return JSON.stringify(told);
}

function within(object: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = object[key];
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
