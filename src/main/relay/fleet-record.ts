/**
 * What a gateway says of itself to relays, so that only sessions share it that would have started the same servers:
 * of the same configuration file, with the same values of the variables that it uses. Values are there as hashes.
 */
import { createHmac } from 'node:crypto';
import { fieldsOf, text } from '../processes/fields.ts';

/** Counts the changes of how relays and gateways speak. */
export const RELAY_PROTOCOL = 1;
const MAX_VARIABLES = 1000;

export interface FleetRecord {
  readonly protocol: number;
  /** Absolute path of the configuration file. */
  readonly config: string;
  /** For each name an HMAC of its value, or of its absence. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface FleetFacts {
  readonly config: string;
  /** Names. */
  readonly variables: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Of the state directory. */
  readonly key: Buffer;
}

export function fleetRecord({ config, variables, env, key }: FleetFacts): FleetRecord {
  const hashed = variables.map((name) => [name, hashOf(name, env, key)] as const);
  return { protocol: RELAY_PROTOCOL, config, variables: Object.fromEntries(hashed) };
}

/** @returns null: relays do not know it. */
export function readFleetRecord(value: unknown): FleetRecord | null {
  const fields = fieldsOf(value);
  const protocol = fields?.['protocol'];
  const config = text(fields?.['config']);
  const variables = Object.entries(fieldsOf(fields?.['variables']) ?? {});
  if (typeof protocol !== 'number' || config === null || variables.length > MAX_VARIABLES) {
    return null;
  }
  const known = variables.flatMap(([name, hash]) =>
    typeof hash === 'string' ? [[name, hash] as const] : [],
  );
  return { protocol, config, variables: Object.fromEntries(known) };
}

/** Names of the variables that have another value here than in the gateway. */
export function otherVariables(
  { variables }: FleetRecord,
  env: NodeJS.ProcessEnv,
  key: Buffer,
): string[] {
  return Object.entries(variables)
    .filter(([name, hash]) => hash !== hashOf(name, env, key))
    .map(([name]) => name);
}

function hashOf(name: string, env: NodeJS.ProcessEnv, key: Buffer): string {
  const value = env[name] ?? null;
  return createHmac('sha256', key)
    .update(JSON.stringify(['variable', name, value]))
    .digest('base64url');
}
