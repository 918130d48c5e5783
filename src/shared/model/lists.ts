/** The kinds of list that servers offer and the gateway merges. */

export type ListKind = 'tools' | 'prompts' | 'resources' | 'templates';

/** Kinds of list with URIs as keys. */
export type UriKind = 'resources' | 'templates';

export interface ListShape {
  /** The request that fetches it. */
  readonly method: string;
  /** The member of the result that holds the list. */
  readonly member: string;
  /** The member of an entry that is its key. */
  readonly key: 'name' | 'uri' | 'uriTemplate';
  /** The capability of a server that has such a list. */
  readonly capability: 'tools' | 'prompts' | 'resources';
  /** Most entries kept for one server. Each request for a resource is matched against all templates. */
  readonly limit: number;
  /** The notification that the list has changed. */
  readonly changed: string;
}

export const LISTS: Readonly<Record<ListKind, ListShape>> = {
  tools: {
    method: 'tools/list',
    member: 'tools',
    key: 'name',
    capability: 'tools',
    limit: 10_000,
    changed: 'notifications/tools/list_changed',
  },
  prompts: {
    method: 'prompts/list',
    member: 'prompts',
    key: 'name',
    capability: 'prompts',
    limit: 10_000,
    changed: 'notifications/prompts/list_changed',
  },
  resources: {
    method: 'resources/list',
    member: 'resources',
    key: 'uri',
    capability: 'resources',
    limit: 10_000,
    changed: 'notifications/resources/list_changed',
  },
  templates: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    key: 'uriTemplate',
    capability: 'resources',
    limit: 1000,
    changed: 'notifications/resources/list_changed',
  },
};

export const LIST_KINDS = Object.keys(LISTS) as readonly ListKind[];

const BY_METHOD = new Map(LIST_KINDS.map((kind) => [LISTS[kind].method, kind]));

/** The list that a request asks for; null: it asks for something else. */
export function listOf(method: string): ListKind | null {
  return BY_METHOD.get(method) ?? null;
}
