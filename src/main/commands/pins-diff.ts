/**
 * `rea pins diff`: what differs in the definitions of a server that wait for a person, and in those that have changed
 * in the last seven days. Shows words and what is invisible between them; changes nothing.
 */
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import { sharedState } from '../audit/own-state.ts';
import { definitionDiff } from '../pins/definition-diff.ts';
import { readText } from '../pins/definition-texts.ts';
import { pinsCommand, reasonWords, shownDefinition, typedName } from '../pins/held-words.ts';
import { pinsPath, readPins } from '../pins/read-pins.ts';
import { type Difference, lookable } from '../pins/waiting-definitions.ts';
import { stateDirectory } from '../processes/state-directory.ts';

export interface PinsDiffOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** `--state-dir`, absolute. */
  readonly stateDir?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly server: string;
  /** Definitions as a person types them; empty: all. */
  readonly names: readonly string[];
}

const SHOWN_MS = 7 * 24 * 60 * 60 * 1000;
const MOST = 200;
const LONGEST = 4096;

/** @returns the exit code: 0 shown, also when nothing differs; 1 the pins cannot be read. */
export function runPinsDiff(options: PinsDiffOptions): number {
  const { cwd, env, stateDir: chosen, server, names, stdout, stderr } = options;
  const say = (line: string) => stdout.write(`${oneLine(clip(line, LONGEST))}\n`);
  const place = sharedState({ cwd, env, ...(chosen === undefined ? {} : { chosen }) });
  const stateDir = stateDirectory(place);
  const read = readPins(stateDir);
  if (read.kind === 'damaged') {
    stderr.write(`${oneLine(`${pinsPath(stateDir)} ${read.why}`)}\n`);
    return 1;
  }
  const from = new Date(Date.now() - SHOWN_MS).toISOString();
  const found = read.kind === 'absent' ? [] : lookable(read.pins, server, names, from);
  if (found.length === 0) {
    const what =
      names.length === 0 ? '' : ` of ${names.length === 1 ? 'that name' : 'these names'}`;
    say(`no definition${what} of server "${clip(server, 64)}" waits or has changed lately`);
    return 0;
  }
  for (const one of found.slice(0, MOST)) for (const line of linesOf(stateDir, one)) say(line);
  if (found.length > MOST) say(`and ${found.length - MOST} more`);
  return 0;
}

function linesOf(stateDir: string, { server, kind, name, form, before }: Difference): string[] {
  const what = shownDefinition(server, kind, name);
  const isHeld = form.held !== undefined;
  const standing = isHeld ? `withheld: ${reasonWords(form)}` : 'served, pinned without a person';
  const head = `${what}: ${before === null ? 'new' : 'changed'}, ${form.at}, ${standing}`;
  const typed = typedName(kind, name);
  const only = typed === null ? null : `${typed}@${form.hash.slice(0, 12)}`;
  const remedy = isHeld ? [`  to accept: ${pinsCommand('accept', server, only)}`] : [];
  return [head, ...differing(stateDir, form.hash, before), ...remedy];
}

function differing(stateDir: string, hash: string, before: string | null): string[] {
  const now = readText(stateDir, hash);
  if (now === null) return ['  its text was not kept'];
  const was = before === null ? null : readText(stateDir, before);
  if (before !== null && was === null) {
    return ['  the text before was not kept; it is now:', ...indented(definitionDiff(null, now))];
  }
  const lines = definitionDiff(was, now);
  return lines.length === 0 ? ['  only secrets that are hidden here differ'] : indented(lines);
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
