/** What is wrong with a server, in words for a person, and what to do about it. Pure. */
import type { DownstreamView, LastExitView } from '../status/state-file.ts';
import { isServing } from '../status/verdict.ts';

export interface Cause {
  /** One line; it may hold what the server has said, so it has to be cleaned where it is shown. */
  readonly why: string;
  /** What to do or to type; null when there is nothing to advise. */
  readonly action: string | null;
}

/** Null: nothing is wrong. */
export function causeOf(server: DownstreamView): Cause | null {
  if (isServing(server, server.phase === null) && server.last_error === null) return null;
  const exit = server.last_exit === null ? null : exitInWords(server.last_exit);
  const why = server.last_error ?? exit;
  return why === null ? null : { why, action: null };
}

function exitInWords({ code, signal }: LastExitView): string {
  return signal === null ? `ended with code ${code ?? 'unknown'}` : `ended by ${signal}`;
}
