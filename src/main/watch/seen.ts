/** All that a page of the watch shows. Types only. */
import type { LogLine } from '../log/read-logs.ts';
import type { Facts } from '../status/collect.ts';
import type { TokenOf } from '../status/doors.ts';
import type { Verdict } from '../status/verdict.ts';
import type { OpenCall } from './live.ts';

export interface Seen {
  readonly facts: Facts;
  /** With live figures where a gateway tells them. */
  readonly verdict: Verdict;
  /** Where the command was started, absolute. */
  readonly askedIn: string;
  readonly tokenOf: TokenOf;
  /** Of the server that is looked at, the newest last. */
  readonly log: readonly LogLine[];
  /** Requests of the server that is looked at; null: its gateway does not tell. */
  readonly calls: readonly OpenCall[] | null;
}
