/** What main hands to an inspector thread, and what comes back. */
import type { Finding } from '../model/findings.ts';

/** Bytes of a definition that are judged: nobody reads more of it. Main sends one byte more of a longer one. */
export const MAX_DEFINITION = 256 * 1024;

export interface InspectTask {
  readonly items: readonly InspectItem[];
  /** Tools of all servers, by which orders about tools of other servers are found. */
  readonly tools: readonly ServerTool[];
}

export interface InspectItem {
  readonly server: string;
  readonly json: Uint8Array;
}

export interface ServerTool {
  readonly server: string;
  readonly name: string;
}

/** Of each item, in the same order. */
export type Inspected = readonly (readonly Finding[])[];
