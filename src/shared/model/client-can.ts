/**
 * What a client can be asked by servers, as one number: it goes along with each of its calls, because some servers
 * are told it call by call. Pure.
 */

type Path = readonly [kind: string, part?: string];

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
/** Of a client that names no part: it can show forms. */
const FORM = { form: {} };

type Abilities = Partial<Record<(typeof KINDS)[number], object>>;

/** @param supports whether the client has declared a capability. */
export function canOf(supports: (...path: readonly string[]) => boolean): number {
  let can = 0;
  for (const [bit, [kind, part]] of ABILITIES.entries()) {
    if (part === undefined ? supports(kind) : supports(kind, part)) can |= 1 << bit;
  }
  return can;
}

/**
 * Capabilities for a call of a client that can do that, without tasks.
 *
 * @param told JSON text of the capabilities that the server is told of all clients.
 * @param isLimit an operator has said so: the client may be able to do more. Otherwise its own count.
 */
export function capabilitiesOf(told: string, can: number, isLimit: boolean): string {
  const { tasks: _, ...all } = JSON.parse(told) as Record<string, unknown>;
  const able = abilitiesOf(can);
  for (const kind of KINDS) {
    const own = able[kind];
    const limit = all[kind];
    delete all[kind];
    if (own === undefined) continue;
    if (!isLimit) all[kind] = own;
    else if (isObject(limit)) {
      const rest = both(kind, limit, own);
      // Without a part it would mean forms.
      if (kind !== 'elicitation' || Object.keys(rest).length > 0) all[kind] = rest;
    }
  }
  return JSON.stringify(all);
}

function abilitiesOf(can: number): Abilities {
  const able: Record<string, Record<string, object>> = {};
  for (const [bit, [kind, part]] of ABILITIES.entries()) {
    if ((can & (1 << bit)) === 0) continue;
    const parts = (able[kind] ??= {});
    if (part !== undefined) parts[part] = {};
  }
  const { elicitation } = able;
  return elicitation !== undefined && Object.keys(elicitation).length === 0
    ? { ...able, elicitation: FORM }
    : able;
}

function both(kind: string, limit: object, own: object): object {
  const isAny = kind === 'elicitation' && Object.keys(limit).length === 0;
  const allowed = isAny ? FORM : limit;
  return Object.fromEntries(Object.entries(own).filter(([part]) => Object.hasOwn(allowed, part)));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
