/** The problems of the configuration file, as the state file shows them until they are mended. */
import type { ConfigProblems } from '../../shared/model/snapshot.ts';
import { clip, oneLine } from '../../shared/text/clean-text.ts';

const MOST = 20;
const LONGEST = 500;

/** A line that comes from a file, as the state file keeps it. */
export function shownLine(line: string): string {
  return clip(oneLine(line), LONGEST);
}

export class FileProblems {
  #record: ConfigProblems | null = null;

  get record(): ConfigProblems | null {
    return this.#record;
  }

  /** The file was refused as a whole. @param lines one for each problem. */
  ofFile(lines: readonly string[]): void {
    this.#set(true, lines);
  }

  /** The file is in force, except for single entries. @param lines none: it is in force as a whole. */
  ofEntries(lines: readonly string[]): void {
    this.#set(false, lines);
  }

  #set(refused: boolean, all: readonly string[]): void {
    if (all.length === 0) {
      this.#record = null;
      return;
    }
    const lines = all.slice(0, MOST).map(shownLine);
    const more = all.length - lines.length;
    const before = this.#record;
    const isSame =
      before !== null && before.refused === refused && before.lines.join('\n') === lines.join('\n');
    const since = isSame ? before.since : new Date().toISOString();
    this.#record = { refused, lines, more, since };
  }
}
