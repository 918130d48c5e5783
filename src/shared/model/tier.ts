/** What a tool may do, from the least to the most. */
export type Tier = 'read' | 'write' | 'destructive';
