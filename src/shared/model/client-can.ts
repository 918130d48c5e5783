/**
 * What a client can be asked by servers, as one number: it goes along with each of its calls, because some servers
 * are told it call by call. Pure.
 */
import { isObject } from './is-object.ts';
import { TASKS_EXTENSION } from './task-handles.ts';

type Path = readonly [kind: string] | readonly [kind: string, part: string];
/** Whether a capability was declared. @param path the keys of nested objects. */
type Supports = (...path: readonly string[]) => boolean;

/** In the order of their bits. */
const ABILITIES: readonly Path[] = [
  ['roots'],
  ['sampling'],
  ['sampling', 'tools'],
  ['sampling', 'context'],
  ['elicitation'],
  ['elicitation', 'form'],
  ['elicitation', 'url'],
];
const KINDS = ['roots', 'sampling', 'elicitation'] as const;

/** Beside these: the client takes a task for an answer. No handshake says so, hence `canOf` never does. */
export const TAKES_TASKS = 1 << ABILITIES.length;

type Abilities = Partial<Record<string, Record<string, object>>>;

/** Whether one can be asked that who has declared this. An elicitation that names no part means forms. */
export function canBeAsked(supports: Supports, ...path: readonly string[]): boolean {
  const [kind, part] = path;
  if (kind === 'elicitation' && part === 'form' && !supports(kind, 'url')) return supports(kind);
  return supports(...path);
}

/** True where the client has declared this. @param path the keys of nested objects, the last of which must be an object, too. */
export function hasCapability(capabilities: object, path: readonly string[]): boolean {
  let at: unknown = capabilities;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false;
    at = (at as Record<string, unknown>)[name];
  }
  return typeof at === 'object' && at !== null;
}

/** @param capabilities as the client has declared them. */
export function canOf(capabilities: object): number {
  let can = 0;
  for (const [bit, path] of ABILITIES.entries()) {
    const supports: Supports = (...keys) => hasCapability(capabilities, keys);
    if (canBeAsked(supports, ...path)) can |= 1 << bit;
  }
  return can;
}

/**
 * Capabilities for a call of a client that can do that, without tasks of revisions with a handshake.
 *
 * @param told JSON text of the capabilities that the server is told of all clients.
 * @param isLimit an operator has said so: the client may be able to do more. Otherwise its own count.
 */
export function capabilitiesOf(told: string, can: number, isLimit: boolean): string {
  const { tasks: _, extensions, ...all } = JSON.parse(told) as Record<string, unknown>;
  const own = extensionsOf(extensions, can);
  if (own !== undefined) all['extensions'] = own;
  const able = abilitiesOf(can);
  for (const kind of KINDS) {
    const its = able[kind];
    const limit = all[kind];
    delete all[kind];
    if (its === undefined) continue;
    if (!isLimit) all[kind] = its;
    else if (isObject(limit)) {
      const rest = both(kind, limit, its);
      // Without a part it would mean forms.
      if (kind !== 'elicitation' || Object.keys(rest).length > 0) all[kind] = rest;
    }
  }
  return JSON.stringify(all);
}

/** Those of all clients, with tasks only where this one takes them. */
function extensionsOf(told: unknown, can: number): unknown {
  const takesTasks = (can & TAKES_TASKS) !== 0;
  if (!isObject(told)) return takesTasks ? { [TASKS_EXTENSION]: {} } : told;
  const others = Object.entries(told).filter(([name]) => name !== TASKS_EXTENSION);
  return Object.fromEntries(takesTasks ? [...others, [TASKS_EXTENSION, {}]] : others);
}

function abilitiesOf(can: number): Abilities {
  const able: Abilities = {};
  for (const [bit, [kind, part]] of ABILITIES.entries()) {
    if ((can & (1 << bit)) === 0) continue;
    const parts = (able[kind] ??= {});
    if (part !== undefined) parts[part] = {};
  }
  return able;
}

function both(kind: string, limit: object, own: object): object {
  const allows: Supports = (_kind, part) => part === undefined || Object.hasOwn(limit, part);
  return Object.fromEntries(Object.entries(own).filter(([part]) => canBeAsked(allows, kind, part)));
}
