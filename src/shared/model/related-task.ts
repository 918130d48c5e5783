/** The member of `_meta` by which a message says in the course of which task it comes. */
export const RELATED_TASK = 'io.modelcontextprotocol/related-task';
