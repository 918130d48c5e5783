/** What main hands to an inspector thread, and what comes back. Types only. */
import type { Finding } from '../model/findings.ts';

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
