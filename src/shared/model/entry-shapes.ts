/**
 * What the entries of a list have to look like, as the schemas of the official SDKs' clients say: members that
 * are needed, and what those may be that are known. Other members may be anything.
 */
import type { ListKind } from './lists.ts';

/**
 * `share`: a number from 0 to 1. `time`: a date and time with an offset. `schemas`: an object whose members are
 * JSON schemas.
 */
export type Scalar = 'string' | 'boolean' | 'number' | 'object' | 'share' | 'time' | 'schemas';

export interface Members {
  readonly needs: readonly string[];
  readonly members: Readonly<Record<string, Shape>>;
}

export type Shape =
  | Scalar
  | { readonly oneOf: readonly string[] }
  | { readonly each: Shape }
  | Members;

const TEXTS: Shape = { each: 'string' };

const ICON: Members = {
  needs: ['src'],
  members: {
    src: 'string',
    mimeType: 'string',
    sizes: TEXTS,
    theme: { oneOf: ['light', 'dark'] },
  },
};

const SCHEMA: Members = {
  needs: ['type'],
  members: { type: { oneOf: ['object'] }, properties: 'schemas', required: TEXTS },
};

/** What all kinds of entry have in common. */
const COMMON: Members['members'] = {
  name: 'string',
  title: 'string',
  description: 'string',
  icons: { each: ICON },
  _meta: 'object',
};

const CONTENT: Members['members'] = {
  ...COMMON,
  mimeType: 'string',
  annotations: {
    needs: [],
    members: {
      audience: { each: { oneOf: ['user', 'assistant'] } },
      priority: 'share',
      lastModified: 'time',
    },
  },
};

export const ENTRY_SHAPES: Readonly<Record<ListKind, Members>> = {
  tools: {
    needs: ['name', 'inputSchema'],
    members: {
      ...COMMON,
      inputSchema: SCHEMA,
      outputSchema: SCHEMA,
      annotations: {
        needs: [],
        members: {
          title: 'string',
          readOnlyHint: 'boolean',
          destructiveHint: 'boolean',
          idempotentHint: 'boolean',
          openWorldHint: 'boolean',
        },
      },
      execution: {
        needs: [],
        members: { taskSupport: { oneOf: ['required', 'optional', 'forbidden'] } },
      },
    },
  },
  prompts: {
    needs: ['name'],
    members: {
      ...COMMON,
      arguments: {
        each: {
          needs: ['name'],
          members: { name: 'string', description: 'string', required: 'boolean' },
        },
      },
    },
  },
  resources: { needs: ['name', 'uri'], members: { ...CONTENT, uri: 'string', size: 'number' } },
  templates: { needs: ['name', 'uriTemplate'], members: { ...CONTENT, uriTemplate: 'string' } },
};
