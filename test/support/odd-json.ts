/** JSON that is changed in one place, as raw text: with doubled members, odd white space and odd values. */
import fc from 'fast-check';

/** Raw JSON in the place of a value. */
export const ODD = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('null', 'true', 'false', '0', '""', '[]', '{}', '[null]'),
  },
  fc.constantFrom(
    '1e999',
    '-1e999',
    '1.0000001',
    '-0',
    '1e-400',
    '"object"',
    '"\\u006fbject"',
    '["object"]',
    '"light"',
    '"user"',
    '["user","assistent"]',
    '"2026-02-29T00:00:00Z"',
    '"2000-02-29T23:59:59Z"',
    '"2026-01-01"',
    '"2026-01-01T10:00Z"',
    '"2026-01-01T10:00:00"',
    '"2026-01-01T10:00:00.\\u0030Z"',
    '"2026-01-01T24:00:00Z"',
    '"2026-01-01T10:00:00z"',
    '{"__proto__":5}',
    '{"constructor":null,"x":{}}',
    '{"x":true,"y":false,"z":null,"w":[]}',
    '{"x":5,"x":{}}',
    '{"x":{},"x":null}',
    '{"x":null,"__proto__":null}',
    '{"type":"object","type":null}',
    '{"type":null,"type":"object"}',
    '{"anyOf":[{"type":"object"}]}',
    '{"type":"object","properties":{"x":true,"y":null}}',
    '{"type":"object","properties":null,"required":null}',
    '{"type":"object","required":["a",5]}',
    '[{"src":"s","theme":null}]',
    '[{"src":null}]',
    '[{"name":"a","required":null},{"name":"b","description":null}]',
  ),
  fc.json({ maxDepth: 2 }),
);

export interface Change {
  /** Chooses the place, counted over all members and elements. */
  readonly place: number;
  readonly how: 'replace' | 'remove' | 'double' | 'before' | 'unknown';
  readonly with: string;
  readonly white: string;
}

export const CHANGE: fc.Arbitrary<Change> = fc.record({
  place: fc.nat(60),
  how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'double', 'before', 'unknown'),
  with: ODD,
  white: fc.constantFrom('', ' ', '\t  '),
});

/** Writes a value as JSON, changed in one place. */
export function written(value: unknown, change: Change): string {
  let at = -1;
  const { white } = change;
  const member = (name: string, json: string) =>
    `${white}${JSON.stringify(name)}${white}:${white}${json}${white}`;
  const write = (inner: unknown): string => {
    if (Array.isArray(inner)) {
      const all = inner.flatMap((one) => {
        const here = ++at === change.place;
        const json = write(one);
        if (!here) return [json];
        return change.how === 'remove' ? [] : [change.with];
      });
      return `[${all.join(`,${white}`)}]`;
    }
    if (typeof inner !== 'object' || inner === null) return JSON.stringify(inner);
    const all = Object.entries(inner).flatMap(([name, one]) => {
      const here = ++at === change.place;
      const json = write(one);
      if (!here) return [member(name, json)];
      switch (change.how) {
        case 'remove':
          return [];
        case 'double':
          return [member(name, json), member(name, change.with)];
        case 'before':
          return [member(name, change.with), member(name, json)];
        case 'unknown':
          return [member(name, json), member(`${name}X`, change.with)];
        case 'replace':
          return [member(name, change.with)];
      }
    });
    return `{${all.join(',')}}`;
  };
  return write(value);
}
