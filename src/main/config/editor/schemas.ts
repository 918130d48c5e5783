/**
 * `registry.yaml` and `policy.yaml` as JSON Schemas, for the completion and the checks of editors: made from the rules
 * that rea itself reads the files by. Draft 7, which the YAML servers of editors take. What such a schema cannot
 * say (patterns, names that are taken, values that contradict each other) only rea check does.
 */
import { z } from 'zod';
import { HEADER_NAME } from '../endpoint.ts';
import { policySchema, SHORT_FORMS } from '../policy-file.ts';
import { OF_COMMAND, OF_URL } from '../registry.ts';
import { defaultsSchema, registrySchema, serverSchema } from '../schema.ts';
import { type Defaults, gatewayDefaults, policyDefaults, serverDefaults } from './defaults.ts';
import { FOREIGN_TEXT, POLICY_TEXTS } from './policy-texts.ts';
import { GATEWAY_TEXTS, OPTION_TEXTS, REGISTRY_TEXTS, SERVER_TEXTS } from './registry-texts.ts';

export const SCHEMA_NAMES = ['registry', 'policy'] as const;

export type SchemaName = (typeof SCHEMA_NAMES)[number];

/** A JSON Schema, as far as it is looked into here. */
export interface Schema {
  readonly [key: string]: unknown;
  readonly description?: string | undefined;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

type Texts = Readonly<Record<string, string>>;

const HEAD = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $comment: 'Made by rea. To renew it: rea schema',
};

/** What `nameAdvice` and `prefixAdvice` say. */
const NAME = '^(?!(?:rea|constructor)$)[a-z0-9][a-z0-9-]{0,31}$';
const PREFIX = '^(?!rea$)(?!.*__)(?!.*_$)[A-Za-z0-9_-]{0,32}$';

/** The text of the file: JSON, with a line end. */
export function schemaText(name: SchemaName): string {
  const schema = name === 'registry' ? registryForEditors() : policyForEditors();
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function registryForEditors(): Schema {
  const server = explained(
    plain(serverSchema),
    { ...SERVER_TEXTS, ...OPTION_TEXTS },
    serverDefaults(),
  );
  const { name, prefix, headers } = server.properties ?? {};
  const one: Schema = {
    ...server,
    properties: {
      ...server.properties,
      name: { ...name, pattern: NAME },
      prefix: { ...prefix, pattern: PREFIX },
      headers: { ...headers, propertyNames: { pattern: HEADER_NAME.source } },
    },
    oneOf: [{ required: ['command'] }, { required: ['url'] }],
    dependencies: {
      ...Object.fromEntries(OF_COMMAND.map((key) => [key, ['command']])),
      ...Object.fromEntries(OF_URL.map((key) => [key, ['url']])),
    },
  };
  const texts = { ...OPTION_TEXTS, ...GATEWAY_TEXTS };
  const defaults = explained(plain(defaultsSchema), texts, {
    ...serverDefaults(),
    ...gatewayDefaults(),
  });
  const whole = plain(registrySchema);
  const properties = {
    ...whole.properties,
    defaults,
    servers: { type: ['array', 'null'], items: one },
  };
  return {
    ...HEAD,
    title: 'registry.yaml of rea',
    ...explained({ ...whole, properties }, REGISTRY_TEXTS, {}),
  };
}

function policyForEditors(): Schema {
  const defaults = policyDefaults();
  const made = explained(plain(policySchema), POLICY_TEXTS, defaults);
  const properties = { ...made.properties };
  for (const [key, words] of Object.entries(SHORT_FORMS)) {
    const { description, ...mapping } = properties[key] ?? {};
    const isWord = words.includes(defaults[key]);
    const value = isWord ? { default: defaults[key] } : {};
    properties[key] = { description, ...value, anyOf: [{ enum: words }, mapping] };
  }
  for (const [key, schema] of Object.entries(properties)) {
    if (Object.keys(schema).length === 0) properties[key] = { description: FOREIGN_TEXT };
  }
  return { ...HEAD, title: 'policy.yaml of rea', ...made, properties };
}

/** Without keys that are refused whatever they hold: an editor would offer them. */
function plain(schema: z.ZodType): Schema {
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
  }) as Schema;
  const properties = Object.entries(made.properties ?? {}).filter(([, one]) => !('not' in one));
  return { ...made, properties: Object.fromEntries(properties) };
}

/** With a description and the default of each key. @param path of the keys that it is within. */
function explained(schema: Schema, texts: Texts, defaults: unknown, path = ''): Schema {
  const { properties, items } = schema;
  if (properties === undefined) {
    // The keys of a list's mappings have no values of their own where the list is not written.
    if (items === undefined || path === '') return schema;
    return { ...schema, items: explained(items, texts, {}, path) };
  }
  const entries = Object.entries(properties).map(([key, one]) => {
    const at = `${path}${key}`;
    const value = (defaults as Defaults | undefined)?.[key];
    const inner = explained(one, texts, value, `${at}.`);
    const isValue = value !== undefined && one.properties === undefined;
    const description = texts[at];
    return [
      key,
      {
        ...(description === undefined ? {} : { description }),
        ...(isValue ? { default: value } : {}),
        ...inner,
      },
    ];
  });
  return { ...schema, properties: Object.fromEntries(entries) as Record<string, Schema> };
}
