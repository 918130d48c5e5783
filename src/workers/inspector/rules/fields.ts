/**
 * The texts of a definition that reach a model, and where they stand. Names of parameters are texts, too. Takes time
 * linear in the definition, however deep it is.
 */

export interface Field {
  /** Like `inputSchema.properties.note.description`. */
  readonly path: string;
  readonly text: string;
  /** The name of the parameter that it is about, or empty. */
  readonly parameter: string;
}

/** Texts that are judged each by itself; those behind them are judged together, as one. */
const MAX_FIELDS = 20_000;
const MAX_PATH = 160;

interface Open {
  readonly value: unknown;
  readonly path: string;
  readonly parameter: string;
  /** Its members are parameters. */
  readonly holdsParameters: boolean;
}

/** @param root what a definition is, parsed: so many bytes as are judged at most. */
export function fieldsOf(root: unknown): Field[] {
  const fields: Field[] = [];
  const rest: string[] = [];
  const add = (field: Field) => {
    if (fields.length < MAX_FIELDS) fields.push(field);
    else rest.push(field.text);
  };
  const open: Open[] = [{ value: root, path: '', parameter: '', holdsParameters: false }];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const { value, path, parameter } = one;
    if (typeof value === 'string') {
      if (value !== '') add({ path, text: value, parameter });
    } else if (Array.isArray(value)) {
      for (let at = value.length - 1; at >= 0; at--) {
        open.push({ value: value[at], path, parameter, holdsParameters: false });
      }
    } else if (typeof value === 'object' && value !== null) {
      openMembers(one, value, add, open);
    }
  }
  if (rest.length > 0) fields.push({ path: '', text: rest.join('\n'), parameter: '' });
  return fields;
}

function openMembers(of: Open, value: object, add: (field: Field) => void, open: Open[]): void {
  const { path, parameter, holdsParameters } = of;
  const members = Object.entries(value);
  for (const [name, inner] of members.reverse()) {
    const to = `${path === '' ? '' : `${path}.`}${name}`.slice(0, MAX_PATH);
    if (holdsParameters) add({ path: to, text: name, parameter: '' });
    else if (!SCHEMA_WORDS.has(name) && name !== '') add({ path: to, text: name, parameter: '' });
    open.push({
      value: inner,
      path: to,
      parameter: holdsParameters ? name : parameter,
      holdsParameters: !holdsParameters && HOLDERS.has(name),
    });
  }
}

const HOLDERS: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
]);
/** Names that the formats themselves give. */
const SCHEMA_WORDS: ReadonlySet<string> = new Set(
  `name title description inputSchema outputSchema annotations arguments required type properties items enum const
   default examples anyOf oneOf allOf not additionalProperties patternProperties format pattern minimum maximum
   exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems uniqueItems multipleOf $schema $ref $defs
   definitions $id $comment readOnlyHint destructiveHint idempotentHint openWorldHint uriTemplate mimeType uri
   instructions size audience priority lastModified`.split(/\s+/),
);
