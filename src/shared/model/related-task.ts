/** The member of `_meta` with the task that a message belongs to. */
export const RELATED_TASK = 'io.modelcontextprotocol/related-task';
